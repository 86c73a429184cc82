"""The audit log against the roles of deploy/grants.sql: the sites' role appends, the worker's seals, neither rewrites."""

import re
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError
from support import Browser, url_of

import shopforum
from shopforum import schema
from shopforum.core import readiness
from shopforum.core.database import Database
from shopforum.core.engine import create_unpooled_engine
from shopforum.operations import event_feed
from shopforum.sessions import audit_chain, jobs

GRANTS = Path(__file__).resolve().parents[2] / "deploy" / "grants.sql"
ROW = "INSERT INTO audit_log (event, site, initiating_entity{}) VALUES ('authz_fail', 'store', 'user'{})"


@pytest.fixture(scope="module")
def urls(server: Any, database_url: str, worker_id: str) -> Iterator[dict[str, str]]:
    """The database for each role that deploy/grants.sql makes, by what the role is for."""
    statements = re.sub(r"shopforum_(sites|worker)", rf"{worker_id}_\1", GRANTS.read_text())
    roles = [f"{worker_id}_{what}" for what in ("sites", "worker")]
    with closing(psycopg2.connect(database_url)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute(statements)
        for role in roles:
            cursor.execute(f"ALTER ROLE {role} PASSWORD 'of-the-tests'")
        yield {
            what: make_url(database_url)
            .set(username=f"{worker_id}_{what}", password="of-the-tests")
            .render_as_string(hide_password=False)
            for what in ("sites", "worker")
        }
        for role in roles:
            cursor.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")


@pytest.fixture
def sites(urls: dict[str, str], clean: None) -> Database:
    return Database(create_unpooled_engine(urls["sites"]).execution_options(isolation_level="AUTOCOMMIT"))


@pytest.fixture
def of(apps: dict[str, Any], urls: dict[str, str], settings: Any) -> Iterator[Callable[[str], Any]]:
    """`of(role)`: the store, as a process whose database role that is."""
    made = []

    def start(role: str) -> Any:
        made.append(shopforum.main({}, **settings("store") | {"database.url": urls[role]}))
        return made[-1]

    yield start
    for app in made:
        app.services.db.engine.dispose()


def test_the_sites_work_and_the_worker_seals_what_they_wrote(of: Any) -> None:
    store, worker = of("sites"), of("worker")
    client = Browser(store, url_of("store"))
    client.log_in("shopper")
    client.get("/account/sessions", status=200)
    assert jobs.seal(store.services.sessions) is None
    head = jobs.seal(worker.services.sessions)
    assert head is not None
    verdict = audit_chain.verify(store.services.db, store.services.sessions.config.secrets.audit_keys, head)
    assert (verdict.bad, verdict.good) == (None, head.seq)


def test_both_roles_are_ready(of: Any) -> None:
    """Each lacks rights that it does not need."""
    for role in ("sites", "worker"):
        services = of(role).services
        found = readiness.checked(services.db, schema.needed_rights())
        assert set(found.values()) == {readiness.OK}, (role, found)


def test_the_feed_of_events_has_what_the_worker_sealed(of: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_feed, "_PAUSE_SECONDS", 0)
    store, worker = of("sites"), of("worker")
    Browser(store, url_of("store")).log_in("shopper")
    assert event_feed.read(store.services.sessions, 0, [], 10)[0] == []
    jobs.seal(worker.services.sessions)
    rows, _ = event_feed.read(store.services.sessions, 0, [], 10)
    assert "session_created" in {row.event for row in rows}


def test_a_row_gets_its_time_and_its_place_from_the_database(sites: Database) -> None:
    sites.all(text(ROW.format("", "")))
    sites.all(text(ROW.format(", at, id", ", '2020-01-01', -5")))
    first, second = sites.all(text("SELECT id, at FROM audit_log ORDER BY at"))
    assert first["id"] < second["id"]
    assert datetime.now(UTC) - second["at"] < timedelta(minutes=5)


def test_a_clock_of_one_s_own_in_front_of_the_server_s_is_not_read(apps: Any) -> None:
    """A function of the same name in a schema that comes first in the search path."""
    with apps["store"].services.db.transaction() as connection:
        connection.exec_driver_sql(
            "CREATE SCHEMA own; CREATE FUNCTION own.clock_timestamp() RETURNS timestamptz LANGUAGE sql "
            "AS $$ SELECT '2020-01-01'::timestamptz $$; SET LOCAL search_path = own, pg_catalog, public"
        )
        connection.exec_driver_sql(ROW.format("", ""))
        good = connection.exec_driver_sql("SELECT at > '2026-01-01' FROM audit_log").scalar_one()
        connection.exec_driver_sql("DROP SCHEMA own CASCADE")
    assert good


@pytest.mark.parametrize(
    "statement",
    [
        ROW.format(", seq, mac", ", 1, ''"),
        "UPDATE audit_log SET seq = 1, mac = ''",
        "UPDATE audit_head SET seq = 0",
        "DELETE FROM audit_head",
        "TRUNCATE audit_log",
        "DELETE FROM audit_log",
        "ALTER TABLE audit_log DISABLE TRIGGER ALL",
        "SET session_replication_role = replica",
    ],
)
def test_the_sites_role_can_only_append(sites: Database, statement: str) -> None:
    sites.all(text(ROW.format("", "")))
    with pytest.raises(DBAPIError) as refused:
        sites.all(text(statement))
    assert refused.value.orig.pgcode == "42501"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_head SET seq = 0, mac = decode(repeat('00', 32), 'hex')",
        "UPDATE audit_head SET seq = 1, mac = (SELECT mac FROM audit_log WHERE seq = 1)",
        "UPDATE audit_head SET seq = 3",
        "UPDATE audit_head SET mac = ''",
        "INSERT INTO audit_head (seq, mac) VALUES (9, '')",
        "DELETE FROM audit_head",
        "TRUNCATE audit_head",
        ROW.format(", seq, mac", ", 3, ''"),
    ],
)
def test_the_head_moves_forward_alone_even_for_the_tables_owner(apps: Any, sql: Any, statement: str) -> None:
    for _ in range(2):
        sql(ROW.format("", ""))
    assert jobs.seal(apps["store"].services.sessions).seq == 2
    with pytest.raises(DBAPIError, match=r"of the audit log moves forward|append-only"):
        sql(statement)
    assert sql("SELECT seq FROM audit_head") == [{"seq": 2}]
