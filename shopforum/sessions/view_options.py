"""View options of the add-on: views that need a fresh password, and forms that sign in or out."""

from collections.abc import Callable
from typing import Any

from pyramid.httpexceptions import HTTPForbidden
from pyramid.request import Request

from .policy import OWN_FORM

View = Callable[[Any, Request], Any]


class FreshLoginRequired(HTTPForbidden):
    """The password was given too long ago for this view: it has to be given again."""


def require_fresh(view: View, info: Any) -> View:
    """View option `fresh_login=seconds`: raise FreshLoginRequired where the password, and a code in its stead, is older (ASVS 5.0
    7.5.3).
    """
    seconds = info.options.get("fresh_login")
    if seconds is None:
        return view

    def wrapped(context: Any, request: Request) -> Any:
        session = request.identity
        if session is None or session.confirmed_ago > seconds:
            raise FreshLoginRequired
        return view(context, request)

    return wrapped


require_fresh.options = ("fresh_login",)  # type: ignore[attr-defined]


def own_form(view: View, info: Any) -> View:
    """View option `own_form`, `"in"` for a login, `"out"` for a logout: accept any form of this browser, that of an old tab
    included, whichever session it was made for (csrf.py has the conditions).
    """
    kind = info.options.get("own_form")
    if kind is None:
        return view

    def wrapped(context: Any, request: Request) -> Any:
        request.environ[OWN_FORM] = kind
        return view(context, request)

    return wrapped


own_form.options = ("own_form",)  # type: ignore[attr-defined]
