"""The database checks of `shopforum check`."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from shopforum import schema
from shopforum.core import durability, migrations, processes, readiness
from shopforum.core.database import Database
from shopforum.core.engine import create_engine, unsuitable_session
from shopforum.core.sites import SiteSettings

from . import check_processes
from .checks import Check, clock

_OLDEST = 15
_SERVER = text(
    """SELECT clock_timestamp() AS now, current_setting('server_version_num')::int / 10000 AS version,
      current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int AS places"""
)
_DISABLED = text(
    """SELECT tgname FROM pg_trigger
    WHERE tgrelid = to_regclass('audit_log') AND NOT tgisinternal AND tgenabled IN ('D', 'R') ORDER BY tgname"""
)
_ROLE = text(
    """SELECT current_user AS name, r.rolsuper AS superuser, r.rolbypassrls AS bypassrls,
      coalesce(pg_has_role(t.relowner, 'MEMBER'), false) AS owner,
      coalesce(has_any_column_privilege(to_regclass('audit_head'), 'UPDATE'), false) AS seals,
      coalesce(has_table_privilege(to_regclass('audit_keys'), 'INSERT'), false)
        AND coalesce(has_table_privilege(to_regclass('audit_keys'), 'UPDATE'), false) AS notes_keys
    FROM pg_roles r LEFT JOIN pg_class t ON t.oid = to_regclass('audit_log') WHERE r.rolname = current_user"""
)
_POWERS = {
    "superuser": "a superuser",
    "bypassrls": "above row security",
    "owner": "the owner of the tables, or a member of its role",
}
# By a part of the message. The driver has no code for errors of connecting.
_CURES = {
    "too many": "raise the limit of connections of the role or the server, or lower database.pool_size",
    "remaining connection slots": "raise max_connections, or lower database.pool_size",
    "password authentication failed": "set the role's password in SHOPFORUM_DATABASE_URL",
    "no password supplied": "set the role's password in SHOPFORUM_DATABASE_URL",
    "does not exist": "create the role and the database, or correct their names in SHOPFORUM_DATABASE_URL",
    "no pg_hba.conf entry": "allow the role to connect from this machine, in pg_hba.conf",
    "certificate": "set sslrootcert in SHOPFORUM_DATABASE_URL to the server's authority, or renew the certificate",
    "read-only": "name the primary in SHOPFORUM_DATABASE_URL",
}
_FINE = {
    "database": "takes connections of the sites",
    "migrations": "this version works with them",
    "grants": "the role has its rights on all tables",
    "writes": "a write succeeds",
}


def checks(ini: str, sites: Sequence[SiteSettings]) -> Iterator[Check]:
    """Check that the database is reachable as the sites reach it, that its clock is right, and that they can work with it."""
    engine = create_engine(sites[0].database_url, 1, pooler=sites[0].pooler)
    try:
        yield from _checks(ini, Database(engine), sites)
    finally:
        engine.dispose()


def _checks(ini: str, db: Database, sites: Sequence[SiteSettings]) -> Iterator[Check]:
    pools, development = sum(site.pool_size for site in sites), sites[0].development
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
            fix=unsuitable.fix if unsuitable else _cure(reason),
        )
        return
    middle = before + (datetime.now(UTC) - before) / 2
    version = row["version"]
    if version < _OLDEST:
        yield Check("database", problem=f"PostgreSQL {version} is too old", fix=f"use {_OLDEST} or newer")
    else:
        yield Check("database", fine=f"PostgreSQL {version} answers")
    if pools > row["places"]:
        yield Check(
            "connections",
            problem=f"one process may take {pools}, the server has {row['places']}",
            fix="raise max_connections, or lower database.pool_size",
        )
    yield from _readiness(ini, db)
    yield from _triggers(db)
    yield from _role(db, development)
    yield from _durability(db)
    yield clock("database clock", row["now"] - middle)
    yield from check_processes.checks(sites, row["places"])


def _readiness(ini: str, db: Database) -> Iterator[Check]:
    """Check what the sites check before they say that they are ready."""
    for name, state in readiness.checked(db, schema.needed_rights(), processes.CHECK).items():
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


def _durability(db: Database) -> Iterator[Check]:
    """Say what an acknowledged revocation survives."""
    found = durability.read(db)
    if found.problem:
        yield Check("durability", problem=found.problem, fix=found.fix)
    else:
        yield Check("durability", fine=f"an acknowledged revocation {found.text}")


def _role(db: Database, development: bool) -> Iterator[Check]:
    """Check that the role of the sites cannot switch off the guards of the audit log, and that a role that seals may
    store its key.
    """
    role = db.only(_ROLE)
    powers = [name for name in ("superuser", "bypassrls", "owner") if role[name]]
    if powers and not development:
        yield Check(
            "database role",
            problem=f"{role['name']} is {_POWERS[powers[0]]}: it can switch off what guards the audit log",
            fix="make a role for the sites that only has rights on the tables: deploy/grants.sql has the statements",
        )
    if role["seals"] and not role["notes_keys"]:
        yield Check(
            "database role",
            problem=f"{role['name']} may seal the audit log, but not note its key",
            fix=f'GRANT INSERT, UPDATE ON audit_keys TO "{role["name"]}"',
        )


def _triggers(db: Database) -> Iterator[Check]:
    """Check that the triggers which guard the audit log are enabled."""
    disabled = [row["tgname"] for row in db.all(_DISABLED)]
    if disabled:
        yield Check(
            "audit log",
            problem=f"its triggers are disabled: {', '.join(disabled)}",
            fix="ALTER TABLE audit_log ENABLE TRIGGER USER, and find out who disabled them",
        )


def _cure(reason: str) -> str:
    """Return how to fix an error of connecting, by the server's or the driver's message."""
    for words, fix in _CURES.items():
        if words in reason:
            return fix
    return "start PostgreSQL and set SHOPFORUM_DATABASE_URL"
