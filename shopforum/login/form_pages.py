"""The page of a form, as it is or refused: for all forms on the way to a login."""

from collections.abc import Callable

from pyramid.renderers import render_to_response
from pyramid.response import Response
from wtforms import Form

from ..web.request import Request


def shown(request: Request, template: str, form: Form, status: int, **values: object) -> Response:
    """Return the page of a form. `values` are what the template needs beside it."""
    response = render_to_response(template, {"form": form, **values}, request=request)
    response.status_int = status
    return response


def refused(form: Form, text: str, page: Callable[[], Response], retry_after: int | None = None) -> Response:
    """Return the page of a form with the reason of its refusal, and with the seconds after which it may be sent again.

    `page` renders it, when the form has the reason.
    """
    form.form_errors = [text]
    response = page()
    if retry_after is not None:
        response.headers["Retry-After"] = str(retry_after)
    return response
