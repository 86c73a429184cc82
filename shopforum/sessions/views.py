"""What the add-on adds to Pyramid's view pipeline: CSRF before identity, and views that need a fresh password."""

from collections.abc import Callable
from typing import Any

from pyramid.httpexceptions import HTTPForbidden
from pyramid.request import Request

View = Callable[[Any, Request], Any]


class FreshLoginRequired(HTTPForbidden):
    """The password was given too long ago for what is asked: it has to be given again."""


def require_fresh(view: View, info: Any) -> View:
    """View option `fresh_login=seconds`: the password may be no older (ASVS 5.0 7.5.3)."""
    seconds = info.options.get("fresh_login")
    if seconds is None:
        return view

    def wrapped(context: Any, request: Request) -> Any:
        session = request.identity
        if session is None or session.authenticated_ago > seconds:
            raise FreshLoginRequired
        return view(context, request)

    return wrapped


require_fresh.options = ("fresh_login",)  # type: ignore[attr-defined]
