"""Prepared statements: the same rows as without preparation, on any connection, and during migrations."""

import pytest
from sqlalchemy import event, text
from support import Browser, url_of

import shopforum
from shopforum.core.database import Database
from shopforum.core.engine import create_engine
from shopforum.core.prepared_statements import Prepared

TWICE = Prepared(
    "twice",
    "SELECT CAST(:n AS int) * 2 AS twice, :word || '%' AS word, now()::date < 'infinity' AS ok, :n AS n",
)


@pytest.fixture
def engine(database_url):
    engine = create_engine(database_url, 1)
    yield engine
    engine.dispose()


@pytest.mark.parametrize("prepare", [True, False])
def test_named_parameters_casts_and_percent_signs(engine, prepare):
    for n in (1, 2):
        row = Database(engine, prepare).one(TWICE, n=n, word="it's :n")
        assert dict(row) == {"twice": 2 * n, "word": "it's :n%", "ok": True, "n": n}


def test_it_is_prepared_once_a_connection_and_again_on_a_new_one(engine):
    seen = []
    event.listen(engine, "before_cursor_execute", lambda _c, _k, sql, *_: seen.append(sql.split()[0]))
    database = Database(engine)
    for _ in range(3):
        database.one(TWICE, n=1, word="")
    assert seen == ["PREPARE", "EXECUTE", "EXECUTE", "EXECUTE"]
    killed = database.one(text("SELECT pg_backend_pid() AS pid"))["pid"]
    other = create_engine(engine.url.render_as_string(hide_password=False), 1)
    Database(other).all(text("SELECT pg_terminate_backend(:pid, 5000)"), pid=killed)
    other.dispose()
    assert database.one(TWICE, n=4, word="")["twice"] == 8
    assert seen.count("PREPARE") == 2


def test_a_column_that_a_migration_adds_breaks_no_running_process(core):
    pair, _ = core.log_in()
    for _ in range(7):
        assert core.resume(pair).session is not None
    core.sql("ALTER TABLE sessions ADD COLUMN added_later text")
    try:
        assert core.resume(pair).session is not None
    finally:
        core.sql("ALTER TABLE sessions DROP COLUMN added_later")
    assert core.resume(pair).session is not None


def test_a_page_s_statements_are_planned_once_a_connection(settings, apps):
    """By the server's own count: a plan for each call costs more than running it."""
    app = shopforum.main({}, **settings("store") | {"database.pool_size": "1"})
    client = Browser(app, url_of("store"))
    client.log_in("shopper")
    for _ in range(8):
        client.get("/shopping-cart", status=200)
    planned = text("SELECT name, generic_plans > 7 AS kept, custom_plans FROM pg_prepared_statements")
    rows = {row["name"]: (row["kept"], row["custom_plans"]) for row in app.services.db.all(planned)}
    app.services.db.engine.dispose()
    assert rows == {"shopforum_find": (True, 0), "shopforum_cart": (True, 0)}
