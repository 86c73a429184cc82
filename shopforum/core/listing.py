"""A list of rows, newest first: read page by page for the console and the API, or in steps for exports."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import Column, RowMapping, Select

from ..core import paging
from ..core.read_only_database import ReadOnlyDatabase

Row = TypeVar("Row")

# Rows of one statement of an export.
_STEP = 500


@dataclass(frozen=True)
class Part(Generic[Row]):
    """Some rows of a list, with the cursors of those after (`older`) and before them (`newer`)."""

    rows: list[Row]
    older: str | None = None
    newer: str | None = None


@dataclass(frozen=True)
class Listing(Generic[Row]):
    """The statement of a list, the columns it is ordered by (the last one unique), and how a row is read."""

    statement: Select[Any]
    order: tuple[Column[Any], ...]
    read: Callable[[RowMapping], Row]

    def where(self, *conditions: Any) -> "Listing[Row]":
        """The same list, narrowed."""
        return Listing(self.statement.where(*conditions), self.order, self.read)

    def part(self, db: ReadOnlyDatabase, cursor: str = "", size: int = 40) -> Part[Row]:
        """At most `size` rows from the cursor on; see `core.paging.fetch`."""
        found = paging.fetch(db, self.statement, *self.order, cursor=cursor, size=size)
        return Part([self.read(row) for row in found.rows], found.older, found.newer)

    def takes(self, cursor: str) -> bool:
        """Whether a cursor is one of this list's."""
        return paging.decode(cursor, tuple(column.type.python_type for column in self.order)) is not None

    def newest(self, db: ReadOnlyDatabase, count: int) -> list[Row]:
        """The first `count` rows."""
        return [self.read(row) for row in db.all(self._ordered().limit(count))]

    def all(self, db: ReadOnlyDatabase, limit: int | None = None) -> Iterator[Row]:
        """All rows, or the first `limit`, read in steps: no connection is held in between. The first step is read at once,
        so that an error is raised before a response begins.
        """
        first = self.part(db, size=_STEP if limit is None else min(limit, _STEP))
        return self._following(db, first, limit)

    def _following(self, db: ReadOnlyDatabase, part: Part[Row], limit: int | None) -> Iterator[Row]:
        yield from part.rows
        left = None if limit is None else limit - len(part.rows)
        while part.older and left != 0:
            part = self.part(db, part.older, _STEP if left is None else min(left, _STEP))
            yield from part.rows
            left = None if left is None else left - len(part.rows)

    def _ordered(self) -> Select[Any]:
        return self.statement.order_by(*(column.desc() for column in self.order))
