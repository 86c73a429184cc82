"""Statements that the server plans once a connection: those of every page.

A statement sent as text is planned anew each time, which takes the session check longer than running it does. The driver
knows no prepared statements; PREPARE and EXECUTE are plain SQL. They live in one server connection: behind a pooler
that gives each transaction another one they have to be off (`Database(engine, prepare=False)`).

The server has to be told to keep the plan: of parameters that are arrays it expects that a plan for their values is
better, and plans them anew each time all the same.

Name the columns of such a statement: one with `*` fails when a migration adds a column beneath a running process.
"""

import re
from typing import Any

from sqlalchemy import Connection, CursorResult

# A name after a colon, but for a cast.
_PARAMETER = re.compile(r"(?<![:\w]):([a-z_]\w*)")


class Prepared:
    """A statement with named parameters (`:name`), prepared under a name of its own at its first use."""

    def __init__(self, name: str, sql: str) -> None:
        names = list(dict.fromkeys(_PARAMETER.findall(sql)))
        numbered = _PARAMETER.sub(lambda found: f"${names.index(found[1]) + 1}", sql)
        self.name = f"shopforum_{name}"
        prepare = f"PREPARE {self.name} AS {numbered}; SET plan_cache_mode = force_generic_plan"
        self._prepare = prepare.replace("%", "%%")
        self._execute = f"EXECUTE {self.name} ({', '.join(f'%({name})s' for name in names)})"
        self._text = _PARAMETER.sub(lambda found: f"%({found[1]})s", sql.replace("%", "%%"))

    def run(self, connection: Connection, values: dict[str, Any], prepare: bool) -> CursorResult[Any]:
        """Run it; `prepare` is whether the server may keep it."""
        if not prepare:
            return connection.exec_driver_sql(self._text, values)
        # Kept with the driver's connection, and gone with it.
        if self.name not in connection.info:
            connection.exec_driver_sql(self._prepare)
            connection.info[self.name] = True
        return connection.exec_driver_sql(self._execute, values)
