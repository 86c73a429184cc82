"""An upgrade from the previous version under load: migrate first, then replace the processes one by one. No request fails.

The previous version is the code before the newest migration, from the repository's history, so each migration is tried on the code
that it will meet.
"""

import io
import os
import re
import subprocess
import sys
import tarfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from configparser import ConfigParser, RawConfigParser
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import proxies
import pytest
import requests
from product_fixtures import Catalogue
from sockets import free_ports, request, send
from support import Idp, person, url_of
from waiting import eventually

from shopforum.core import migrations
from shopforum.core.database import Database
from shopforum.core.engine import create_engine
from shopforum.core.sites import SITES
from shopforum.dev import certificates

PROJECT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
CART = "/shopping-cart"
# Pairs of cookies are replaced all the time, and a pause is an expired session, so that each version reads what the other has written.
QUICK = {
    "sessions.rotate_every": "0.5",
    "sessions.touch_every": "0",
    "sessions.grace": "1",
    "sessions.idle": "2",
}
# Longer than the idle time above.
PAUSE = 2.5
# Requests of each visitor in each phase.
ENOUGH = 6


@pytest.fixture(scope="module")
def previous(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the previous version."""
    found = _git("log", "--diff-filter=A", "-1", "--format=%H", "--", "alembic/versions").stdout.decode()
    archive = _git("archive", f"{found.strip()}^") if found.strip() else None
    if archive is None or archive.returncode:
        pytest.skip("no history of the repository is here")
    folder = tmp_path_factory.mktemp("previous")
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as file:
        file.extractall(folder, filter="data")
    return folder


def _git(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(["git", *arguments], cwd=PROJECT, capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("no git is installed")


@dataclass
class Web:
    """A web server of the fleet: `code` is the folder whose code it runs."""

    code: Path
    ini: Path
    log: Path
    port: int
    process: subprocess.Popen[bytes] = field(init=False)

    @contextmanager
    def running(self) -> Iterator["Web"]:
        """Run it until the block ends, or until `leave`."""
        environ = os.environ | {"PYTHONPATH": str(self.code)}
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                [BIN / "pserve", self.ini], cwd=self.code, env=environ, stdout=output, stderr=output
            )
        try:
            eventually(lambda: self.process.poll() is not None or self.ready(), 120)
            assert self.process.poll() is None, self.log.read_text()
            yield self
        finally:
            self.process.kill()
            self.process.wait()

    def ready(self) -> bool:
        """Return whether it says that it can do its work."""
        try:
            return send(self.port, request("GET", "/readyz", host="10.0.0.1")).status == 200
        except ConnectionError:
            return False

    def leave(self) -> None:
        """End it in order, as a supervisor does."""
        self.process.terminate()
        assert self.process.wait(60) == 0, self.log.read_text()

    def served(self) -> int:
        """The number of carts that it has shown."""
        return self.log.read_text().count(f'"{CART}"')


class Visitor(threading.Thread):
    """Uses the store through the proxy until told to stop, and counts the answers: a status, or the kind of an error."""

    def __init__(self, proxy: int, authority: Path, who: str, stop: threading.Event) -> None:
        super().__init__()
        self._address, self._authority, self._who = f"https://localhost:{proxy}", authority, who
        self.stopped = stop
        self.answers: Counter[str] = Counter()
        self.client = self._new_client()

    def _new_client(self) -> requests.Session:
        client = requests.Session()
        client.trust_env, client.verify = False, str(self._authority)
        client.headers.update({"Host": "store.test", "Origin": url_of("store")})
        return client

    def ask(self, method: str, path: str, expected: int, **options: Any) -> str:
        """Send a request; return the page."""
        try:
            answer = self.client.request(
                method, self._address + path, timeout=60, allow_redirects=False, **options
            )
        except requests.RequestException as error:
            self.answers[f"{method} {path}: {type(error).__name__}"] += 1
            return ""
        good = answer.status_code == expected
        self.answers["as expected" if good else f"{method} {path}: {answer.status_code}"] += 1
        return answer.text if good else ""

    def log_in(self) -> None:
        """Begin a session."""
        self.client = self._new_client()
        login = person(self._who)
        sent = {"email": login.email, "password": login.password, "next": "/"}
        found = re.search(r'name="csrf_token" value="([^"]+)"', self.ask("GET", "/login", 200))
        sent["csrf_token"] = found[1] if found else ""
        self.ask("POST", "/login", 302, data=sent)

    def run(self) -> None:
        """Log in again and again."""
        while not self.stopped.is_set():
            self.log_in()
            self.ask("GET", CART, 200)


class Reader(Visitor):
    """Keeps one session, and uses it all the time."""

    def run(self) -> None:
        self.log_in()
        while not self.stopped.is_set():
            self.ask("GET", CART, 200)
            self.ask("GET", "/products/stoneware-mug", 200)


class Sleeper(Visitor):
    """Keeps one session, which is dormant each time it comes back."""

    def run(self) -> None:
        self.log_in()
        while not self.stopped.is_set():
            self.stopped.wait(PAUSE)
            self.ask("GET", CART, 200)


@pytest.fixture
def write(tmp_path: Path, settings: Any, empty_database: str) -> Callable[[str, int], Path]:
    """`write(name, port)`: an ini file with the server of production.ini; the proxy is the test's."""

    def write(name: str, port: int) -> Path:
        parser = RawConfigParser()
        shared = QUICK | {"database.url": empty_database, "database.pool_size": "4"}
        for site in SITES:
            # The previous version refuses settings that it does not know, as those of newer ways to log in.
            known = {key: value for key, value in settings(site).items() if not key.startswith("login.")}
            parser[f"app:{site}"] = {"use": "egg:shopforum", **known, **shared}
        parser["composite:main"] = {"use": "egg:shopforum#hosts", "sites": " ".join(SITES)}
        shipped = ConfigParser(interpolation=None)
        shipped.read(PROJECT / "production.ini")
        parser["server:main"] = dict(shipped["server:main"]) | {"listen": f"127.0.0.1:{port}"}
        path = tmp_path / f"{name}.ini"
        with path.open("w") as file:
            parser.write(file)
        return path

    return write


@pytest.mark.parametrize(
    "proxy",
    [
        "haproxy",
        pytest.param(
            "nginx", marks=pytest.mark.skipif("SHOPFORUM_TEST_PATRONI" not in os.environ, reason="make ha")
        ),
    ],
)
def test_no_request_fails_while_the_previous_version_is_replaced(
    proxy: str, previous: Path, write: Any, idp: Idp, empty_database: str, tmp_path: Path
) -> None:
    certificate = certificates.server_certificate(tmp_path)
    migrate = (
        "from shopforum.core import migrations as m; import sys; m.upgrade(sys.argv[1]); print(m.__file__)"
    )
    command = [sys.executable, "-c", migrate, empty_database]
    done = subprocess.run(command, cwd=previous, capture_output=True, text=True, check=True)
    assert Path(done.stdout.strip()).is_relative_to(previous)
    assert migrations.current(empty_database) != migrations.head()
    database = Database(create_engine(empty_database, None))
    Catalogue(database).fill()
    ports, stop = free_ports(2), threading.Event()
    with ExitStack() as stack:
        fleet = [
            stack.enter_context(
                Web(previous, write(f"old{n}", port), tmp_path / f"old{n}.log", port).running()
            )
            for n, port in enumerate(ports)
        ]
        entrance = stack.enter_context(proxies.running(proxy, tmp_path, certificate, *ports))
        kinds = ((Visitor, "shopper"), (Reader, "shopper"), (Reader, "shopper"), (Sleeper, "shopper"))
        visitors = [kind(entrance, certificate.authority, who, stop) for kind, who in kinds]
        for visitor in visitors:
            visitor.start()
        try:
            _go_on(visitors)
            migrations.upgrade(empty_database)
            _go_on(visitors)
            for old in fleet:
                assert old.served()
                old.leave()
                _go_on(visitors)
                new = Web(PROJECT, write("new", old.port), tmp_path / f"new{old.port}.log", old.port)
                stack.enter_context(new.running())
                # The proxy has found it.
                eventually(lambda new=new: new.served() > ENOUGH)
                _go_on(visitors)
        finally:
            stop.set()
            for visitor in visitors:
                visitor.join()
    for visitor in visitors:
        assert visitor.answers.keys() == {"as expected"}, (type(visitor).__name__, visitor.answers)
    refreshed = idp.calls("/api/jwt/refresh")
    assert len(refreshed) > ENOUGH, "each pause of the sleeper is a refresh"


def _go_on(visitors: list[Visitor]) -> None:
    """Wait until each visitor has had some more answers, or a wrong one."""
    before = [visitor.answers.total() for visitor in visitors]
    eventually(
        lambda: all(
            visitor.answers.total() >= known + (2 if isinstance(visitor, Sleeper) else ENOUGH)
            for visitor, known in zip(visitors, before, strict=True)
        ),
        120,
    )
