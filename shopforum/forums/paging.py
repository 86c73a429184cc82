"""Lists by numbered pages: `?page=3` of a list is an address that a person can read, guess and pass on.

A statement skips the rows of the pages before, in the order of an index; no list is read further back than FURTHEST.
A list that grows meanwhile moves rows to the next page.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from ..core.database import Database, ResultRow
from ..core.prepared_statements import Prepared

R = TypeVar("R")

SIZE = 20
# The last page that is shown. Older rows are found by search or by their own addresses.
FURTHEST = 500


@dataclass(frozen=True)
class NumberedList(Generic[R]):
    """A list: its statement, the function that reads a row, and the statement's parameters.

    The statement takes :rows and :skip too, and has a column `total`: the number of rows on all pages.
    """

    statement: Prepared
    read: Callable[[ResultRow], R]
    values: Mapping[str, Any]
    size: int = SIZE


@dataclass(frozen=True)
class Part(Generic[R]):
    """A page of a list. `last` is the number of the last page, `total` the number of rows on all pages.

    `first_row` is the row as it was read, with the counts for the navigation; None on an empty page.
    """

    rows: list[R]
    number: int = 1
    last: int = 1
    total: int = 0
    first_row: ResultRow | None = None


def fetch(db: Database, listed: NumberedList[R], number: int) -> Part[R]:
    """Return a page of a list by its number; the last page if there are fewer. One statement, unless there are fewer."""
    number = min(max(number, 1), FURTHEST)
    rows = _rows(db, listed, number)
    if not rows and number > 1:
        first = _rows(db, listed, 1)
        number = _last(first[0]["total"], listed.size) if first else 1
        rows = _rows(db, listed, number) if number > 1 else first
    if not rows:
        return Part([])
    total = int(rows[0]["total"])
    last = max(number, _last(total, listed.size))
    return Part([listed.read(row) for row in rows], number, last, total, rows[0])


def _rows(db: Database, listed: NumberedList[R], number: int) -> list[ResultRow]:
    return db.all(listed.statement, **listed.values, rows=listed.size, skip=(number - 1) * listed.size)


def _last(total: int, size: int) -> int:
    return min(max(1, -(-total // size)), FURTHEST)


def shown(number: int, last: int) -> list[int | None]:
    """Return the numbers that a page links to: the first, the last, and those around it; None stands for a gap."""
    near = sorted({1, last, *range(max(1, number - 1), min(last, number + 1) + 1)})
    out: list[int | None] = []
    for one in near:
        if out and out[-1] is not None and one - out[-1] == 2:
            out.append(one - 1)
        elif out and out[-1] is not None and one - out[-1] > 2:
            out.append(None)
        out.append(one)
    return out
