"""Short statements and short transactions over a SQLAlchemy engine: all the database access there is.

A connection is taken from the pool for one statement or one transaction and given back at once, so none is ever held
while a template renders or another server is asked.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from sqlalchemy import Connection, Engine, Executable, RowMapping
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from .prepared_statements import Prepared

Statement = Executable | Prepared

P = ParamSpec("P")
R = TypeVar("R")

# SQLSTATEs, or how they begin, of what passes: connections, conflicts, resources, locks, time limits and operators, disks,
# a standby that was asked to write, a transaction that slept too long.
_PASSES = ("08", "40", "53", "55P03", "57", "58", "25006", "25P03")


# Of two that waited for each other, the server has undone one: a deadlock, or a serialization failure.
_CONFLICTS = ("40P01", "40001")


def sqlstate(error: BaseException) -> str:
    """PostgreSQL's code for an error; empty where it did not say one, as for a connection that broke."""
    orig = getattr(error, "orig", None)
    return getattr(orig, "pgcode", None) or getattr(orig, "sqlstate", None) or ""


def is_outage(error: BaseException) -> bool:
    """Whether the database is away, full or too slow, so that the same may succeed later.

    Else it has answered: it refuses a value (`refuses_value`), or the statement or the schema is wrong.
    """
    if not isinstance(error, DBAPIError):
        return isinstance(error, PoolTimeout)
    code = sqlstate(error)
    if not code:
        return error.connection_invalidated or isinstance(error, OperationalError | InterfaceError)
    return code.startswith(_PASSES)


def refuses_value(error: BaseException) -> bool:
    """Whether a value does not fit: no address, too large a number, text that is none (SQLSTATE classes 22 and 54)."""
    return sqlstate(error).startswith(("22", "54"))


def once_more(act: Callable[P, R]) -> Callable[P, R]:
    """Run a function a second time where its transaction was undone for the sake of another.

    For a function with one transaction (`Database.transaction`) that does nothing else which lasts.
    """

    @wraps(act)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return act(*args, **kwargs)
        except DBAPIError as error:
            if sqlstate(error) not in _CONFLICTS:
                raise
            return act(*args, **kwargs)

    return run


class Database:
    """An engine with two ways in: single statements in autocommit, and transactions.

    The engine has to be made with `isolation_level="AUTOCOMMIT"`: switching a connection there and back around every
    statement would double what a statement costs. `prepare` is whether the server keeps the plans of the hottest
    statements (`prepared.py`): not behind a pooler that gives every transaction another connection.
    """

    def __init__(self, engine: Engine, prepare: bool = True) -> None:
        self.engine = engine
        self._prepare = prepare

    def all(self, statement: Statement, **values: Any) -> list[RowMapping]:
        """Run one statement that may safely run twice and return its rows.

        A connection that died in the pool (a restart, a failover) is replaced and the statement tried once more; so is
        one that was undone for the sake of another.
        Raises sqlalchemy.exc.DBAPIError.
        """
        try:
            return self._run(statement, values)
        except DBAPIError as error:
            if not error.connection_invalidated and sqlstate(error) not in _CONFLICTS:
                raise
            return self._run(statement, values)

    def one(self, statement: Statement, **values: Any) -> RowMapping | None:
        """Like `all`, for at most one row."""
        rows = self.all(statement, **values)
        return rows[0] if rows else None

    def only(self, statement: Statement, **values: Any) -> RowMapping:
        """Like `all`, for what always has one row: an aggregate, or a SELECT without FROM. Raises ValueError if not."""
        [row] = self.all(statement, **values)
        return row

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A transaction: committed when the block ends, rolled back when it raises. In a function that is `once_more`.

        The driver is switched over, which asks nothing of the server. SQLAlchemy's isolation levels would: two round
        trips more, and a connection that breaks in them raises the driver's own error instead of a DBAPIError.
        """
        with self.engine.connect() as connection:
            driver: Any = connection.connection.driver_connection
            driver.autocommit = False
            try:
                with connection.begin():
                    yield connection
            finally:
                if not driver.closed:
                    driver.autocommit = True

    def _run(self, statement: Statement, values: dict[str, Any]) -> list[RowMapping]:
        with self.engine.connect() as connection:
            if not connection.connection.dbapi_connection.autocommit:  # type: ignore[union-attr]  # psycopg2's own
                raise RuntimeError('the engine must be made with isolation_level="AUTOCOMMIT"')
            return self._rows(connection, statement, values)

    def _rows(self, connection: Connection, statement: Statement, values: dict[str, Any]) -> list[RowMapping]:
        if isinstance(statement, Prepared):
            result = statement.run(connection, values, self._prepare)
        else:
            result = connection.execute(statement, values)
        return list(result.mappings()) if result.returns_rows else []
