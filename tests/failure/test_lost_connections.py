"""Connections that are of no more use are replaced, and what may run twice is run once more."""

import pytest
from http_helpers import credentials
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from support import Browser, url_of

import shopforum
from shopforum.core.database import Database, is_outage, once_more
from shopforum.core.engine import create_engine

END_ALL = """SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
  WHERE datname = current_database() AND pid <> pg_backend_pid()"""


@pytest.fixture
def own(server, worker_id):
    """A database of this test's own, at the newest migration, which it may make read-only."""
    name = f"lost_{worker_id}"
    yield server.create(name, template="template_shopforum"), name
    server.drop(name)


@pytest.fixture
def database(database_url):
    engine = create_engine(database_url, 2)
    yield Database(engine)
    engine.dispose()


def test_a_server_that_was_read_only_for_a_while_heals_without_a_hand(
    server, own, settings, idp, database_url
):
    url, name = own
    app = shopforum.main({}, **settings("store") | {"database.url": url, "database.pool_size": "4"})
    browser = Browser(app, url_of("store"))
    browser.log_in("shopper")
    pair = credentials(browser)
    read_only = f"ALTER DATABASE {name} SET default_transaction_read_only = on"
    server._run(read_only)
    app.services.db.all(text(END_ALL))
    app.services.db.engine.dispose()
    statuses = {browser.get(path, status="*").status_int for path in ("/", "/products", "/shopping-cart")}
    assert statuses <= {200, 503}
    assert Browser(app, url_of("store")).log_in("member", status="*").status_int == 503
    assert credentials(browser) == pair
    server._run(f"ALTER DATABASE {name} RESET default_transaction_read_only")
    # The pool still has the sessions of the read-only time.
    for who in ("member", "shopper"):
        Browser(app, url_of("store")).log_in(who, status=302)
    browser.get("/shopping-cart", status=200)
    app.services.db.engine.dispose()


@pytest.mark.parametrize("ended", ["57P01", "25006"])
def test_a_transaction_that_lost_its_connection_runs_once_more(database, ended):
    runs = []

    @once_more
    def act():
        with database.transaction() as connection:
            runs.append(connection.execute(text("SELECT pg_backend_pid()")).scalar())
            if len(runs) == 1:
                raise_it = "SELECT pg_terminate_backend(pg_backend_pid())"
                if ended == "25006":
                    raise_it = "DO $$ BEGIN RAISE SQLSTATE '25006'; END $$"
                connection.execute(text(raise_it))

    act()
    assert len(set(runs)) == 2, "on a new connection"


def test_a_refused_value_is_no_lost_connection(database):
    """Even where the value reads like the message of one."""
    before = database.only(text("SELECT pg_backend_pid() AS pid"))["pid"]
    with pytest.raises(DBAPIError) as failed:
        database.all(text("DO $$ BEGIN RAISE 'terminating connection' USING ERRCODE = '22023'; END $$"))
    assert not is_outage(failed.value)
    assert database.only(text("SELECT pg_backend_pid() AS pid"))["pid"] == before
