"""The forums' views: read the form and the ids, call one function of the domain, answer."""

from typing import Any

from pyramid.request import Request
from pyramid.response import Response

from ...web.errors import page
from ..people import MODERATORS, Locked, Missing, Person, TooSoon


def viewer(request: Request) -> Person | None:
    """Who is asking, None for a visitor."""
    identity = request.identity
    if identity is None:
        return None
    return Person(identity.user_id, identity.user_name, bool(identity.roles & MODERATORS))


def person(request: Request) -> Person:
    """Who is asking, on a page for people who are signed in."""
    who = viewer(request)
    if who is None:
        raise Missing
    return who


def id_of(request: Request) -> int:
    """The id in the address. The route lets no other than digits through, and none too many."""
    return int(request.matchdict["id"])


def number(text: str) -> int | None:
    """A whole number from a query or a hidden field, None for anything else and for what no bigint holds."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 18 else None


def too_soon(request: Request, form: Any, error: TooSoon) -> None:
    """Ask for patience: 429 with the form as it was."""
    seconds = "second" if error.wait == 1 else "seconds"
    form.form_errors.append(
        f"You wrote a moment ago. Send it again in {error.wait} {seconds}; nothing is lost."
    )
    request.response.status_int = 429
    request.response.headers["Retry-After"] = str(error.wait)


def missing(error: Missing, request: Request) -> Response:
    """404 for what is not there, and for what is not for this person."""
    return page(request, 404)


def locked(error: Locked, request: Request) -> Response:
    """409, with what was typed."""
    return page(
        request,
        409,
        "This topic is locked",
        "It takes no new posts and no changes. What you wrote was not posted.",
    )
