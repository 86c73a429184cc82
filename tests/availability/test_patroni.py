"""A primary that dies, freezes or is switched, under load: no revocation is lost, nobody is signed out, pages come back.

Two web nodes and two workers run as their users run them, over three PostgreSQL servers under Patroni in its synchronous mode.
The load is made by real browsers' requests of a third web process, in threads of the test.
"""

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from configparser import RawConfigParser
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import requests
from availability import patroni_cluster
from availability.patroni_cluster import Cluster, Node
from http_helpers import REFRESH, SESSION, credentials
from sockets import free_ports
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from support import Browser, url_of
from waiting import eventually
from webtest import AppError

import shopforum
from shopforum.core import migrations
from shopforum.core.sites import SITES
from shopforum.dev import processes
from shopforum.sessions import Reason, Scope
from shopforum.sessions.audit import Client
from shopforum.sessions.model import Pair

_BIN = Path(sys.executable).parent
_REASON = Reason("admin", "make ha", "test")
_BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
_CLIENT = Client("127.0.0.1", _BROWSER)


class Load(threading.Thread):
    """Logs people in, and ends every other session; remembers what was acknowledged."""

    def __init__(self, app: Any) -> None:
        super().__init__(daemon=True)
        self.alive: list[dict[str, str]] = []
        self.ended: list[dict[str, str]] = []
        self.unanswered = 0
        self._app, self._over = app, threading.Event()

    def run(self) -> None:
        while not self._over.is_set():
            browser = Browser(self._app, url_of("store"))
            if not self._logged_in(browser):
                continue
            cookies = credentials(browser)
            if len(self.alive) <= len(self.ended):
                self.alive.append(cookies)
            elif self._end(cookies):
                self.ended.append(cookies)

    def _logged_in(self, browser: Browser) -> bool:
        try:
            browser.log_in("shopper", status=302)
        except (AppError, StopIteration):
            # A page that is away has no form.
            self.unanswered += 1
            time.sleep(0.1)
            return False
        return True

    def _end(self, cookies: dict[str, str]) -> bool:
        sessions = self._app.services.sessions
        try:
            session = sessions.resume(Pair(cookies[SESSION], cookies[REFRESH]), _CLIENT).session
            sessions.revoke(Scope(sessions=(session.id,)), _REASON, _CLIENT)
        except SQLAlchemyError:
            # Nobody was told that it is done.
            return False
        return True

    def stop(self) -> None:
        self._over.set()
        self.join()


@pytest.fixture(scope="session")
def cluster(patroni: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Three servers with the migrated database of the product."""
    folder = tmp_path_factory.mktemp("patroni", numbered=False)
    # Patroni does not run as root there, and reaches its files below folders that are root's alone.
    with patroni_cluster.running(patroni, folder) as started:
        started.run("CREATE DATABASE shopforum")
        # A standby that has not replayed it yet refuses the connection, and no other host of the address is tried.
        eventually(lambda: all(started.has("shopforum", node) for node in started.nodes))
        migrations.upgrade(started.url("shopforum"))
        yield started


@pytest.fixture
def deployed(cluster: Cluster, settings: Any, idp: Any, tmp_path: Path) -> Iterator[tuple[Any, list[int]]]:
    """A site in this process, and the ports of two web nodes that run beside two workers."""
    ports = free_ports(2)
    with ExitStack() as stack:
        for number, port in enumerate(ports):
            parser = RawConfigParser()
            for site in SITES:
                parser[f"app:{site}"] = {
                    "use": "egg:shopforum",
                    **settings(site),
                    "database.url": cluster.url("shopforum"),
                }
            parser["composite:main"] = {"use": "egg:shopforum#hosts", "sites": " ".join(SITES)}
            parser["server:main"] = {"use": "egg:shopforum#main", "listen": f"127.0.0.1:{port}"}
            ini = tmp_path / f"node{number}.ini"
            with ini.open("w") as file:
                parser.write(file)
            for name, words in (("pserve", [ini]), ("shopforum", ["worker", ini])):
                log = tmp_path / f"{name}{number}.log"
                stack.enter_context(processes.child([str(_BIN / name), *map(str, words)], log))
        app = shopforum.main({}, **{**settings("store"), "database.url": cluster.url("shopforum")})
        stack.callback(app.services.db.engine.dispose)
        for port in ports:
            eventually(lambda port=port: status(port, {}) == 200)
        over = threading.Event()
        balancer = threading.Thread(target=ask_readiness, args=(ports, over))
        balancer.start()
        stack.callback(balancer.join)
        stack.callback(over.set)
        yield app, ports


def ask_readiness(ports: list[int], over: threading.Event) -> None:
    """Ask the nodes whether they are ready, as a balancer does: so they notice what a quiet night would hide."""
    while not over.wait(2):
        for port in ports:
            status(port, {}, "/readyz")


def status(port: int, cookies: dict[str, str], path: str = "/products") -> int:
    """Return the status of a page of the store at a node; 0 without an answer."""
    headers = {
        "Host": url_of("store").partition("://")[2],
        "Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items()),
        "User-Agent": _BROWSER,
    }
    try:
        answer = requests.get(
            f"http://127.0.0.1:{port}{path}", headers=headers, allow_redirects=False, timeout=30
        )
    except requests.RequestException:
        return 0
    return answer.status_code


def kill(cluster: Cluster, primary: Node) -> None:
    primary.signal(signal.SIGKILL)


def freeze(cluster: Cluster, primary: Node) -> None:
    primary.signal(signal.SIGSTOP)


def switch(cluster: Cluster, primary: Node) -> None:
    [to, *_] = [
        node for node in cluster.nodes if node is not primary and node.state().get("sync_standby", False)
    ]
    cluster.switch(primary, to)


@pytest.mark.parametrize("act", [switch, freeze, kill])
def test_no_revocation_is_lost_and_nobody_is_signed_out(
    cluster: Cluster,
    deployed: tuple[Any, list[int]],
    act: Callable[[Cluster, Node], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    app, ports = deployed
    # The one that a test before has frozen follows again.
    for node in cluster.nodes:
        node.signal(signal.SIGCONT)
    cluster.wait_for_standbys(2)
    load = Load(app)
    load.start()
    eventually(lambda: len(load.ended) >= 20)
    primary = cluster.wait_for_primary()
    began = time.monotonic()
    act(cluster, primary)
    cluster.wait_for_primary(other_than=primary)
    promoted = time.monotonic()
    answers = [status(port, load.alive[0], "/shopping-cart") for port in ports]
    while answers != [200, 200] and time.monotonic() < promoted + 60:
        answers = [status(port, load.alive[0], "/shopping-cart") for port in ports]
    assert answers == [200, 200]
    back = time.monotonic()
    ended = len(load.ended)
    eventually(lambda: len(load.ended) >= ended + 10)
    load.stop()
    with capsys.disabled():
        print(  # noqa: T201  the figures are what the command is for
            f"\n{act.__name__}: a new primary after {promoted - began:.1f} s, pages {back - promoted:.1f} s after it;"
            f" {len(load.alive)} sessions, {len(load.ended)} revocations, {load.unanswered} logins refused meanwhile"
        )
    for port in ports:
        assert [status(port, one, "/shopping-cart") for one in load.ended] == [302] * len(load.ended)
        assert [status(port, one, "/shopping-cart") for one in load.alive] == [200] * len(load.alive)
    unsealed = text("SELECT count(*) AS n FROM audit_log WHERE seq IS NULL")
    eventually(lambda: app.services.db.only(unsealed)["n"] == 0)
