"""Prepared statements: the server plans the statements of each page once per connection.

The server plans a statement sent as text each time, which takes longer than the session check itself. The driver has no
prepared statements, so they are PREPARE and EXECUTE in plain SQL. A prepared statement belongs to one server connection.
Behind a pooler that gives each transaction another connection, turn them off (`Database(engine, prepare=False)`).

`plan_cache_mode` makes the server keep the plan: for parameters that are arrays it would otherwise choose to plan again.

Name the columns of such a statement: with `*`, it fails when a migration adds a column while a process runs.
"""

import re
from typing import Any

from sqlalchemy import Connection, CursorResult

# A name after a colon, except for a cast.
_PARAMETER = re.compile(r"(?<![:\w]):([a-z_]\w*)")


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

    def run(self, connection: Connection, values: dict[str, Any], prepare: bool) -> CursorResult[Any]:
        """Run the statement. Without `prepare`, it is sent as text."""
        if not prepare:
            return connection.exec_driver_sql(self._text, values)
        # `info` belongs to the driver's connection, and ends with it.
        if self.name not in connection.info:
            connection.exec_driver_sql(self._prepare)
            connection.info[self.name] = True
        return connection.exec_driver_sql(self._execute, values)
