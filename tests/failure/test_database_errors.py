"""Errors of the database are told apart: it is away or too slow, it refuses a value, or the statement is wrong."""

import json
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest
from api.conftest import Caller, caller  # noqa: F401 - a fixture
from click.testing import CliRunner
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from support import Browser, url_of

import shopforum
from shopforum.cli import main
from shopforum.cli import worker as worker_command
from shopforum.core import purge
from shopforum.core.purge import Purge
from shopforum.sessions import is_outage, jobs
from shopforum.store import cart, products

REFUSED = {
    "an address with a zone": "SELECT CAST('fe80::1%eth0' AS inet)",
    "a number out of range": "SELECT CAST(99999999999999999999 AS integer)",
    "an instant that is none": "SELECT CAST('2026-02-30' AS timestamptz)",
    "bytes that are no text": "SELECT convert_from(CAST('\\xff' AS bytea), 'UTF8')",
    "NUL": "SELECT chr(0)",
}
FAULTS = {
    "a table that is not there": "SELECT * FROM nowhere",
    "a constraint": "INSERT INTO audit_head (one, seq, mac) VALUES (false, 1, '')",
    "a permission": "DO $$ BEGIN RAISE SQLSTATE '42501'; END $$",
    "SQL": "SELEKT",
}
AWAY = {
    "the connection ends": "SELECT pg_terminate_backend(pg_backend_pid())",
    "too slow": "DO $$ BEGIN RAISE SQLSTATE '57014'; END $$",
    "out of memory": "DO $$ BEGIN RAISE SQLSTATE '53200'; END $$",
    "a lock": "DO $$ BEGIN RAISE SQLSTATE '55P03'; END $$",
    "a standby": "DO $$ BEGIN RAISE SQLSTATE '25006'; END $$",
    "a deadlock": "DO $$ BEGIN RAISE SQLSTATE '40P01'; END $$",
}
CASES = [
    (statement, status, name)
    for status, statements in ((422, REFUSED), (500, FAULTS), (503, AWAY))
    for name, statement in statements.items()
]


def test_a_page_says_what_it_is(store: Browser, monkeypatch: pytest.MonkeyPatch, logged: Any) -> None:
    store.log_in("shopper")
    for statement, status, name in CASES:
        with monkeypatch.context() as broken:
            broken.setattr(products, "_FEATURED", text(statement))
            logged()
            answer = store.get("/", expect_errors=True)
        assert answer.status_int == status, name
        assert ("Retry-After" in answer.headers) == (status == 503), name
        assert ("cannot reach" in answer.text) == (status == 503), name
        assert not any("__Host-session" in header for header in answer.headers.getall("Set-Cookie")), name
        told = [line for line in logged().splitlines() if '"level": "error"' in line]
        assert len(told) == 1, name
        assert "exception" in json.loads(told[0]), name
        assert store.get("/shopping-cart", expect_errors=True).status_int == 200, name


def test_the_api_says_what_it_is(
    caller: Callable[..., Caller],  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    call = caller()
    for statement, status, name in CASES:
        with monkeypatch.context() as broken:
            broken.setattr("shopforum.operations.event_feed._BACKLOG", text(statement))
            answer = call("GET", "/events")
        assert answer.status_int == status, name
        assert ("Retry-After" in answer.headers) == (status == 503), name
        assert ("cannot be reached" in answer.json["detail"]) == (status == 503), name


def test_a_form_with_such_a_value_comes_back_with_what_was_typed(
    forums: Browser, monkeypatch: pytest.MonkeyPatch, sql: Any
) -> None:
    sql("INSERT INTO forum_categories (slug, name, position) VALUES ('harbour', 'Harbour', 1)")
    forums.log_in("member")
    form = next(f for f in forums.get("/categories/harbour/topics").forms.values() if "title" in f.fields)
    form["title"], form["body"] = "A title", "Long thoughts"
    monkeypatch.setattr("shopforum.forums.members._KNOWN", text(REFUSED["a number out of range"]))
    answer = form.submit(status=422)
    assert "Long thoughts" in answer.text
    assert sql("SELECT 1 FROM forum_posts") == []


def test_a_database_without_tables_is_not_called_away(
    empty_database: str, write_ini: Callable[..., str]
) -> None:
    ini = write_ini(**{"database.url": empty_database})
    for arguments, code in ((["sessions", "list", ini], 3), (["audit", "verify", ini], 2)):
        answer = CliRunner().invoke(main, arguments)
        assert answer.exit_code == code
        assert "alembic upgrade head" in answer.stderr
        assert "reached" not in answer.stderr


def test_readyz_tells_away_from_not_set_up(
    settings: Callable[[str], dict[str, str]], empty_database: str
) -> None:
    app = shopforum.main({}, **settings("store") | {"database.url": empty_database})
    checks = Browser(app, url_of("store")).get("/readyz", status=503).json["checks"]
    app.services.db.engine.dispose()
    assert checks["database"] == "ok"
    assert "alembic upgrade head" in checks["migrations"]


@pytest.mark.parametrize(("statement", "status"), [case[:2] for case in CASES], ids=[c[2] for c in CASES])
def test_the_worker_logs_a_fault_as_one(
    apps: Any, monkeypatch: pytest.MonkeyPatch, logged: Any, statement: str, status: int
) -> None:
    monkeypatch.setattr(Purge, "statement", property(lambda _: text(statement)))
    with pytest.raises(DBAPIError) as failed:
        purge.run(jobs.PURGES, apps["store"].services.db)
    logged()
    worker_command._log_error(failed.value)
    event = json.loads(logged())
    assert is_outage(failed.value) == (status == 503)
    assert event["event"] == ("worker.database_away" if status == 503 else "worker.database_refuses")
    assert ("exception" in event) == (status != 503)


def test_a_column_s_new_type_beneath_a_running_process_costs_no_page(
    settings: Callable[[str], dict[str, str]], sql: Any
) -> None:
    """Every connection of the pool has kept a plan whose result has another type now."""
    app = shopforum.main({}, **settings("store") | {"database.pool_size": "3"})
    db = app.services.db
    try:
        with ExitStack() as used:
            for connection in [db.engine.connect() for _ in range(3)]:
                connection.close()
                # No other is free.
                for _ in range(2):
                    cart.load(db, cart.Owner(user_id=uuid.uuid4()))
                used.enter_context(db.engine.connect())
        seen = db.engine.pool.checkedin()
        sql("ALTER TABLE products ALTER COLUMN tax_rate TYPE bigint")
        carts = [cart.load(db, cart.Owner(user_id=uuid.uuid4())) for _ in range(6)]
    finally:
        sql("ALTER TABLE products ALTER COLUMN tax_rate TYPE integer")
        db.engine.dispose()
    assert (seen, len(carts)) == (3, 6)
