"""Read-only database access for the operators' queries: short transactions with a time limit of their own."""

from typing import Any

from pyramid.httpexceptions import HTTPServiceUnavailable
from sqlalchemy import RowMapping
from sqlalchemy.exc import DBAPIError

from .database import Database, Statement
from .engine import MARGIN

# Milliseconds. A filter that matches few rows of a large table must not use up the database for the whole site.
LIMIT = 3000
_QUERY_CANCELED = "57014"
# These queries end before their compilation would, and read indexes, whose pages are in memory.
_PLANNED = "SET TRANSACTION READ ONLY; SET LOCAL jit = off; SET LOCAL random_page_cost = 1.1"


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

    def all(self, statement: Statement, **values: Any) -> list[RowMapping]:
        """Return the rows of one statement. Raises TooSlow, sqlalchemy.exc.DBAPIError."""
        try:
            return super().all(statement, **values)
        except DBAPIError as error:
            if getattr(error.orig, "pgcode", None) == _QUERY_CANCELED:
                raise TooSlow from error
            raise

    def _run(self, statement: Statement, values: dict[str, Any]) -> list[RowMapping]:
        with self.transaction(self.limit / 1000 + MARGIN) as connection:
            connection.exec_driver_sql(f"{_PLANNED}; SET LOCAL statement_timeout = {self.limit}")
            return self._rows(connection, statement, values)

    def within(self, limit: int) -> "ReadOnlyDatabase":
        """Return the same database with another time limit, in milliseconds."""
        return ReadOnlyDatabase(self, limit)

    def patient(self, limit: int) -> "ReadOnlyDatabase":
        """Return the same database with at least this time limit, in milliseconds."""
        return self.within(max(self.limit, limit))
