"""The page with the login form, empty or with errors."""

from typing import Any

from pyramid.renderers import render_to_response
from pyramid.response import Response

from ..web.request import Request
from ..web.services import PasswordPage
from .forms import LoginForm

_TEMPLATE = "shopforum:login/templates/login.jinja2"


def page(request: Request, form: LoginForm, status: int, **values: Any) -> Response:
    """Return the login page. For a signed-in person it is the page that asks for the password again."""
    response = render_to_response(
        _TEMPLATE,
        {"form": form, "password_url": request.services.get(PasswordPage).url, **values},
        request=request,
    )
    response.status_int = status
    return response


def refused(
    request: Request, form: LoginForm, status: int, text: str, retry_after: int | None = None
) -> Response:
    """Return the login page with the reason of a refusal. It keeps the e-mail address, not the password."""
    form.form_errors = [text]
    response = page(request, form, status)
    if retry_after is not None:
        response.headers["Retry-After"] = str(retry_after)
    return response
