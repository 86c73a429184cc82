"""A queue in a table: claim a row, work on it without a lock or a connection, then report success or failure.

The table has the columns `id`, `attempts`, `next_try_at` and `last_error`. A row is claimed by moving `next_try_at`
into the future, for the length of the lease, and the claim is committed before the work begins. A worker that dies
leaves a row that is due again when its lease ends. Several workers share a queue by SKIP LOCKED. A failed row waits
1, 2, 4 … times the first wait, up to the longest wait, for as long as it takes.

A row may be worked on twice: by a worker whose lease has ended, and by the next one. `attempts` tells the claims apart.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlalchemy import TextClause, text

from .database import Database, ResultRow

# The exponent of the back-off is capped, so that power() stays within what a double holds.
_MOST_DOUBLINGS = 20


def after(seconds: str) -> str:
    """SQL for the instant that lies so many seconds ahead; `seconds` is SQL for a number."""
    return f"clock_timestamp() + {seconds} * interval '1 second'"


def after_failures(failures: str, *, longest_wait: int, first_wait: int = 1) -> str:
    """SQL for the instant of the next try. `failures` is SQL for the number of failures before this one.

    The wait is `first_wait` seconds times 1, 2, 4 …, at most `longest_wait` seconds.
    """
    doubled = f"power(2, least({failures}, {_MOST_DOUBLINGS}))"
    return after(f"least({longest_wait}, {first_wait} * {doubled})")


@dataclass(frozen=True)
class Queue:
    """A queue's table and its pace.

    `lease`, `longest_wait` and `first_wait` are in seconds. `lease` must outlast the time-outs of the work. `pending` is
    SQL that is true of a row that is still to be done, `among` narrows a claim further and may have parameters. `finish`
    is the statement for a row that is done, with `:id` and `:attempts`. The `on_…` are further assignments of a step.
    """

    table: str
    lease: int
    longest_wait: int
    finish: str
    first_wait: int = 1
    pending: str = "true"
    among: str = "true"
    on_claim: tuple[str, ...] = ()
    on_failure: tuple[str, ...] = ()
    on_release: tuple[str, ...] = ()

    def claim(self, db: Database, step: int, **values: Any) -> list[ResultRow]:
        """Claim at most `step` due rows; those that were due first come first. `values` are the parameters of `among`."""
        rows = db.all(self._claim, step=step, **values)
        # An UPDATE returns its rows in no order.
        return sorted(rows, key=lambda row: (row["due_at"], row["id"]))

    def done(self, db: Database, row: ResultRow) -> None:
        """Report that a claimed row is done."""
        db.all(self.finish_statement, id=row["id"], attempts=row["attempts"])

    def failed(self, db: Database, row: ResultRow, error: str, **values: Any) -> None:
        """Report that a claimed row has failed, and why. `values` are the parameters of `on_failure`.

        Changes nothing if another worker has claimed the row since, or has done it.
        """
        db.all(self._failed, id=row["id"], attempts=row["attempts"], error=error, **values)

    def release(self, db: Database, rows: Sequence[ResultRow]) -> None:
        """Give back claimed rows that were not tried: they are due at once, and the claim does not count."""
        if rows:
            db.all(self._release, ids=[row["id"] for row in rows])

    @cached_property
    def finish_statement(self) -> TextClause:
        """The statement of `done`, for a caller with a transaction of its own."""
        return text(self.finish)

    @cached_property
    def _claim(self) -> TextClause:
        changes = ("attempts = attempts + 1", f"next_try_at = {after(str(self.lease))}", *self.on_claim)
        return text(
            f"""
WITH due AS MATERIALIZED (
  SELECT id, next_try_at AS due_at FROM {self.table} WHERE {self.pending} AND next_try_at <= now() AND {self.among}
  ORDER BY next_try_at LIMIT :step FOR UPDATE SKIP LOCKED
)
UPDATE {self.table} q SET {", ".join(changes)} FROM due WHERE q.id = due.id RETURNING q.*, due.due_at"""
        )

    @cached_property
    def _failed(self) -> TextClause:
        again = after_failures("attempts - 1", longest_wait=self.longest_wait, first_wait=self.first_wait)
        changes = ("last_error = :error", f"next_try_at = {again}", *self.on_failure)
        return text(
            f"UPDATE {self.table} SET {', '.join(changes)} WHERE id = :id AND attempts = :attempts AND {self.pending}"
        )

    @cached_property
    def _release(self) -> TextClause:
        changes = ("attempts = attempts - 1", "next_try_at = clock_timestamp()", *self.on_release)
        return text(
            f"UPDATE {self.table} SET {', '.join(changes)} WHERE id = ANY (CAST(:ids AS bigint[])) AND {self.pending}"
        )
