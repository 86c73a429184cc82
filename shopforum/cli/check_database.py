"""The database checks of `shopforum check`."""

from collections.abc import Iterator
from datetime import UTC, datetime

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from shopforum import schema
from shopforum.core import migrations, processes, readiness
from shopforum.core.database import Database
from shopforum.core.engine import create_engine, unsuitable_session
from shopforum.core.sites import SiteSettings

from .checks import Check, clock

_OLDEST = 15
_SERVER = text(
    "SELECT clock_timestamp() AS now, current_setting('server_version_num')::int / 10000 AS version"
)
_FINE = {
    "database": "takes connections of the sites",
    "migrations": "this version works with them",
    "grants": "the role has its rights on all tables",
    "writes": "a write succeeds",
}


def checks(ini: str, settings: SiteSettings) -> Iterator[Check]:
    """Check that the database is reachable as the sites reach it, that its clock is right, and that they can work with it."""
    engine = create_engine(settings.database_url, 1, pooler=settings.pooler)
    try:
        yield from _checks(ini, Database(engine))
    finally:
        engine.dispose()


def _checks(ini: str, db: Database) -> Iterator[Check]:
    before = datetime.now(UTC)
    try:
        row = db.only(_SERVER)
    except SQLAlchemyError as error:
        unsuitable = unsuitable_session(error)
        # The driver's first line names host and port, never the password.
        reason = str(getattr(error, "orig", None) or type(error).__name__).strip().splitlines()[0]
        yield Check(
            "database",
            problem=unsuitable.problem if unsuitable else reason,
            fix=unsuitable.fix if unsuitable else "start PostgreSQL and set SHOPFORUM_DATABASE_URL",
        )
        return
    middle = before + (datetime.now(UTC) - before) / 2
    version = row["version"]
    if version < _OLDEST:
        yield Check("database", problem=f"PostgreSQL {version} is too old", fix=f"use {_OLDEST} or newer")
    else:
        yield Check("database", fine=f"PostgreSQL {version} answers")
    yield from _readiness(ini, db)
    yield clock("database clock", row["now"] - middle)


def _readiness(ini: str, db: Database) -> Iterator[Check]:
    """Check what the sites check before they say that they are ready."""
    for name, state in readiness.checked(db, schema.table_names(), processes.CHECK).items():
        problem, _, fix = state.partition(": ")
        if state == readiness.OK:
            yield Check(name, fine=_FINE[name])
        elif name == "migrations" and fix == readiness.UPGRADE:
            at = readiness.revision(db) or "none"
            yield Check(
                name, problem=f"at {at}, not at {migrations.head()}", fix=f"alembic -c {ini} upgrade head"
            )
        elif fix:
            yield Check(name, problem=problem, fix=fix)
