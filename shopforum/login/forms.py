"""The forms of the login."""

from typing import Any

from wtforms import BooleanField, Field, Form, HiddenField, PasswordField, StringField
from wtforms.validators import DataRequired, Length, StopValidation


def _text(value: Any) -> str:
    """Return the typed text. An uploaded file counts as an empty text: no field here takes one."""
    return value if isinstance(value, str) else ""


def _outer_space(value: str) -> str:
    """Return an address without the spaces around it. The rest stays: the identity provider compares exactly."""
    return value.strip()


def _any_space(value: str) -> str:
    """Return a code without spaces: some senders group the digits."""
    return "".join(value.split())


def _password_given(form: Form, field: Field) -> None:
    """Require a password. WTForms' own validators would strip it, or fail on an uploaded file."""
    if not field.data:
        raise StopValidation("Enter your password.")


def _new_password(label: str) -> PasswordField:
    """Return a field for a new password, used exactly as typed. FusionAuth has the rules for it."""
    return PasswordField(
        label,
        [_password_given, Length(max=1000, message="This is too long for a password.")],
        filters=[_text],
        render_kw={"autocomplete": "new-password"},
    )


class ForgottenForm(Form):
    """The e-mail address of somebody who has forgotten the password."""

    email = StringField(
        "E-mail address",
        [
            DataRequired("Enter your e-mail address."),
            Length(max=320, message="This is too long for an e-mail address."),
        ],
        filters=[_text, _outer_space],
        # Not type=email: browsers change the typed text in such a field.
        render_kw={
            "autocomplete": "username",
            "inputmode": "email",
            "autocapitalize": "none",
            "spellcheck": "false",
        },
    )


class CodeRequestForm(ForgottenForm):
    """The e-mail address that a code is mailed to."""

    next = HiddenField(filters=[_text])


class LoginForm(ForgottenForm):
    """E-mail address and password. The password is used exactly as typed: outer spaces may be part of it."""

    password = PasswordField(
        "Password",
        [_password_given, Length(max=1000, message="This is too long for a password.")],
        filters=[_text],
        render_kw={"autocomplete": "current-password"},
    )
    next = HiddenField(filters=[_text])


class NewPasswordForm(Form):
    """A new password."""

    password = _new_password("New password")


class SignUpForm(ForgottenForm):
    """Name, e-mail address and password of a new user."""

    name = StringField(
        "Name",
        [DataRequired("Enter your name."), Length(max=200, message="This is too long for a name.")],
        filters=[_text, _outer_space],
        description="Members of the forums see it.",
        render_kw={"autocomplete": "name"},
    )
    password = _new_password("Password")
    next = HiddenField(filters=[_text])


def _code(**keyboard: str) -> StringField:
    """Return the field of a code that is used once. `keyboard` are attributes for the keyboards of phones."""
    return StringField(
        "Code",
        [DataRequired("Enter the code."), Length(max=64, message="This is too long for a code.")],
        filters=[_text, _any_space],
        render_kw={"autocomplete": "one-time-code", "spellcheck": "false", **keyboard},
    )


class CodeForm(Form):
    """The code of the second factor."""

    code = _code(inputmode="numeric")


class MailedCodeForm(CodeForm):
    """A code by mail, which may have letters."""

    code = _code(autocapitalize="characters")


class TwoFactorForm(CodeForm):
    """The code of the second factor, and whether this browser is trusted from now on."""

    trust = BooleanField(
        "Ask for no code in this browser for a while",
        description="Only where nobody else uses it. Your password is still asked for.",
    )
