"""The forums' views: read the form and the ids, call one function of the domain, answer."""

from collections.abc import Callable, Sequence
from typing import Any

from markupsafe import Markup
from pyramid.httpexceptions import HTTPSeeOther
from pyramid.response import Response
from sqlalchemy import ColumnElement, RowMapping, Select

from ...core import paging
from ...core.permissions import MODERATORS
from ...web.errors import page
from ...web.request import Request
from .. import inbox, mentions
from ..forms import line
from ..person import Locked, Missing, Person, Stale, TooLate, TooSoon
from ..settings import Rules
from ..writing import Placed

# How much the person has not read, where the page's own statements brought it along (`inbox.along`).
UNREAD = "forums.unread"


def viewer(request: Request) -> Person | None:
    """Who is asking, None for a visitor."""
    identity = request.identity
    if identity is None:
        return None
    # Where FusionAuth knows no name it is an address, which is nobody's business; and no name looks like a handle.
    name = line(identity.user_name)
    shown = name if name and "@" not in name else "Member"
    return Person(identity.user_id, shown, bool(identity.roles & MODERATORS))


def person(request: Request) -> Person:
    """Who is asking, on a page for people who are signed in."""
    who = viewer(request)
    if who is None:
        raise Missing
    return who


def id_of(request: Request) -> int:
    """The id in the address. The route lets no other than digits through, and none too many."""
    return int(request.matchdict["id"])


def rules(request: Request) -> Rules:
    """The forums' settings."""
    return request.services.get(Rules)


def listed(
    request: Request, statement: Select[Any], order: Sequence[ColumnElement[Any]], **options: Any
) -> paging.Page:
    """The page of a list, see `paging.page`, with the count for the navigation in the same statement, if need be."""
    if UNREAD in request.environ:
        return paging.page(request, statement, *order, **options)
    found = paging.page(request, inbox.along(statement, viewer(request)), *order, **options)
    note_unread(request, found.rows)
    return found


def note_unread(request: Request, rows: Sequence[RowMapping]) -> None:
    """Keep the count that a statement brought along, for the navigation; no rows, no count."""
    count = inbox.count_of(rows)
    if count is not None:
        request.environ[UNREAD] = count


def written(request: Request, form: Any, write: Callable[[], Placed]) -> HTTPSeeOther | Markup | None:
    """What comes of a form with somebody's text: the way to the post that `write` made, a preview, or None and the
    form with its errors.
    """
    if not form.validate():
        request.response.status_int = 422
        return None
    if "preview" in request.POST:
        return mentions.preview(request.db, form.body.data)
    try:
        return HTTPSeeOther(write().url)
    except TooSoon as error:
        _too_soon(request, form, error)
    except Stale:
        form.form_errors.append(
            "The post was changed after you opened it, perhaps in another window. Yours is below; open the post"
            " anew to see the other."
        )
        request.response.status_int = 409
    return None


def _too_soon(request: Request, form: Any, error: TooSoon) -> None:
    """Ask for patience: 429 with the form as it was."""
    seconds = "second" if error.wait == 1 else "seconds"
    why = "Until you have written a little more, you can post only now and then. " if error.newcomer else ""
    form.form_errors.append(
        f"You wrote a moment ago. {why}Send it again in {error.wait} {seconds}; nothing is lost."
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


def too_late(error: TooLate, request: Request) -> Response:
    """409, with what was typed."""
    return page(
        request,
        409,
        "This post can no longer be edited",
        "Posts can be changed for a while only, so that answers to them keep their sense. What you wrote was not saved.",
    )
