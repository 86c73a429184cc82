"""A list of rows: read page by page for a site, the console or the API, or in steps for an export."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Select

from . import paging
from .database import Database, ResultRow
from .paging import Slice

Row = TypeVar("Row")

# Rows of one statement of an export.
_STEP = 500


@dataclass(frozen=True)
class Listing(Generic[Row]):
    """The statement of a list, the columns it is ordered by (the last one unique), and the function that reads a row.

    A list begins with the largest key where it is `descending`: the newest row first.
    """

    statement: Select[Any]
    order: tuple[ColumnElement[Any], ...]
    read: Callable[[ResultRow], Row]
    descending: bool = True

    def where(self, *conditions: Any) -> "Listing[Row]":
        """Return the same list, narrowed."""
        return replace(self, statement=self.statement.where(*conditions))

    def part(self, db: Database, cursor: str = "", size: int = 40) -> Slice[Row]:
        """Return at most `size` rows from the cursor on; see `paging.fetch`."""
        found = paging.fetch(
            db, self.statement, *self.order, cursor=cursor, descending=self.descending, size=size
        )
        return Slice([self.read(row) for row in found.rows], found.older, found.newer)

    def takes(self, cursor: str) -> bool:
        """Return whether a cursor is one of this list's."""
        return paging.decode(cursor, tuple(column.type.python_type for column in self.order)) is not None

    def first(self, db: Database, count: int) -> list[Row]:
        """Return the first `count` rows."""
        order = (column.desc() if self.descending else column.asc() for column in self.order)
        return [self.read(row) for row in db.all(self.statement.order_by(*order).limit(count))]

    def all(self, db: Database, limit: int | None = None) -> Iterator[Row]:
        """Return all rows, or the first `limit`, read in steps: no connection is held in between. The first step is read at once,
        so that an error is raised before a response begins.
        """
        begin = self.part(db, size=_STEP if limit is None else min(limit, _STEP))
        return islice(self._following(db, begin), limit)

    def _following(self, db: Database, part: Slice[Row]) -> Iterator[Row]:
        yield from part.rows
        while part.older:
            part = self.part(db, part.older, _STEP)
            yield from part.rows
