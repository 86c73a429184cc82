"""Database access: single statements and short transactions over a SQLAlchemy engine.

A connection is taken from the pool for one statement or one transaction and then returned, so no connection is held while
a template renders or another server is asked.
"""

import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from sqlalchemy import Connection, Engine, Executable
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from . import metrics
from .deadlines import DeadlineExceeded, deadline_of
from .prepared_statements import Prepared, replace_connections_with_stale_plans

Statement = Executable | Prepared
# A row of a result, by the names of its columns.
ResultRow = Mapping[Any, Any]

P = ParamSpec("P")
R = TypeVar("R")

# SQLSTATEs and prefixes of SQLSTATEs of temporary errors: connections, conflicts, resources, locks, time limits, operator
# intervention, disks, a write on a standby, a transaction that was idle for too long.
_TEMPORARY = ("08", "40", "53", "55P03", "57", "58", "25006", "25P03")

# A deadlock or a serialization failure: the server has rolled back this transaction, and the other one goes on.
_CONFLICTS = ("40P01", "40001")


def sqlstate(error: BaseException) -> str:
    """Return PostgreSQL's code of an error; "" for an error without a code, such as a broken connection."""
    orig = getattr(error, "orig", None)
    return getattr(orig, "pgcode", None) or getattr(orig, "sqlstate", None) or ""


def is_outage(error: BaseException) -> bool:
    """Return whether the database is unavailable, full or too slow, so that a retry may succeed.

    Any other error is an answer of the database: it refuses a value (`refuses_value`), or the statement is wrong.
    """
    if not isinstance(error, DBAPIError):
        return isinstance(error, PoolTimeout)
    code = sqlstate(error)
    if not code:
        return error.connection_invalidated or isinstance(error, OperationalError | InterfaceError)
    return code.startswith(_TEMPORARY)


def refuses_value(error: BaseException) -> bool:
    """Return whether the database refuses a value: no address, too large a number (SQLSTATE classes 22 and 54)."""
    return sqlstate(error).startswith(("22", "54"))


def once_more(act: Callable[P, R]) -> Callable[P, R]:
    """Decorate a function to run a second time after a deadlock, a serialization failure, or the loss of its connection.

    The function must have one transaction (`Database.transaction`) and no other lasting effect. It is not run again if the
    connection was lost in the COMMIT, which may have taken effect.
    """

    @wraps(act)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return act(*args, **kwargs)
        except DBAPIError as error:
            _prepare_retry(error)
        return act(*args, **kwargs)

    return run


def _prepare_retry(error: DBAPIError) -> None:
    """Return when the failed act may be tried again; raise the error if it may not.

    After a conflict it waits a moment, with no connection held: a retry at once may take the lock that the other transaction
    has waited for, and they meet again. After a lost connection the pool makes a new one, perhaps to another server.
    """
    if sqlstate(error) in _CONFLICTS:
        # Not the same for two that lost at the same time.
        time.sleep(random.uniform(0.03, 0.09))  # noqa: S311 - no secret
        return
    # Errors of a COMMIT and of connecting have no statement. After a deadline, the request has waited long enough.
    if (
        not error.connection_invalidated
        or error.statement is None
        or isinstance(error.orig, DeadlineExceeded)
    ):
        raise error


class Database:
    """An engine with two interfaces: single statements in autocommit mode, and transactions.

    The engine must be made with `isolation_level="AUTOCOMMIT"`: changing the mode of a connection around each statement
    would double the cost of the statement. `prepare`: the server keeps the plans of the most frequent statements
    (`prepared_statements.py`). Turn it off behind a pooler that gives each transaction another connection.
    """

    def __init__(self, engine: Engine, prepare: bool = True) -> None:
        self.engine = engine
        self._prepare = prepare
        replace_connections_with_stale_plans(engine)

    def all(self, statement: Statement, **values: Any) -> list[ResultRow]:
        """Run one statement and return its rows. The statement must be safe to run twice.

        It is retried once if its connection was lost (a restart, a failover) or kept a stale plan, or after a deadlock or a
        serialization failure. Raises sqlalchemy.exc.DBAPIError.
        """
        try:
            return self._run(statement, values)
        except DBAPIError as error:
            _prepare_retry(error)
        return self._run(statement, values)

    def one(self, statement: Statement, **values: Any) -> ResultRow | None:
        """Run a statement as `all` does; return its first row, or None."""
        rows = self.all(statement, **values)
        return rows[0] if rows else None

    def only(self, statement: Statement, **values: Any) -> ResultRow:
        """Run a statement that has exactly one row, such as an aggregate, as `all` does. Raises ValueError for another count."""
        [row] = self.all(statement, **values)
        return row

    @contextmanager
    def transaction(self, seconds: float | None = None) -> Iterator[Connection]:
        """Open a transaction: committed at the end of the block, rolled back if the block raises. Use it in a function with
        `once_more`. `seconds` is the deadline of each of its round trips, if it is not the engine's.

        The mode is changed in the driver, without a round trip. SQLAlchemy's isolation levels need two round trips more,
        and a connection that breaks in them raises the driver's own error instead of a DBAPIError.
        """
        with self._connect() as connection:
            driver: Any = connection.connection.driver_connection
            driver.autocommit = False
            try:
                with deadline_of(driver, seconds), connection.begin():
                    yield connection
            finally:
                if not driver.closed:
                    driver.autocommit = True

    def _connect(self) -> Connection:
        with metrics.timed(metrics.CONNECTION_WAIT_SECONDS.observe):
            return self.engine.connect()

    def _run(self, statement: Statement, values: dict[str, Any]) -> list[ResultRow]:
        with self._connect() as connection:
            if not connection.connection.dbapi_connection.autocommit:  # type: ignore[union-attr]  # psycopg2's own
                raise RuntimeError('the engine must be made with isolation_level="AUTOCOMMIT"')
            return self._rows(connection, statement, values)

    def _rows(self, connection: Connection, statement: Statement, values: dict[str, Any]) -> list[ResultRow]:
        if isinstance(statement, Prepared):
            return statement.run(connection, values, self._prepare)
        result = connection.execute(statement, values)
        return list(result.mappings()) if result.returns_rows else []
