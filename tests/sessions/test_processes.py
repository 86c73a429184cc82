"""Processes that die and connections that break: no user is signed out, and the sites recover by themselves."""

import json
import random
import signal
import subprocess
import sys
import threading
import time
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

import psycopg2
import pytest
from session_fixtures import OWNER, SECRET, together
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from shopforum.sessions import AuthorityUnavailable
from shopforum.sessions.model import Outcome

# A web worker that has sent the provider's question and is about to write down the answer.
WORKER = """
import json, sys
from shopforum.core.engine import create_engine
from shopforum.sessions import Sessions, config
from shopforum.sessions.audit import Client
from shopforum.core.database import Database
from shopforum.sessions.model import Pair

class Authority:
    def refresh(self, token, user_id, client):
        print("answered", flush=True)
        sys.stdin.read()

told = json.loads(sys.stdin.readline())
sessions = Sessions(Database(create_engine(told["url"], 1)), config.parse(told["settings"]), Authority())
sessions.resume(Pair(*told["pair"]), Client())
"""
SETTINGS = {"sessions.lease": "0.6", "sessions.refresh_wait": "5"}


@contextmanager
def worker_about_to_write(url, pair):
    settings = {"sessions.site": "store", "sessions.secret": SECRET, **SETTINGS}
    command = [sys.executable, "-c", WORKER]
    root = Path(__file__).parents[2]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=root) as process:
        told = {"url": url, "settings": settings, "pair": [pair.session_id, pair.refresh_token]}
        process.stdin.write(json.dumps(told) + "\n")
        process.stdin.flush()
        assert process.stdout.readline() == "answered\n"
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("one_time", [False, True], ids=["reusable", "one-time"])
def test_a_worker_killed_between_the_provider_s_answer_and_ours_costs_nobody_the_session(
    core_of, database_url, one_time
):
    core = core_of("store", **SETTINGS)
    core.provider.one_time = one_time
    pair, outcome = core.log_in()
    core.let_idle()
    with worker_about_to_write(database_url, pair) as process:
        core.provider.refresh(pair.refresh_token)  # what the worker has asked
        process.send_signal(signal.SIGKILL)
        process.wait()
    [row] = core.sql("SELECT lease IS NOT NULL AS held, issued FROM sessions")
    assert (row["held"], row["issued"]) == (True, 1)
    outcomes = together(*[partial(core.resume, pair)] * 8)
    assert all(isinstance(seen, Outcome) and seen.session for seen in outcomes), outcomes
    [fresh] = [seen.issue for seen in outcomes if seen.issue]
    assert fresh.refresh_token in core.provider.live
    assert core.resume(fresh).session.id == outcome.session.id
    assert len(core.provider.refreshes) == 2


def test_a_worker_killed_after_it_wrote_is_a_lost_response(core_of):
    """Dead between COMMIT and the response: the browser comes back with the old pair, and is given another."""
    core = core_of("store")
    pair, _ = core.log_in()
    core.let_idle()
    assert core.resume(pair).issue is not None  # nobody ever gets it
    assert core.resume(pair).session is not None
    core.pass_time(61)
    again = core.resume(pair).issue
    assert core.resume(again).session is not None
    assert len(core.provider.refreshes) == 1


def test_connections_that_break_under_load_lose_no_session_and_the_pool_heals(core_of, database_url):
    """Every request of every kind, while PostgreSQL ends our connections. A failed request is a 503 to the browser,
    which keeps its cookies; the next one is served.
    """
    quick = {"sessions.rotate_every": "0.01", "sessions.grace": "0.8", "sessions.lease": "0.2"}
    core = core_of("store", **quick)
    core.sessions.db.engine.dispose()
    with closing(psycopg2.connect(database_url)) as connection, connection.cursor() as cursor:
        # Other tests of this process keep connections to this database.
        cursor.execute("select array_agg(pid) from pg_stat_activity where datname = current_database()")
        [others] = cursor.fetchone()
    held = [core.log_in(f"user{number}") for number in range(6)]
    stop = threading.Event()
    errors, served = [], []

    def browse(pair, outcome):
        dice = random.Random(pair.session_id)
        while not stop.is_set():
            try:
                if dice.random() < 0.1:
                    core.sql("UPDATE sessions SET idle_end = now() WHERE id = :id", id=outcome.session.id)
                seen = core.resume(pair)
            except (DBAPIError, PoolTimeout, AuthorityUnavailable) as error:
                errors.append(error)
                continue
            assert seen.session is not None, seen
            served.append(seen)
            pair = seen.issue or pair
        return pair, outcome

    def terminate():
        with closing(psycopg2.connect(database_url)) as connection, connection.cursor() as cursor:
            connection.autocommit = True
            ended, deadline = 0, time.monotonic() + 60
            while (ended < 30 or not errors) and time.monotonic() < deadline:
                cursor.execute(
                    "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database()"
                    " and application_name = 'shopforum' and pid <> all (%s) order by random() limit 3",
                    (others,),
                )
                ended += cursor.rowcount
                enough = len(served) + 30
                while len(served) < enough and time.monotonic() < deadline:
                    time.sleep(0.005)
            stop.set()

    *pairs, _ = together(*[partial(browse, *login) for login in held], terminate)
    assert errors, "no request has met a broken connection"
    unexpected = [result for result in pairs if isinstance(result, Exception)]
    assert unexpected == [], "an error that no page is made for, or a session was lost"
    for pair, outcome in pairs:
        assert core.resume(pair, OWNER).session.id == outcome.session.id
    assert core.sessions.db.engine.pool.checkedout() == 0
    assert core.sql("SELECT 1 FROM sessions WHERE ended_at IS NOT NULL") == []
    # The pool may still keep a connection that was ended last, and other tests use it next.
    core.sessions.db.engine.dispose()
