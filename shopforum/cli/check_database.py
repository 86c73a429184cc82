"""The database checks of `shopforum check`."""

from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from shopforum import schema, site_services
from shopforum.core import durability, migrations, processes, readiness, relay
from shopforum.core.database import Database
from shopforum.core.databases import PARTS
from shopforum.core.engine import unsuitable_session
from shopforum.core.settings import SettingsError
from shopforum.core.sites import SiteSettings

from . import check_processes, check_schema
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
    """Check that each database is reachable as the sites reach it, that its clock is right, and that they can work with it."""
    found = site_services.databases(sites[0], 1)
    try:
        yield from _sessions(ini, found.sessions, sites)
        for part, db in found.apart.items():
            for check in _own(ini, part, db, found.sessions, sites):
                yield replace(check, about=f"{part} {check.about}")
    finally:
        for each in found.all:
            each.engine.dispose()


def _sessions(ini: str, db: Database, sites: Sequence[SiteSettings]) -> Iterator[Check]:
    """Check the database of the sessions, and of everything else where there is one database."""
    places = yield from _server(db, sum(site.pool_size for site in sites))
    if places is None:
        return
    yield from _readiness(ini, db)
    yield from _made(db)
    yield from _triggers(db)
    yield from _role(db, sites[0].development)
    yield from _durability(db)
    yield from check_processes.checks(sites, places)


def _own(
    ini: str, part: str, db: Database, sessions: Database, sites: Sequence[SiteSettings]
) -> Iterator[Check]:
    """Check the database with the own tables of a site. The processes that use it are the site's and the workers, and the console's
    now and then.
    """
    places = yield from _server(db, sum(site.pool_size for site in sites))
    if places is None:
        return
    try:
        relay.refuse_same(PARTS[part], db, sessions)
    except SettingsError as error:
        problem, _, fix = str(error).partition(": ")
        yield Check("database", problem=problem, fix=fix)
    except SQLAlchemyError:
        # The database of the sessions is away: its own check has said so.
        pass
    yield from _readiness(ini, db)
    yield from _made(db)
    yield from check_processes.relayed(db)
    yield from _durability(db)


def _server(db: Database, pools: int) -> Generator[Check, None, int | None]:
    """Check that a server is reachable as the sites reach it, and its version, room and clock. Return the number of connections that
    it has for the sites; None if it cannot be reached.
    """
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
        return None
    after = datetime.now(UTC)
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
    yield clock("database clock", row["now"], before, after)
    places: int = row["places"]
    return places


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


def _made(db: Database) -> Iterator[Check]:
    """Check the schema, where it is at a migration that this version knows: before, everything is missing."""
    if readiness.revision(db) in (None, migrations.head()):
        yield from check_schema.checks(db)


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
