"""The forums' views: each reads the form and the ids, calls one function of the domain, and responds."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode

from markupsafe import Markup
from pyramid.httpexceptions import HTTPSeeOther
from pyramid.response import Response

from ...core.permissions import MODERATORS
from ...sessions.acts import acting
from ...web.errors import page
from ...web.numbers import bigint
from ...web.request import Request
from .. import mentions, paging
from ..forms import line
from ..inbox import WithCounts
from ..paging import NumberedList, Part
from ..person import Person
from ..refusals import Locked, Missing, Stale, TooLate, TooSoon
from ..settings import ForumSettings
from ..writing import Placed

R = TypeVar("R")

# The keys in `request.environ` of the number of unread messages and of reported posts, if the page's own statements have
# brought them along (`inbox.COUNTS`).
UNREAD, REPORTS = "forums.unread", "forums.reports"

# Parameters that the address of another page leaves out: the notice of an act, and the place in a topic.
_NOT_KEPT = {"page", "cursor", "notice", "post", "quote", "unread"}


@dataclass(frozen=True)
class NumberedPage(Generic[R]):
    """A page of a list. `links` are pairs of a number and its address, and None for a gap; empty for a single page."""

    rows: list[R]
    number: int
    last: int
    total: int
    links: list[tuple[int, str] | None]
    previous: str | None
    next: str | None


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
    """Return the signed-in person who acts, on a page that needs a login."""
    found = viewer(request)
    if found is None:
        raise Missing
    return replace(found, acting=acting(request))


def is_moderator(viewer: Person | None) -> bool:
    """Return whether the viewer is a moderator."""
    return viewer is not None and viewer.moderator


def id_of(request: Request) -> int:
    """Return the id in the address. The route lets only digits through, and at most 18."""
    return int(request.matchdict["id"])


def settings(request: Request) -> ForumSettings:
    """Return the forums' settings."""
    return request.services.get(ForumSettings)


def listed(request: Request, wanted: NumberedList[R]) -> NumberedPage[R]:
    """Return the page of a list that the request asks for with `?page=`. The row brings the counts for the navigation along."""
    found = paging.fetch(request.db, wanted, page_number(request))
    if found.first_row is not None:
        _note(request, found.first_row.get("inbox_unread"), found.first_row.get("open_reports"))
    return numbered(request, request.path, found)


def numbered(request: Request, path: str, part: Part[R]) -> NumberedPage[R]:
    """Return a page of a list at a path, with the addresses of the other pages: the query stays, except for the number."""
    kept = [(name, value) for name, value in request.GET.items() if name not in _NOT_KEPT]

    def url(page: int) -> str:
        query = urlencode([*kept, ("page", page)] if page > 1 else kept)
        return f"{path}?{query}".rstrip("?")

    around = paging.shown(part.number, part.last) if part.last > 1 else []
    links = [(page, url(page)) if page else None for page in around]
    before = url(part.number - 1) if part.number > 1 else None
    after = url(part.number + 1) if part.number < part.last else None
    return NumberedPage(part.rows, part.number, part.last, part.total, links, before, after)


def page_number(request: Request) -> int:
    """Return the number of the page that the request asks for; 1 if it is no page number."""
    return bigint(request.GET.get("page", "")) or 1


def note_counts(request: Request, row: WithCounts) -> None:
    """Keep the counts that a row has brought along, for the navigation."""
    _note(request, row.inbox_unread, row.open_reports)


def _note(request: Request, unread: int | None, reports: int | None) -> None:
    if unread is not None:
        request.environ[UNREAD] = unread
    if reports is not None:
        request.environ[REPORTS] = reports


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
