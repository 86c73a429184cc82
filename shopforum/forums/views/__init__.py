"""The forums' views: each reads the form and the ids, calls one function of the domain, and responds."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from markupsafe import Markup
from pyramid.httpexceptions import HTTPSeeOther
from pyramid.response import Response
from sqlalchemy import RowMapping

from ...core import paging
from ...core.listing import Listing
from ...core.permissions import MODERATORS
from ...web.errors import page
from ...web.request import Request
from .. import mentions
from ..forms import line
from ..inbox import WithUnreadCount, with_unread_count
from ..person import Person
from ..refusals import Locked, Missing, Stale, TooLate, TooSoon
from ..settings import ForumSettings
from ..writing import Placed

R = TypeVar("R")

# The key in `request.environ` of the number of unread messages, if the page's own statements have brought it along
# (`inbox.with_unread_count`).
UNREAD = "forums.unread"


def viewer(request: Request) -> Person | None:
    """Return the signed-in person, or None for a visitor."""
    identity = request.identity
    if identity is None:
        return None
    # Without a name at FusionAuth, user_name is the e-mail address, which is private. And no name may look like a handle.
    name = line(identity.user_name)
    shown = name if name and "@" not in name else "Member"
    return Person(identity.user_id, shown, bool(identity.roles & MODERATORS))


def person(request: Request) -> Person:
    """Return the signed-in person, on a page that needs a login."""
    found = viewer(request)
    if found is None:
        raise Missing
    return found


def is_moderator(viewer: Person | None) -> bool:
    """Return whether the viewer is a moderator."""
    return viewer is not None and viewer.moderator


def id_of(request: Request) -> int:
    """Return the id in the address. The route lets only digits through, and at most 18."""
    return int(request.matchdict["id"])


def settings(request: Request) -> ForumSettings:
    """Return the forums' settings."""
    return request.services.get(ForumSettings)


def listed(request: Request, listing: Listing[R], size: int = 20) -> paging.Page[R]:
    """Return the page of a list that the request asks for, see `paging.page`.

    The same statement brings the count for the navigation along, unless an earlier one has.
    """
    options: dict[str, Any] = {"descending": listing.descending, "size": size}
    if UNREAD in request.environ:
        return paging.page(request, listing.statement, *listing.order, **options).map(listing.read)
    statement = with_unread_count(listing.statement, viewer(request))
    found = paging.page(request, statement, *listing.order, **options)
    _note_count(request, found.rows)
    return found.map(listing.read)


def note_unread(request: Request, row: WithUnreadCount) -> None:
    """Keep the count of unread messages that a row has brought along, for the navigation."""
    if row.inbox_unread is not None:
        request.environ[UNREAD] = row.inbox_unread


def _note_count(request: Request, rows: Sequence[RowMapping]) -> None:
    if rows and rows[0]["inbox_unread"] is not None:
        request.environ[UNREAD] = rows[0]["inbox_unread"]


def written(request: Request, form: Any, write: Callable[[], Placed]) -> HTTPSeeOther | Markup | None:
    """Handle a form with a text. Return the redirect to the post that `write` makes, a preview, or None.

    None means that the form has errors, and that the response has its status.
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
            "The post was changed after you opened it, perhaps in another window. Your text is below; open the post"
            " again to see the other one."
        )
        request.response.status_int = 409
    return None


def _too_soon(request: Request, form: Any, error: TooSoon) -> None:
    """Make the response a 429 that keeps the typed text."""
    seconds = "second" if error.wait == 1 else "seconds"
    why = "New members can post only now and then. " if error.newcomer else ""
    form.form_errors.append(
        f"You posted a moment ago. {why}Send it again in {error.wait} {seconds}; nothing is lost."
    )
    request.response.status_int = 429
    request.response.headers["Retry-After"] = str(error.wait)


def missing(error: Missing, request: Request) -> Response:
    """Respond with 404: the thing does not exist, or this person may not see it."""
    return page(request, 404)


def locked(error: Locked, request: Request) -> Response:
    """Respond with 409, and show the typed text."""
    return page(
        request,
        409,
        "This topic is locked",
        "Locked topics take no new posts and no changes. What you wrote was not posted.",
    )


def too_late(error: TooLate, request: Request) -> Response:
    """Respond with 409, and show the typed text."""
    return page(
        request,
        409,
        "This post can no longer be edited",
        "Posts can be edited for a limited time, so that replies to them still make sense. What you wrote was not saved.",
    )
