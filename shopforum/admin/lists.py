"""Pages of the console's lists, by key."""

from typing import Any
from urllib.parse import urlencode

from sqlalchemy import ColumnElement, Select

from ..core import paging
from ..core.paging import Page
from ..web.request import Request


def page(request: Request, statement: Select[Any], *order: ColumnElement[Any], size: int = 40) -> Page[Any]:
    """The page of a list that the request asks for, newest first; see `shopforum.core.paging`."""
    part = paging.fetch(
        request.read_db, statement, *order, cursor=request.GET.get(paging.FIELD, ""), size=size
    )
    return Page(part.rows, part.older, part.newer, _url(request, part.older), _url(request, part.newer))


def _url(request: Request, cursor: str | None) -> str | None:
    if cursor is None:
        return None
    kept = {name: value for name, value in request.GET.items() if name not in (paging.FIELD, "notice")}
    return f"{request.path}?{urlencode({**kept, paging.FIELD: cursor})}"
