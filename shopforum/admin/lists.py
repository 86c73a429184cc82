"""Pages of the console's lists."""

from typing import TypeVar

from ..core import paging
from ..core.listing import Listing
from ..core.paging import Page
from ..web.request import Request

Row = TypeVar("Row")


def page(request: Request, listing: Listing[Row], size: int = 40) -> Page[Row]:
    """Return the page of a list that the request's cursor asks for, read within the operators' time limit."""
    return paging.with_urls(request, listing.part(request.read_db, request.GET.get(paging.FIELD, ""), size))
