"""Deleting old rows in steps: each package declares its purges once, and the worker runs them all.

    PURGES = (Purge("carts", "changed_at < now() - interval '30 days'", order="changed_at"),)

`DELETE … WHERE id IN (SELECT … LIMIT n FOR UPDATE SKIP LOCKED)` may run its subquery again for each row of the table, if
the planner so chooses, and each run locks the next n rows: more rows are deleted than were asked for. An array is
computed once.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from sqlalchemy import TextClause, text

from .database import Database


@dataclass(frozen=True)
class Purge:
    """The old rows of a table.

    `condition` is SQL that is true of an old row. Compare with now() in it: an index does not serve clock_timestamp(),
    which may change from row to row. `order` is the indexed column by which old rows are found. `step` is the number of
    rows that one statement deletes at most. `returning` lists the columns that the statement returns of each row.
    """

    table: str
    condition: str
    order: str
    step: int = 500
    returning: str = "1"

    @cached_property
    def statement(self) -> TextClause:
        """The statement that deletes at most `:step` old rows. It skips rows that another transaction has locked."""
        return text(
            f"""DELETE FROM {self.table} WHERE ctid = ANY (ARRAY(
              SELECT ctid FROM {self.table} WHERE {self.condition}
              ORDER BY {self.order} LIMIT :step FOR UPDATE SKIP LOCKED)) RETURNING {self.returning}"""
        )


def run(purges: Iterable[Purge], db: Database, step: int | None = None) -> int:
    """Delete one step of old rows for each purge, of `step` rows where it is given. Return the number of deleted rows.

    Safe to run in several processes at once. Raises sqlalchemy.exc.DBAPIError.
    """
    return sum(len(db.all(purge.statement, step=step or purge.step)) for purge in purges)
