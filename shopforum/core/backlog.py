"""Backlogs: how many rows wait for the worker, and for how long. A package declares its backlogs in its own `jobs.py`."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import TextClause, text

from .database import Database

# A count stops here, so that it takes no longer the more rows wait.
MOST = 10_000


@dataclass(frozen=True)
class Backlog:
    """Rows of a table that wait for the worker.

    `since` is the column with the instant from which a row waits. `pending` is SQL that is true of a waiting row, and
    `order` the column of an index over these: of more than MOST rows, the first in this order are looked at.
    """

    name: str
    table: str
    since: str
    order: str
    pending: str = "true"


@dataclass(frozen=True)
class Waiting:
    """The rows that wait: how many, at most MOST, and the seconds since the oldest began to; 0 where none waits."""

    name: str
    rows: int
    oldest_seconds: float


def read(db: Database, backlogs: Sequence[Backlog]) -> list[Waiting]:
    """Count each backlog, all in one statement. Raises sqlalchemy.exc.DBAPIError."""
    rows = db.all(_statement(backlogs))
    return [Waiting(row["name"], row["n"], max(0.0, float(row["seconds"] or 0))) for row in rows]


def _statement(backlogs: Sequence[Backlog]) -> TextClause:
    return text(
        " UNION ALL ".join(
            f"""(SELECT '{one.name}' AS name, count(*) AS n,
              extract(epoch FROM clock_timestamp() - min(since)) AS seconds
            FROM (SELECT {one.since} AS since FROM {one.table} WHERE {one.pending} ORDER BY {one.order} LIMIT {MOST}) q)"""
            for one in backlogs
        )
    )
