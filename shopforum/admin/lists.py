"""Pages of the console's lists: a part of a list, with the URLs of its neighbours."""

from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlencode

from ..core import paging
from ..operations.listing import Listing, Part
from ..web.request import Request

Row = TypeVar("Row")


@dataclass(frozen=True)
class Page(Part[Row]):
    """A part of a list with the URLs of the parts after and before it, for the macro `ui.pager(page)`."""

    older_url: str | None = None
    newer_url: str | None = None


def page(request: Request, listing: Listing[Row], size: int = 40) -> Page[Row]:
    """Return the page of a list that the request's cursor asks for, newest first."""
    part = listing.part(request.read_db, request.GET.get(paging.FIELD, ""), size)
    return Page(part.rows, part.older, part.newer, _url(request, part.older), _url(request, part.newer))


def _url(request: Request, cursor: str | None) -> str | None:
    if cursor is None:
        return None
    kept = {name: value for name, value in request.GET.items() if name not in (paging.FIELD, "notice")}
    return f"{request.path}?{urlencode({**kept, paging.FIELD: cursor})}"
