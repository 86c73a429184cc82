"""The forms that take a code of an authenticator."""

from typing import Any

from pyramid.response import Response
from wtforms import Form, HiddenField, StringField
from wtforms.validators import DataRequired, Regexp

from ..operations.break_glass import CodeRefused, TooManyCodes


def _without_space(value: Any) -> str:
    """Return the code without spaces: apps show the digits in groups."""
    return "".join(value.split()) if isinstance(value, str) else ""


class CodeForm(Form):
    """A code of an authenticator."""

    code = StringField(
        "Code",
        [
            DataRequired("Enter the code that your app shows."),
            Regexp(r"[0-9]{6}\Z", message="A code has six digits."),
        ],
        filters=[_without_space],
        render_kw={"autocomplete": "one-time-code", "inputmode": "numeric", "spellcheck": "false"},
    )

    def refuse(self, refusal: CodeRefused, response: Response) -> None:
        """Show a refusal on the form, without the code, and set the response's status: 429 where the admin has to wait."""
        self.code.data = ""
        self.form_errors = [str(refusal)]
        response.status_int = 422
        if isinstance(refusal, TooManyCodes):
            response.status_int = 429
            response.headers["Retry-After"] = str(refusal.retry_after)


class BreakGlassForm(CodeForm):
    """A code in place of a password, on the way to a page."""

    next = HiddenField()
