"""Everything that holds threads at once, against one process as production.ini has it: the console and the health checks are served.

Nothing here is measured by a clock: a page whose turn came late would be refused, and the metrics say whose threads are taken.
"""

import re
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from configparser import ConfigParser
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psycopg2
import pytest
import requests
from product_fixtures import Catalogue
from sockets import Answer, form, free_ports, request, send
from support import Browser, Idp, url_of
from waiting import eventually

from shopforum.core.sites import SITES

PROJECT = Path(__file__).resolve().parents[2]
PSERVE = Path(sys.executable).with_name("pserve")
THREADS = 16
TABS = GUESSERS = 40
# Times that pages are asked for while the store is busy.
ROUNDS = 10
# A hanging page holds its thread for the 5 seconds of lock_timeout, and three others wait for each thread. A page in one queue with
# them would come too late.
OPTIONS = {"processes": "1", "threads": str(THREADS), "wait_seconds": "4"}


@pytest.fixture
def port(tmp_path: Path, settings: Any, apps: Any, free_pair: tuple[int, int]) -> Iterator[int]:
    """The port of one process of the three sites."""
    port, metrics = free_pair
    parser, shipped = ConfigParser(interpolation=None), ConfigParser(interpolation=None)
    shipped.read(PROJECT / "production.ini")
    changed = {
        "login.refusal_floor": "5",
        "login.address_failures": "100000",
        "idp.read_timeout": "15",
        "metrics.listen": f"127.0.0.1:{metrics}",
    }
    for site in SITES:
        parser[f"app:{site}"] = {"use": "egg:shopforum", **settings(site), **changed}
    parser["composite:main"] = {"use": "egg:shopforum#hosts", "sites": " ".join(SITES)}
    parser["server:main"] = {**shipped["server:main"], **OPTIONS, "listen": f"127.0.0.1:{port}"}
    ini, log = tmp_path / "served.ini", tmp_path / "log"
    with ini.open("w") as file:
        parser.write(file)
    with log.open("wb") as output:
        process = subprocess.Popen([PSERVE, ini], stdout=output, stderr=output)
    try:
        eventually(lambda: process.poll() is not None or _is_up(port))
        assert process.poll() is None, log.read_text()
        yield port
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def free_pair() -> tuple[int, int]:
    """Two ports: of the sites, and of the metrics."""
    one, other = free_ports(2)
    return one, other


def _is_up(port: int) -> bool:
    try:
        return send(port, request("GET", "/healthz")).status == 200
    except ConnectionError:
        return False


class Load:
    """Threads that repeat an act until the block ends, and count its answers."""

    def __init__(self) -> None:
        self.stop = threading.Event()
        self.threads: list[threading.Thread] = []
        self.answers: dict[str, Counter[int]] = {}

    def add(self, name: str, number: int, act: Callable[[int], int]) -> None:
        """Begin `number` threads of an act, which takes the thread's number and returns a status."""
        counts = self.answers[name] = Counter()

        def repeat(position: int) -> None:
            while not self.stop.is_set():
                counts[act(position)] += 1
                # As fast as people are; a page that is refused at once would be asked for without end.
                self.stop.wait(0.5)

        self.threads += [threading.Thread(target=repeat, args=(position,)) for position in range(number)]

    @contextmanager
    def running(self) -> Iterator[None]:
        for each in self.threads:
            each.start()
        try:
            yield
        finally:
            self.stop.set()
            for each in self.threads:
                each.join()


def _headers(client: Browser) -> list[str]:
    """The headers with which a signed-in browser asks."""
    pairs = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    return [
        f"Cookie: {pairs}",
        f"User-Agent: {client.extra_environ['HTTP_USER_AGENT']}",
        "X-Forwarded-Proto: https",
    ]


def _guess(port: int, site: str, position: int) -> int:
    """Send a wrong password for an account of one's own, by the form of the login page."""
    page = send(port, request("GET", "/login", "X-Forwarded-Proto: https", host=f"{site}.test"), 60)
    token = re.search(rb'name="csrf_token" value="([^"]+)"', page.raw)
    if page.status != 200 or token is None:
        return page.status
    cookie = re.search(rb"Set-Cookie: (__Host-csrf=[^;]+)", page.raw)
    assert cookie
    body = {
        "csrf_token": token[1].decode(),
        "email": f"guess{position}@example.com",
        "password": "wrong",
        "next": "/",
    }
    headers = (f"Cookie: {cookie[1].decode()}", f"Origin: {url_of(site)}", "X-Forwarded-Proto: https")
    text = form("/login", urlencode(body), *headers).replace("store.test", f"{site}.test", 1)
    return send(port, text, 60).status


def _taken(metrics: int) -> dict[tuple[str, str], float]:
    """Return the process's gauges of requests, by what they count and their site."""
    text = requests.get(f"http://127.0.0.1:{metrics}/metrics", timeout=60).text
    found = re.findall(r'^shopforum_requests_(under_way|waiting)\{site="(\w+)"\} (\S+)', text, re.MULTILINE)
    return {(kind, site): float(number) for kind, site, number in found}


def _is_busy(metrics: int) -> bool:
    """Return whether most of the store's threads are taken. Between two loads of tabs there are moments at which they are not."""
    return _taken(metrics)["under_way", "store"] >= THREADS / 2


def test_the_console_and_the_health_checks_are_served_under_everything_at_once(
    port: int, free_pair: tuple[int, int], browser: Any, idp: Idp, apps: Any, database_url: str, idle_out: Any
) -> None:
    Catalogue(apps["store"].services.db).fill()
    shopper = browser("store")
    shopper.log_in("shopper")
    idle_out()
    owner = browser("admin")
    owner.log_in("owner")
    idp.hook("fail", path="/api/jwt/refresh", times=100_000, status=500, delay_seconds=8)
    idp.hook("fail", path="/api/login", times=100_000, status=404, delay_seconds=1)
    load = Load()
    hanging = request("GET", "/products", "X-Forwarded-Proto: https")
    tab = request("GET", "/shopping-cart", *_headers(shopper))
    load.add("hanging pages", THREADS, lambda _: send(port, hanging, 60).status)
    load.add("tabs", TABS, lambda _: send(port, tab, 60).status)
    load.add("guessers", GUESSERS, lambda n: _guess(port, ("forums", "admin")[n % 2], n))
    sessions = request("GET", "/sessions", *_headers(owner), host="admin.test")
    with closing(psycopg2.connect(database_url)) as other:
        other.cursor().execute("LOCK TABLE products IN ACCESS EXCLUSIVE MODE")
        with load.running():
            eventually(lambda: _taken(free_pair[1])["waiting", "store"] >= THREADS)
            eventually(lambda: all(load.answers[name].total() for name in ("tabs", "guessers")))
            rounds = 0
            for _ in range(10 * ROUNDS):
                before = _is_busy(free_pair[1])
                answers: list[Answer] = [send(port, request("GET", "/healthz"), 60), send(port, sessions, 60)]
                assert [answer.status for answer in answers] == [200, 200], load.answers
                rounds += before and _is_busy(free_pair[1])
                if rounds == ROUNDS:
                    break
            # The pages that hang are let go, or the load would not end.
            other.rollback()
    assert rounds == ROUNDS, "the store was not busy"
    assert {429, 503} & load.answers["guessers"].keys(), load.answers
    assert set(load.answers["tabs"]) <= {200, 503}, load.answers
    assert set(load.answers["hanging pages"]) <= {200, 503}, load.answers
