"""Time goes by in the tests: all rows grow older (`pass_time`), one column does (`age`), or the database has a clock that the test sets.

The first is cheap, and the machine's own time goes by as well. With the second, no wait is over before the test says so:
`now()` is what the test says, for the statements of some engines. A schema before pg_catalog in the search path has functions of the same names, so that hours go by without moving a row.
The trigger that gives the audit log's rows their time reads the server's clock alone, so it is off meanwhile.
The statements stay as they are, but for being prepared: planning them anew is most of what they cost.
"""

import re
from contextlib import closing
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self

import psycopg2
from sqlalchemy import Engine, event, text

from shopforum.core.database import Database

_START = datetime(2030, 1, 1, tzinfo=UTC)
_PREPARABLE = re.compile(r"\s*(select|with|insert|update|delete)\b", re.IGNORECASE)
_PARAMETER = re.compile(r"%\((\w+)\)s")
# The types of literals; for the others the server finds them out.
_TYPES = {bool: "boolean", int: "integer", float: "double precision"}

_SCHEMA = """
set search_path = pg_catalog, public;
create schema simulation;
create function simulation.now() returns timestamptz language sql stable
  as $$ select pg_catalog.current_setting('simulation.now')::timestamptz $$;
create function simulation.clock_timestamp() returns timestamptz language sql stable
  as $$ select pg_catalog.current_setting('simulation.now')::timestamptz $$;
"""

_TRIGGER = "alter table audit_log {} trigger audit_log_written;"

# Columns that take the time by themselves.
_DEFAULTS = """
do $$
declare one record;
begin
  for one in select c.oid::regclass as name, a.attname,
      substring(pg_get_expr(d.adbin, d.adrelid) from '(now|clock_timestamp)') as clock from pg_attrdef d join pg_class c on c.oid = d.adrelid
      join pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum
    where pg_get_expr(d.adbin, d.adrelid) ~ '^(simulation\\.)?(now|clock_timestamp)\\(\\)$'
  loop
    execute format('alter table %s alter column %I set default {}.%s()', one.name, one.attname, one.clock);
  end loop;
end $$;
"""


# As a replica, so that rows which nothing may change can grow older, too. The seals of the audit log cover its times.
_AGE = """
do $$
declare one record;
begin
  set local session_replication_role = replica;
  for one in select c.oid::regclass as name, case c.relname when 'audit_log' then 'seq is null' else 'true' end as condition,
      string_agg(format('%1$I = %1$I - interval ''{seconds} seconds''', a.attname), ', ') as moves
    from pg_class c join pg_attribute a on a.attrelid = c.oid
    where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace and a.atttypid = 'timestamptz'::regtype
      and a.attnum > 0 and not a.attisdropped and pg_relation_size(c.oid) > 0 group by c.oid, c.relname
  loop
    execute format('update %s set %s where %s', one.name, one.moves, one.condition);
  end loop;
end $$"""


def pass_time(db: Database, seconds: float) -> None:
    """Let so much time go by for every rule alike: all instants in the database move back together.

    The rows of the audit log that are sealed already stay as they are.
    """
    db.all(text(_AGE.replace("{seconds}", str(seconds))))


def age(db: Database, column: str, seconds: float, where: str = "true", **values: Any) -> None:
    """Let one column, as `sessions.last_seen_at`, grow older alone: for a test that `pass_time` would take out of another limit."""
    table, _, name = column.partition(".")
    statement = f"UPDATE {table} SET {name} = {name} - make_interval(secs => :seconds) WHERE {where}"
    db.all(text(statement), seconds=seconds, **values)


def idle_out(db: Database) -> None:
    """Let every session idle out now; each was last seen an hour ago."""
    db.all(
        text(
            "UPDATE sessions SET idle_end = now() - interval '1 second', last_seen_at = now() - interval '1 hour'"
        )
    )


class SimulatedClock:
    """While it is entered, the engines' connections use this clock instead of the server's: `seconds` since `start`."""

    def __init__(self, database_url: str, *engines: Engine, start: datetime = _START) -> None:
        self.engines, self.url, self.start = engines, database_url, start
        self.seconds = 0.0
        # A little goes by from one statement to the next, or two acts would be at one instant.
        self.statements = 0

    def __enter__(self) -> Self:
        self._run(_SCHEMA + _DEFAULTS.replace("{}", "simulation") + _TRIGGER.format("disable"))
        for engine in self.engines:
            engine.dispose()
            event.listen(engine, "connect", self._prepare)
            event.listen(engine, "before_cursor_execute", self._set, retval=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for engine in self.engines:
            event.remove(engine, "connect", self._prepare)
            event.remove(engine, "before_cursor_execute", self._set)
            engine.dispose()
        self._run(
            _DEFAULTS.replace("{}", "pg_catalog")
            + _TRIGGER.format("enable")
            + "drop schema simulation cascade"
        )

    def _prepare(self, connection: Any, _record: Any) -> None:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("set search_path = simulation, pg_catalog, public")
            cursor.execute("set plan_cache_mode = force_generic_plan")

    def _set(self, connection: Any, cursor: Any, statement: str, values: Any, *_rest: Any) -> tuple[str, Any]:
        """In the statement's own round trip."""
        self.statements += 1
        now = self.start + timedelta(seconds=self.seconds, microseconds=10 * self.statements)
        begin = f"set simulation.now = '{now}'; "
        if not _PREPARABLE.match(statement):
            return begin + statement, values
        plans = connection.info.setdefault("plans", {})
        if statement not in plans:
            names = list(dict.fromkeys(_PARAMETER.findall(statement)))
            first = values[0] if isinstance(values, list) else values
            types = ", ".join(_TYPES.get(type(first[name]), "unknown") for name in names)
            numbered = _PARAMETER.sub(lambda found: f"${names.index(found[1]) + 1}", statement)
            plan = f"plan_{len(plans)}"
            cursor.execute(f"prepare {plan} {f'({types})' if names else ''} as {numbered}")
            arguments = ", ".join(f"%({name})s" for name in names)
            plans[statement] = f"execute {plan} {f'({arguments})' if names else ''}"
        return begin + plans[statement], values

    def _run(self, statements: str) -> None:
        with closing(psycopg2.connect(self.url)) as connection, connection.cursor() as cursor:
            cursor.execute(statements)
            connection.commit()
