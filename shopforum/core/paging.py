"""Pages of a list by key, never by OFFSET: the last page is as fast as the first, and no row is skipped or shown twice
when others are added meanwhile.

    statement = select(topics.c.title, topics.c.last_post_at, topics.c.id).where(...)
    page = paging.page(request, statement, topics.c.last_post_at, topics.c.id)

gives `page.rows`, and `page.older_url` and `page.newer_url` for the macro `ui.pager(page)`; `page.of(Topic)` has the rows
as dataclasses. A cursor is opaque, safe in an address, and holds the order keys of one row. A cursor that was not made
here is ignored: the page is the first one.
"""

import base64
import binascii
import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Generic, Protocol, TypeVar
from urllib.parse import urlencode
from uuid import UUID

from sqlalchemy import ColumnElement, Select, tuple_
from webob.multidict import MultiDict

from .database import Database, ResultRow
from .rows import build

R = TypeVar("R")
T = TypeVar("T")

FIELD = "cursor"
_OLDER, _NEWER = "older", "newer"
_BIGINT = 2**63


class Request(Protocol):
    """The parts of a request that a page of a list depends on."""

    @property
    def path(self) -> str:
        """The path that was asked for."""

    @property
    def GET(self) -> MultiDict[str]:  # noqa: N802
        """The query."""

    @property
    def db(self) -> Database:
        """The database that has the list."""


@dataclass(frozen=True)
class Slice(Generic[R]):
    """Some rows of a list, with the cursors of the rows after them (`older`) and before them (`newer`)."""

    rows: list[R]
    older: str | None = None
    newer: str | None = None


@dataclass(frozen=True)
class Page(Slice[R]):
    """A slice with the addresses of its neighbours: this page's own, with another cursor. `here` is its own cursor."""

    here: str | None = None
    older_url: str | None = None
    newer_url: str | None = None

    def map(self, make: Callable[[R], T]) -> "Page[T]":
        """Return the page with another value in place of each row."""
        rows = [make(row) for row in self.rows]
        return Page(rows, self.older, self.newer, self.here, self.older_url, self.newer_url)

    def of(self: "Page[ResultRow]", kind: type[T]) -> "Page[T]":
        """Return the page with each row as a dataclass of this kind (`rows.build`)."""
        return self.map(partial(build, kind))


def page(
    request: Request,
    statement: Select[Any],
    *order: ColumnElement[Any],
    descending: bool = True,
    size: int = 20,
) -> Page[ResultRow]:
    """The page of a list that the request asks for, in one SQL statement; see `fetch`."""
    part = fetch(
        request.db, statement, *order, cursor=request.GET.get(FIELD, ""), descending=descending, size=size
    )
    return with_urls(request, part)


def with_urls(request: Request, part: Slice[R]) -> Page[R]:
    """Return a slice as a page of the list that the request shows."""
    urls = [_url(request, cursor) for cursor in (part.older, part.newer)]
    return Page(part.rows, part.older, part.newer, request.GET.get(FIELD), *urls)


def fetch(
    db: Database,
    statement: Select[Any],
    *order: ColumnElement[Any],
    cursor: str = "",
    descending: bool = True,
    size: int = 20,
) -> Slice[ResultRow]:
    """At most `size` rows of `statement` from the cursor on.

    `order` are columns or labels of the statement, all in one direction, never null, the last one unique. "Older" is
    further along in that order, whatever the keys are. A float must be double precision: a rounded one is not met again.
    """
    place = decode(cursor, tuple(column.type.python_type for column in order))
    direction, keys = place or (_OLDER, ())
    backwards = direction == _NEWER
    falling = descending != backwards
    if keys:
        here, there = tuple_(*order), tuple_(*keys, types=[column.type for column in order])
        statement = statement.where(here < there if falling else here > there)
    statement = statement.order_by(*(column.desc() if falling else column.asc() for column in order))
    rows = db.all(statement.limit(size + 1))
    more, rows = len(rows) > size, rows[:size]
    if backwards:
        rows.reverse()
    if not rows:
        return Slice([])
    older = encode(_OLDER, [rows[-1][str(column.key)] for column in order]) if more or backwards else None
    newer = (
        encode(_NEWER, [rows[0][str(column.key)] for column in order])
        if (more if backwards else keys)
        else None
    )
    return Slice(rows, older, newer)


def encode(direction: str, keys: list[Any]) -> str:
    """The cursor for the rows `older` or `newer` than the one with these keys."""
    plain = [key if isinstance(key, int | float | str) else str(key) for key in keys]
    text = json.dumps([direction, *plain], separators=(",", ":"), ensure_ascii=False)
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def decode(cursor: str, kinds: tuple[type, ...]) -> tuple[str, tuple[Any, ...]] | None:
    """Direction and keys of a cursor, or None unless it holds keys of exactly these types that PostgreSQL takes."""
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        direction, *keys = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True).decode())
        if direction not in (_OLDER, _NEWER) or len(keys) != len(kinds):
            return None
        return direction, tuple(_key(key, kind) for key, kind in zip(keys, kinds, strict=True))
    except (ValueError, TypeError, RecursionError, binascii.Error):
        return None


def _key(value: Any, kind: type) -> Any:
    """A key as its column's type. Raises ValueError for what the column could not hold."""
    if kind in (datetime, UUID) and isinstance(value, str):
        key = datetime.fromisoformat(value) if kind is datetime else UUID(value)
        if isinstance(key, datetime) and key.tzinfo is None:
            raise ValueError("a time without a zone")
        return key
    if type(value) is not kind:
        raise ValueError("a key of another type")
    if isinstance(value, int) and not -_BIGINT <= value < _BIGINT:
        raise ValueError("not a bigint")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("not a number")
    if isinstance(value, str) and "\0" in value.encode().decode():
        raise ValueError("no text of PostgreSQL holds NUL")
    return value


def _url(request: Request, cursor: str | None) -> str | None:
    if cursor is None:
        return None
    kept = [(name, value) for name, value in request.GET.items() if name not in (FIELD, "notice")]
    return f"{request.path}?{urlencode([*kept, (FIELD, cursor)])}"
