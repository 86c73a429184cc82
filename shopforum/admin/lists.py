"""Pages of the console's lists."""

from typing import TypeVar

from ..core import paging
from ..core.listing import Listing
from ..core.paging import Page
from ..core.read_only_database import ReadOnlyDatabase
from ..web.request import Request

Row = TypeVar("Row")


def page(
    request: Request, listing: Listing[Row], size: int = 40, db: ReadOnlyDatabase | None = None
) -> Page[Row]:
    """Return the page of a list that the request's cursor asks for, read within the operators' time limit. `db` is a transaction that
    it is read in, if any.
    """
    part = listing.part(db or request.read_db, request.GET.get(paging.FIELD, ""), size)
    return paging.with_urls(request, part)
