"""The login form as the tests fill it in."""

from typing import Any

from support import Browser
from webtest import TestResponse


def login_form(page: TestResponse) -> Any:
    """The form for the password."""
    return next(form for form in page.forms.values() if "password" in form.fields)


def attempt(client: Browser, email: str, password: str, **fields: str) -> TestResponse:
    """Try to log in; return the response of any status."""
    form = login_form(client.get("/login"))
    form["email"], form["password"] = email, password
    for name, value in fields.items():
        form[name] = value
    return form.submit(expect_errors=True)
