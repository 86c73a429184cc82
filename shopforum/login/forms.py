"""The login's forms."""

from typing import Any

from wtforms import Field, Form, HiddenField, PasswordField, StringField
from wtforms.validators import DataRequired, Length, StopValidation


def _text(value: Any) -> str:
    """What was typed; an uploaded file, which no field here takes, counts as nothing typed."""
    return value if isinstance(value, str) else ""


def _outer_space(value: str) -> str:
    """An address without the spaces around it; nothing else is changed, for the identity provider compares exactly."""
    return value.strip()


def _any_space(value: str) -> str:
    """A code without spaces: some senders group its digits."""
    return "".join(value.split())


def _password_given(form: Form, field: Field) -> None:
    """WTForms' own validators for this would strip the password, or stumble over an uploaded file."""
    if not field.data:
        raise StopValidation("Enter your password.")


class LoginForm(Form):
    """The password is taken exactly as typed: spaces at its ends may be part of it."""

    email = StringField(
        "E-mail address",
        [
            DataRequired("Enter your e-mail address."),
            Length(max=320, message="That is too long for an address."),
        ],
        filters=[_text, _outer_space],
        # Not type=email: browsers change what was typed there.
        render_kw={
            "autocomplete": "username",
            "inputmode": "email",
            "autocapitalize": "none",
            "spellcheck": "false",
        },
    )
    password = PasswordField(
        "Password",
        [_password_given, Length(max=1000, message="That is too long for a password.")],
        filters=[_text],
        render_kw={"autocomplete": "current-password"},
    )
    next = HiddenField(filters=[_text])


class CodeForm(Form):
    """The second factor's code."""

    code = StringField(
        "Code",
        [DataRequired("Enter the code."), Length(max=64, message="That is too long for a code.")],
        filters=[_text, _any_space],
        render_kw={"autocomplete": "one-time-code", "inputmode": "numeric", "spellcheck": "false"},
    )
