"""The ticked sessions of a list. The form carries them over its pages, in the URL: reloading and Back keep them.

A list without JavaScript posts its ticks to `…/select`, which redirects to the page that was asked for; the script writes
the same URL at every tick.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode
from uuid import UUID

from ..core import paging
from ..core.ids import parse_uuid
from ..operations.rows import SessionRow
from ..web.request import Request

FIELD = "picked"
# Ids in a URL. Servers and proxies take so long a URL; `app.js` has the same limit.
MOST = 150


@dataclass(frozen=True)
class Selection:
    """The ticked sessions that a list's URL names. `path` and `query` are the URL without them."""

    ids: tuple[UUID, ...]
    path: str
    query: tuple[tuple[str, str], ...]

    def __contains__(self, session_id: UUID) -> bool:
        """Return whether a session is ticked."""
        return session_id in self.ids

    def elsewhere(self, rows: Iterable[SessionRow]) -> list[UUID]:
        """Return the ticked sessions that are not among a page's rows."""
        shown = {row.id for row in rows}
        return [session_id for session_id in self.ids if session_id not in shown]

    def url(
        self, cursor: str | None = None, *, ids: Iterable[UUID] | None = None, select: bool = False
    ) -> str:
        """Return the list's URL at a cursor: with these ids, or to the view that keeps the form's ticks (`select`)."""
        query = [*self.query, *([(paging.FIELD, cursor)] if cursor else [])]
        if ids is not None and (written := write(ids)):
            query.append((FIELD, written))
        path = f"{self.path}/select" if select else self.path
        return f"{path}?{urlencode(query)}" if query else path


def of(request: Request) -> Selection:
    """Return the selection of a list's URL. A text that is no id is ignored, as a cursor is."""
    left = (paging.FIELD, FIELD, "notice", "count")
    query = tuple((name, value) for name, value in request.GET.items() if name not in left)
    return Selection(read(request.GET.get(FIELD, "")), request.path.removesuffix("/select"), query)


def read(text: str) -> tuple[UUID, ...]:
    """Return the ids of a text that `write` has made."""
    found = (parse_uuid(f"{i[:8]}-{i[8:12]}-{i[12:16]}-{i[16:20]}-{i[20:]}") for i in text.split("."))
    return tuple(dict.fromkeys(each for each in found if each))[:MOST]


def write(ids: Iterable[UUID]) -> str:
    """Return ids as one text: 32 digits each, with dots between them."""
    return ".".join(each.hex for each in ids)


def back(ids: Sequence[UUID]) -> str:
    """Return the query that leads from an act on some sessions back to the list, where they are ticked."""
    return f"?{urlencode({FIELD: write(ids)})}" if 0 < len(ids) <= MOST else ""
