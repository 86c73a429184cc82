"""Short statements and short transactions over a SQLAlchemy engine: all the database access there is.

A connection is taken from the pool for one statement or one transaction and given back at once, so none is ever held
while a template renders or another server is asked.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, Executable, RowMapping
from sqlalchemy.exc import DBAPIError


class Database:
    """An engine with two ways in: single statements in autocommit, and transactions.

    The engine has to be made with `isolation_level="AUTOCOMMIT"`: switching a connection there and back around every
    statement would double what a statement costs.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._transactions = engine.execution_options(isolation_level="READ COMMITTED")

    def all(self, statement: Executable, **values: Any) -> list[RowMapping]:
        """Run one statement that may safely run twice and return its rows.

        A connection that died in the pool (a restart, a failover) is replaced and the statement tried once more.
        Raises sqlalchemy.exc.DBAPIError.
        """
        try:
            return self._run(statement, values)
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
            return self._run(statement, values)

    def one(self, statement: Executable, **values: Any) -> RowMapping | None:
        """Like `all`, for at most one row."""
        rows = self.all(statement, **values)
        return rows[0] if rows else None

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A transaction: committed when the block ends, rolled back when it raises."""
        with self._transactions.begin() as connection:
            yield connection

    def _run(self, statement: Executable, values: dict[str, Any]) -> list[RowMapping]:
        with self.engine.connect() as connection:
            if not connection.connection.dbapi_connection.autocommit:  # type: ignore[union-attr]  # psycopg2's own
                raise RuntimeError('the engine must be made with isolation_level="AUTOCOMMIT"')
            result = connection.execute(statement, values)
            return list(result.mappings()) if result.returns_rows else []
