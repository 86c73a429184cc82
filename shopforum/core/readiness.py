"""Readiness: whether this process can do its work with this database now.

It can if the schema is one that its code can live with, its role has its rights on every table, and a write succeeds.

The schema may be newer than the code: migrations run first, while older processes go on (docs/operations.md, *Migrations*).
The comment of the table alembic_version names the oldest migration whose code still works. Code that knows that migration
is compatible.
"""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from . import migrations, processes
from .database import Database, is_outage, sqlstate
from .databases import Databases
from .engine import is_silent, unsuitable_session

OK = "ok"
_UNKNOWN = "unknown"
# Seconds for which a result stands. Everybody may ask, and each check writes a row.
_STANDS = 1.0

_REVISION = text(
    "SELECT version_num, obj_description('alembic_version'::regclass) AS oldest FROM alembic_version"
)
_MISSING = text(
    """SELECT p || ' on ' || t AS missing
    FROM unnest(CAST(:tables AS text[]), CAST(:rights AS text[])) AS needed (t, p)
    WHERE NOT has_table_privilege(t, p) ORDER BY t, p LIMIT 3"""
)
_READ_ONLY = "25006"
_NO_RIGHT = "42501"
UPGRADE = "run alembic upgrade head"
_OLDER = f"older than this version: {UPGRADE}"


@dataclass(frozen=True)
class State:
    """The result of the checks by name: `ok`, or what is wrong and how to fix it."""

    checks: dict[str, str]

    @property
    def ready(self) -> bool:
        """Return whether all is well."""
        return set(self.checks.values()) == {OK}


@dataclass
class Readiness:
    """The readiness of one site of this process. Thread-safe. `rights` are those that the code needs, each a table
    and a privilege; `keys` the ids of the keys that the process knows, the newest first; `pool` the engine of its pages.
    `site_db` and `site_pool` are those of the site's own tables, where they are in another database.
    """

    db: Database
    rights: Sequence[tuple[str, str]]
    keys: Sequence[str] = ()
    pool: Engine | None = None
    site_db: Database | None = None
    site_pool: Engine | None = None
    _started: bool = field(default=False, init=False)
    _known: tuple[float, State] = field(
        default=(float("-inf"), State({"database": "not asked yet"})), init=False
    )
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def check(self) -> State:
        """Return whether the process is ready for requests.

        One thread at a time asks the database. Meanwhile the others get the last result, so that a database that does not
        answer holds one thread alone.
        """
        if processes.ending.is_set():
            return State({"process": "ending"})
        if self._lock.acquire(blocking=False):
            try:
                if time.monotonic() - self._known[0] > _STANDS:
                    state = State(self._checks())
                    self._known = (time.monotonic(), state)
                    self._started = self._started or state.ready
            finally:
                self._lock.release()
        return self._known[1]

    def _checks(self) -> dict[str, str]:
        checks = self._checked(self.db, self.pool)
        if self.site_db:
            own = self._checked(self.site_db, self.site_pool)
            checks |= {f"site_{name}": state for name, state in own.items()}
        return checks

    def _checked(self, db: Database, pool: Engine | None) -> dict[str, str]:
        """Check a database. Where it is silent, throw away the connections that no page uses now: each would hold a page until its
        deadline, long after another server is the primary.
        """
        return checked(db, self.rights, keys=self.keys, silent=pool.dispose if pool else lambda: None)

    def started(self) -> State:
        """Return whether the process has ever been ready."""
        return State({"process": OK}) if self._started else self.check()


def of_site(
    site: str,
    unpooled: Databases,
    pooled: Databases,
    rights: Sequence[tuple[str, str]],
    keys: Sequence[str],
) -> Readiness:
    """Return the readiness of a site. `unpooled` are the databases that it asks, `pooled` those of the pages."""
    found = Readiness(unpooled.sessions, rights, keys, pooled.sessions.engine)
    if pooled.is_apart(site):
        found.site_db, found.site_pool = unpooled.of(site), pooled.of(site).engine
    return found


def checked(
    db: Database,
    rights: Sequence[tuple[str, str]],
    kind: str = processes.WEB,
    keys: Sequence[str] = (),
    silent: Callable[[], None] = lambda: None,
) -> dict[str, str]:
    """Check a database for the code of this process, which needs `rights`; return the checks of `State`. The write is a sign of
    life of this kind, with the keys that the process knows. `silent` is called where the server does not answer at all.
    """
    checks = dict.fromkeys(("database", "migrations", "grants", "writes"), _UNKNOWN)
    try:
        row = db.one(_REVISION)
        checks["database"] = OK
        checks["migrations"] = _compatible(row["version_num"], row["oldest"]) if row else _OLDER
        if checks["migrations"] == OK:
            tables, privileges = zip(*rights, strict=True)
            missing = [row["missing"] for row in db.all(_MISSING, tables=[*tables], rights=[*privileges])]
            checks["grants"] = f"the role lacks rights: grant {', '.join(missing)}" if missing else OK
            processes.seen(db, kind, keys)
            checks["writes"] = OK
    except SQLAlchemyError as error:
        _note(checks, error)
        if is_silent(error):
            silent()
    return checks


def revision(db: Database) -> str | None:
    """Return the revision of the schema; None if it cannot be read."""
    try:
        row = db.one(_REVISION)
    except SQLAlchemyError:
        return None
    return str(row["version_num"]) if row else None


def _compatible(revision: str, oldest: str | None) -> str:
    known = migrations.known()
    if revision == known[-1] or (revision not in known and oldest in known):
        return OK
    return _OLDER if revision in known else "newer than this version can live with: upgrade the application"


def _note(checks: dict[str, str], error: SQLAlchemyError) -> None:
    """Note an error at the check that it stopped."""
    unsuitable = unsuitable_session(error)
    if unsuitable:
        checks["database"] = str(unsuitable)
    elif sqlstate(error) == _READ_ONLY:
        checks["writes"] = (
            "the server is read-only: connect to the primary, or reset default_transaction_read_only"
        )
    elif is_outage(error):
        checks["database"] = "away"
    elif sqlstate(error) == _NO_RIGHT:
        checks["database"] = OK
        checks["grants"] = (
            "the role lacks rights: grant SELECT on alembic_version, and those of docs/operations.md on the others"
        )
    elif checks["database"] == OK:
        checks["writes"] = "a write is refused: look into the server's log"
    else:
        checks["database"] = OK
        checks["migrations"] = f"cannot be read: {UPGRADE}"
