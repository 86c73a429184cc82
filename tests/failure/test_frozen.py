"""A database that neither answers nor resets its connections: frozen, or behind a network that swallows everything."""

import os
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from sqlalchemy import text
from sqlalchemy.dialects.postgresql.psycopg2 import PGDialect_psycopg2
from sqlalchemy.exc import OperationalError

from shopforum.core import database_hosts
from shopforum.core import engine as engines
from shopforum.core.database import Database, is_outage, once_more
from shopforum.core.deadlines import DeadlineExceeded
from shopforum.core.engine import create_engine
from shopforum.core.read_only_database import ReadOnlyDatabase
from shopforum.core.readiness import Readiness
from shopforum.dev import postgres

DEADLINE = 0.6


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """A server of this module's own, and the id of its first process."""
    folder = tmp_path_factory.mktemp("frozen")
    with postgres.running(folder, options={"fsync": "off"}) as server:
        url = server.create("frozen")
        yield url, int((folder / "postgres" / "postmaster.pid").read_text().split()[0])


@pytest.fixture
def database(own, monkeypatch):
    monkeypatch.setattr(engines, "_STATEMENT_SECONDS", DEADLINE)
    monkeypatch.setattr(engines, "_CONNECTING", {**engines._CONNECTING, "connect_timeout": 2})
    engine = create_engine(own[0], 3)
    database = Database(engine)
    database.all(text("CREATE TABLE IF NOT EXISTS kept (n int)"))
    database.all(text("TRUNCATE kept"))
    yield database
    engine.dispose()


@pytest.fixture
def frozen(own, database):
    """`with frozen():` no process of the server runs; the kernel goes on acknowledging what is sent to it."""
    watcher = Database(create_engine(own[0], 1))

    @contextmanager
    def freeze():
        running = [row["pid"] for row in watcher.all(text("SELECT pid FROM pg_stat_activity"))]
        for pid in (own[1], *running):
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in (*running, own[1]):
                os.kill(pid, signal.SIGCONT)

    yield freeze
    watcher.engine.dispose()


def ask(database):
    try:
        return database.only(text("SELECT 1 AS one"))["one"]
    except Exception as error:  # noqa: BLE001 - handed to the test
        return error


def test_every_request_gets_an_error_and_every_place_in_the_pool_comes_back(database, frozen):
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(ask, [database] * 8)) == [1] * 8
        with frozen():
            # More than the pool has places: the others wait for a place, and then for a new connection.
            answers = list(threads.map(ask, [database] * 4))
        assert all(is_outage(answer) for answer in answers), answers
        assert any(isinstance(getattr(one, "orig", None), DeadlineExceeded) for one in answers)
        assert database.engine.pool.checkedout() == 0
        assert list(threads.map(ask, [database] * 8)) == [1] * 8


def test_readiness_throws_away_what_would_hold_the_next_pages(own, database, frozen):
    """Asked by a balancer, it finds out before a page does, and before there is another primary."""
    readiness = Readiness(Database(create_engine(own[0], None)), (), (), database.engine)
    assert ask(database) == 1
    readiness.check()
    assert database.engine.pool.checkedin() == 1, "a server that answers, whatever it says, is not silent"
    readiness._known = (float("-inf"), readiness._known[1])
    with frozen():
        assert not readiness.check().ready
        assert database.engine.pool.checkedin() == 0
    assert ask(database) == 1


def test_of_several_hosts_the_last_one_that_served_is_asked_first(own, monkeypatch):
    """A frozen host accepts, and says nothing. Every new connection would wait for it, if it is named first."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        name, _, rest = own[0].partition("@")
        engine = create_engine(f"{name}@127.0.0.1:{silent.getsockname()[1]},{rest}", None)
        assert [ask(Database(engine)) for _ in range(3)] == [1, 1, 1]
        silent.setblocking(False)
        silent.accept()[0].close()
        with pytest.raises(BlockingIOError):
            silent.accept()


def test_a_silent_host_is_left_out_for_a_while(monkeypatch):
    """Also where no host serves, as until the promotion of a standby: no connection waits for it then, nor right after."""
    monkeypatch.setattr(database_hosts, "_silent_until", {})
    with socket.create_server(("127.0.0.1", 0)) as silent, socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        ports = [one.getsockname()[1] for one in (silent, closed)]
        address = ",".join(f"127.0.0.1:{port}" for port in ports)
        database = Database(create_engine(f"postgresql://someone@{address}/name", None))
        assert all(is_outage(ask(database)) for _ in range(3))
        silent.setblocking(False)
        silent.accept()[0].close()
        with pytest.raises(BlockingIOError):
            silent.accept()


def test_a_silent_host_is_asked_again_soon_where_the_others_refuse(monkeypatch):
    """A primary that pauses for a few seconds: its standbys take no writes, so there is nobody else to ask."""
    until = {}
    monkeypatch.setattr(database_hosts, "_silent_until", until)
    with socket.create_server(("127.0.0.1", 0)) as silent, socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        ports = [one.getsockname()[1] for one in (silent, closed)]
        address = ",".join(f"127.0.0.1:{port}" for port in ports)
        database = Database(create_engine(f"postgresql://someone@{address}/name", None))
        paused = "127.0.0.1", str(ports[0])
        assert is_outage(ask(database))
        assert until[paused] > time.monotonic() + 5, "another may serve"
        assert is_outage(ask(database))
        assert until[paused] < time.monotonic() + 5, "no other serves"


@pytest.mark.parametrize(
    ("hosts", "last", "silent", "asked"),
    [
        ("one,two,three", ("two", "5432"), {}, "two:5432 one:5432 three:5432"),
        ("one:5433,two", ("one", "5433"), {}, "one:5433 two:5432"),
        ("one,two:5433", ("two", "5432"), {}, "one:5432 two:5433"),
        ("one,two", None, {}, "one:5432 two:5432"),
        ("one,two", ("one", "5432"), {"one": 1000}, "two:5432"),
        ("one,two,three", ("one", "5432"), {"one": -1}, "two:5432 three:5432 one:5432"),
        ("one,two", ("one", "5432"), {"one": 1000, "two": 1000}, "one:5432 two:5432"),
    ],
)
def test_the_order_of_hosts(monkeypatch, hosts, last, silent, asked):
    url = engines.driver_url(f"postgresql://someone@{hosts}/name")
    address, now = url.query["host"], time.monotonic()
    monkeypatch.setattr(database_hosts, "_last", {address: last} if last else {})
    known = {(name, "5432"): now + seconds for name, seconds in silent.items()}
    monkeypatch.setattr(database_hosts, "_silent_until", known)
    _, parameters = PGDialect_psycopg2().create_connect_args(url)
    database_hosts._order(address, None, None, None, parameters)
    found = zip(parameters["host"].split(","), parameters["port"].split(","), strict=True)
    assert " ".join(":".join(one) for one in found) == asked
    assert all(until > now + 5 for until in known.values()), "no other thread asks it now"


def test_a_commit_without_an_answer_is_not_repeated(database, frozen):
    runs = []

    @once_more
    def add(freeze):
        runs.append(1)
        with database.transaction() as connection:
            connection.execute(text("INSERT INTO kept VALUES (1)"))
            freeze()

    with frozen_at_the_end(frozen) as freeze, pytest.raises(OperationalError) as failed:
        add(freeze)
    assert isinstance(failed.value.orig, DeadlineExceeded)
    assert runs == [1], "the first COMMIT may have taken effect"
    assert database.engine.pool.checkedout() == 0


@contextmanager
def frozen_at_the_end(frozen):
    """Yields a function that freezes the server; it runs again after the block."""
    contexts = []

    def freeze():
        contexts.append(frozen())
        contexts[0].__enter__()

    try:
        yield freeze
    finally:
        contexts[0].__exit__(None, None, None)


def test_a_query_with_a_longer_limit_has_a_longer_deadline(database):
    """The operators' queries may take longer than a page's statement, and their limit is the server's."""
    slow = text("SELECT pg_sleep(:seconds)")
    ReadOnlyDatabase(database, 3000).all(slow, seconds=DEADLINE + 0.4)
    with pytest.raises(OperationalError) as failed:
        database.all(slow, seconds=DEADLINE + 0.4)
    assert isinstance(failed.value.orig, DeadlineExceeded)
    assert ask(database) == 1
