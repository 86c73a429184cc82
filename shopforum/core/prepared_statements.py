"""Prepared statements: the server plans the statements of each page once per connection.

The server plans a statement sent as text each time, which takes longer than the session check itself. The driver has no
prepared statements, so they are PREPARE and EXECUTE in plain SQL. A prepared statement belongs to one server connection.
Behind a pooler that gives each transaction another connection, turn them off (`Database(engine, prepare=False)`).

`plan_cache_mode` makes the server keep the plan: for parameters that are arrays it would otherwise choose to plan again.

A change of a column's type makes the server refuse the kept plans for good ("cached plan must not change result type").
`replace_connections_with_stale_plans` has the pool open its connections anew, and `Database` repeats the statement there.

Name the columns of such a statement: with `*`, each column that a migration adds has this cost.
"""

import re
from collections.abc import Mapping
from contextlib import closing
from typing import Any

from sqlalchemy import Connection, Engine, ExceptionContext, event

# A name after a colon, except for a cast.
_PARAMETER = re.compile(r"(?<![:\w]):([a-z_]\w*)")

# SQLSTATEs of an EXECUTE: the result's columns have changed since PREPARE (feature_not_supported); the statement is unknown
# to the connection, as after DISCARD ALL (invalid_sql_statement_name).
_STALE = ("0A000", "26000")


def replace_connections_with_stale_plans(engine: Engine) -> None:
    """Make the engine treat a stale plan as a lost connection, which makes the whole pool connect anew.

    The error then has `connection_invalidated`, as with a connection that died in the pool.
    """
    event.listen(engine, "handle_error", _end_connection_with_stale_plan)


def _end_connection_with_stale_plan(context: ExceptionContext) -> None:
    if (context.statement or "").startswith("EXECUTE ") and getattr(
        context.original_exception, "pgcode", None
    ) in _STALE:
        context.is_disconnect = True


class Prepared:
    """A statement with named parameters (`:name`). A connection prepares it under `name` when it first runs it."""

    def __init__(self, name: str, sql: str) -> None:
        names = list(dict.fromkeys(_PARAMETER.findall(sql)))
        numbered = _PARAMETER.sub(lambda found: f"${names.index(found[1]) + 1}", sql)
        self.name = f"shopforum_{name}"
        prepare = f"PREPARE {self.name} AS {numbered}; SET plan_cache_mode = force_generic_plan"
        self._prepare = prepare.replace("%", "%%")
        self._execute = f"EXECUTE {self.name} ({', '.join(f'%({name})s' for name in names)})"
        self._text = _PARAMETER.sub(lambda found: f"%({found[1]})s", sql.replace("%", "%%"))

    def run(
        self, connection: Connection, values: Mapping[str, Any], prepare: bool
    ) -> list[Mapping[Any, Any]]:
        """Run the statement and return its rows. Without `prepare`, it is sent as text. Raises sqlalchemy.exc.DBAPIError."""
        if not prepare:
            return _rows(connection, self._text, values)
        # `info` belongs to the driver's connection, and ends with it.
        if self.name not in connection.info:
            connection.exec_driver_sql(self._prepare)
            connection.info[self.name] = True
        return _rows(connection, self._execute, values)


def _rows(connection: Connection, sql: str, values: Mapping[str, Any]) -> list[Mapping[Any, Any]]:
    """Run a statement through the driver's cursor. SQLAlchemy's own way finds out anew what each column is, which takes longer
    than all else on this side. Listeners are told of the statement, and an error is SQLAlchemy's, as usual.
    """
    cursor: Any = None
    try:
        with closing(connection.connection.cursor()) as cursor:
            for tell in connection.dispatch.before_cursor_execute:
                sql, values = tell(connection, cursor, sql, values, None, False)
            cursor.execute(sql, values)
            if cursor.description is None:
                return []
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    except BaseException as error:  # noqa: BLE001 - it is raised again
        # It decides whether the connection is lost, as by an interrupt, and the pool with it, and raises. There is no public name for it.
        connection._handle_dbapi_exception(error, sql, values, cursor, None)  # noqa: SLF001
