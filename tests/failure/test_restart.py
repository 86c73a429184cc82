"""PostgreSQL stopped, killed and started again under load: whoever meets it is told to wait, and loses nothing."""

import os
import signal
import threading
from pathlib import Path

import pytest
from http_helpers import REFRESH, SESSION, credentials, give
from sqlalchemy import text
from support import Browser, url_of
from waiting import eventually

import shopforum
from shopforum.core import migrations
from shopforum.dev import postgres
from shopforum.sessions import Reason, Scope
from shopforum.sessions.audit import Client

CART = "/shopping-cart"
# Session ids are replaced all the time, and a pause is an expired session, so that every kind of statement is cut.
QUICK = {
    "sessions.rotate_every": "0.05",
    "sessions.touch_every": "0",
    "sessions.grace": "1",
    "sessions.idle": "1.5",
    "sessions.lease": "1",
    "database.pool_size": "8",
}


class Visitor(threading.Thread):
    """Reloads the cart until told to stop, and notes what it was answered."""

    def __init__(self, client: Browser, stop: threading.Event) -> None:
        super().__init__()
        self.client, self.stop = client, stop
        self.answers: list[tuple[int, bool, bool]] = []
        self.served = self.refused = 0

    def run(self) -> None:
        while not self.stop.is_set():
            answer = self.client.get(CART, status="*")
            cleared = any("Max-Age=0" in header for header in answer.headers.getall("Set-Cookie"))
            self.answers.append((answer.status_int, "Retry-After" in answer.headers, cleared))
            self.served += answer.status_int == 200
            self.refused += answer.status_int == 503
            if answer.status_int == 503:
                self.stop.wait(0.05)


def all_of(visitors: list[Visitor], what: str, more: int) -> None:
    """Wait until each visitor has been `served` or `refused` so many times more."""
    before = [getattr(visitor, what) for visitor in visitors]
    eventually(
        lambda: all(
            getattr(v, what) >= n + more or not v.is_alive() for v, n in zip(visitors, before, strict=True)
        ),
        30,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "own"


def test_a_database_that_goes_away_and_comes_back_signs_nobody_out(folder, settings, idp):
    options = {"fsync": "off"}
    with postgres.running(folder, options=options) as server:
        url = server.create("shop")
        migrations.upgrade(url)
        app = shopforum.main({}, **{**settings("store"), "database.url": url, **QUICK})
        clients = [Browser(app, url_of("store")) for _ in range(5)]
        for client in clients:
            client.log_in("shopper")
        ended = credentials(clients[-1])
        newest = app.services.db.one(text("SELECT id FROM sessions ORDER BY created_at DESC LIMIT 1"))
        why = Reason("admin", "carol", "suspected_theft")
        app.services.sessions.revoke(Scope(sessions=(newest["id"],)), why, Client())
        stop = threading.Event()
        visitors = [Visitor(client, stop) for client in clients[:-1]]
        for visitor in visitors:
            visitor.start()
        all_of(visitors, "served", 5)
    all_of(visitors, "refused", 2)
    try:
        with postgres.running(folder, options=options):
            all_of(visitors, "served", 5)
            # As when the machine fails: no time to write anything down.
            os.kill(int((folder / "postgres" / "postmaster.pid").read_text().split()[0]), signal.SIGQUIT)
            all_of(visitors, "refused", 2)
        with postgres.running(folder, options=options):
            all_of(visitors, "served", 5)
            stop.set()
            for visitor in visitors:
                visitor.join()
            _nothing_was_lost(app, visitors, ended)
            app.services.db.engine.dispose()
    finally:
        stop.set()


def _nothing_was_lost(app, visitors, ended):
    kinds = {answer for visitor in visitors for answer in visitor.answers}
    assert kinds <= {(200, False, False), (503, True, False)}, (
        "an error page, a login page or a cleared cookie"
    )
    for visitor in visitors:
        assert {SESSION, REFRESH} == credentials(visitor.client).keys()
        visitor.client.get(CART, status=200)
    stranger = give(Browser(app, url_of("store")), ended)
    assert "/login" in stranger.get(CART, status=302).headers["Location"]
    [count] = app.services.db.all(text("SELECT count(*) AS n FROM sessions WHERE ended_at IS NULL"))
    assert count["n"] == len(visitors)
    assert app.services.db.engine.pool.checkedout() == 0
