"""The relay: rows that a site's act leaves in the site's own database move to the database of the sessions.

An act and what it leaves for others are one transaction, in one database. The worker moves the rows a moment later: it deletes
them here and adds them there, and commits there first. A worker that dies between the two commits leaves the rows here, and the
next one finds that they are there already. A letter that was sent meanwhile is there no more, and goes a second time.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from sqlalchemy import Table, TextClause, text

from .backlog import Backlog
from .database import Database, once_more
from .settings import SettingsError

# Rows that one step moves of each table.
_STEP = 200
# The server and the database that a connection leads to, whatever its address says.
_IDENTITY = text(
    """SELECT (SELECT system_identifier FROM pg_control_system()) AS server, pg_postmaster_start_time() AS started,
      (SELECT oid FROM pg_database WHERE datname = current_database()) AS database"""
)
# Steps of several workers come one after the other: the second sees what the first has added.
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('shopforum.relay', 0))")


@dataclass(frozen=True)
class Relayed:
    """A table whose rows are relayed. It has a column `id`, which each database gives anew, and is `ordered` by an indexed column;
    `since` is the column with the instant from which a row waits.

    Rows that agree in the columns `same` are one: an index begins with the first of them.
    """

    table: Table
    ordered: str
    since: str
    same: tuple[str, ...]

    @property
    def backlog(self) -> Backlog:
        """The rows that wait for the relay."""
        return Backlog(self.table.name, self.table.name, since=self.since, order=self.ordered)

    @cached_property
    def take(self) -> TextClause:
        """The statement that deletes one step of rows and returns them as JSON."""
        name = self.table.name
        return text(
            f"""DELETE FROM {name} t WHERE ctid = ANY (ARRAY(
              SELECT ctid FROM {name} ORDER BY {self.ordered} LIMIT :step FOR UPDATE SKIP LOCKED))
            RETURNING CAST(to_json(t) AS text) AS row"""
        )

    @cached_property
    def add(self) -> TextClause:
        """The statement that adds the rows of a JSON list, except those that are there."""
        name = self.table.name
        columns = ", ".join(column.name for column in self.table.columns if column.name != "id")
        same = " AND ".join(f"t.{column} = r.{column}" for column in self.same)
        return text(
            f"""INSERT INTO {name} ({columns}) SELECT {columns}
            FROM json_populate_recordset(CAST(NULL AS {name}), CAST(:rows AS json)) r
            WHERE NOT EXISTS (SELECT 1 FROM {name} t WHERE {same})"""
        )


def run_once(source: Database, target: Database, tables: Iterable[Relayed]) -> int:
    """Move one step of rows of each table; return how many. Safe to run in several processes at once.

    Raises sqlalchemy.exc.DBAPIError, and SettingsError where both databases are the same one: then nothing is moved.
    """
    return sum(_move(source, target, table) for table in tables)


def refuse_same(key: str, one: Database, other: Database) -> None:
    """Raise SettingsError if the database that a setting names is that of the sessions by another address.

    Raises sqlalchemy.exc.DBAPIError.
    """
    if one.only(_IDENTITY) == other.only(_IDENTITY):
        raise SettingsError(
            f"{key} leads to the database of the sessions: leave it empty where there is one database"
        )


@once_more
def _move(source: Database, target: Database, relayed: Relayed) -> int:
    with source.transaction() as here:
        rows = here.execute(relayed.take, {"step": _STEP}).scalars().all()
        if rows:
            refuse_same("an address of a site's own database", source, target)
            with target.transaction() as there:
                there.execute(_LOCK)
                there.execute(relayed.add, {"rows": f"[{','.join(rows)}]"})
        return len(rows)
