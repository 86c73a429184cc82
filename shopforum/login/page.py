"""The page with the login form, as it is shown at first and as it comes back."""

from typing import Any

from pyramid.renderers import render_to_response
from pyramid.response import Response

from ..web.request import Request
from ..web.services import PasswordPage
from .forms import LoginForm

_TEMPLATE = "shopforum:login/templates/login.jinja2"


def page(request: Request, form: LoginForm, status: int, **values: Any) -> Response:
    """The login page; it asks to confirm where somebody is signed in already."""
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
    """The login page with the reason it was not taken, the e-mail address kept and the password gone."""
    form.form_errors = [text]
    response = page(request, form, status)
    if retry_after is not None:
        response.headers["Retry-After"] = str(retry_after)
    return response
