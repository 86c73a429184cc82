"""Read-only database access for the operators' queries: short transactions with a time limit of their own."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from pyramid.httpexceptions import HTTPServiceUnavailable
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from .database import Database, ResultRow, Statement
from .engine import MARGIN
from .prepared_statements import Prepared

# Milliseconds. A filter that matches few rows of a large table must not use up the database for the whole site.
LIMIT = 3000
_QUERY_CANCELED = "57014"


# These queries end before their compilation would, and read indexes, whose pages are in memory.
@cache
def _settings(limit: int) -> Prepared:
    """Return the statement that sets all, for the length of the transaction."""
    return Prepared(
        "read_only",
        f"""SELECT set_config('transaction_read_only', 'on', true), set_config('jit', 'off', true),
    set_config('random_page_cost', '1.1', true), set_config('statement_timeout', '{limit}', true)""",
    )


class TooSlow(HTTPServiceUnavailable):
    """A statement took longer than its time limit."""

    def __init__(
        self,
        why: str = "That took too long and was stopped. Narrow the filters: by a user's id or whole e-mail address, by an "
        "address, or by a time after which they signed in.",
    ) -> None:
        super().__init__(why, headers=[("Retry-After", "10")])


class ReadOnlyDatabase(Database):
    """The database for reading. `limit` is the time limit of a statement, in milliseconds."""

    def __init__(self, database: Database, limit: int = LIMIT) -> None:
        super().__init__(database.engine)
        self.limit = limit

    def all(self, statement: Statement, **values: Any) -> list[ResultRow]:
        """Return the rows of one statement. Raises TooSlow, sqlalchemy.exc.DBAPIError."""
        with _reporting_slowness():
            return super().all(statement, **values)

    @contextmanager
    def in_one_transaction(self) -> Iterator["OpenTransaction"]:
        """Open one transaction for all statements of the block, which saves four round trips for each but the first.

        It holds a connection, so the block must not take another one. Use it in a function with `once_more`.
        """
        with self.transaction(self.limit / 1000 + MARGIN) as connection:
            # Without PREPARE, whose own setting a rollback would take back.
            _settings(self.limit).run(connection, {}, prepare=False)
            yield OpenTransaction(self, connection)

    def _run(self, statement: Statement, values: dict[str, Any]) -> list[ResultRow]:
        with self.in_one_transaction() as opened:
            return self._rows(opened.connection, statement, values)

    def within(self, limit: int) -> "ReadOnlyDatabase":
        """Return the same database with another time limit, in milliseconds."""
        return ReadOnlyDatabase(self, limit)

    def patient(self, limit: int) -> "ReadOnlyDatabase":
        """Return the same database with at least this time limit, in milliseconds."""
        return self.within(max(self.limit, limit))


class OpenTransaction(ReadOnlyDatabase):
    """The same database within an open transaction. No statement is repeated, and none has a time limit of its own: one that
    fails ends the transaction.
    """

    def __init__(self, database: ReadOnlyDatabase, connection: Connection) -> None:
        super().__init__(database, database.limit)
        self.connection = connection

    def all(self, statement: Statement, **values: Any) -> list[ResultRow]:
        """Return the rows of one statement. Raises TooSlow, sqlalchemy.exc.DBAPIError."""
        with _reporting_slowness():
            return self._rows(self.connection, statement, values)

    def within(self, limit: int) -> ReadOnlyDatabase:
        """Return this transaction where it has that limit. Raises RuntimeError: another limit needs a transaction of its own, outside the
        block.
        """
        if limit == self.limit:
            return self
        raise RuntimeError(f"a statement within {limit} milliseconds needs a transaction of its own")


@contextmanager
def _reporting_slowness() -> Iterator[None]:
    """Raise TooSlow in place of the error of a statement that was stopped."""
    try:
        yield
    except DBAPIError as error:
        if getattr(error.orig, "pgcode", None) == _QUERY_CANCELED:
            raise TooSlow from error
        raise
