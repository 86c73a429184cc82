"""Fixtures for all tests: a real PostgreSQL, a real identity provider over HTTP, and the three sites.

One server runs for the whole run; each worker has a database of its own, copied from a migrated template, and an
identity provider in a thread. Between two tests both are put back to what they were.
"""

import os
import sqlite3
import sys
from collections.abc import Callable, Iterator
from configparser import RawConfigParser
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import clocks
import hypothesis
import psycopg2
import pytest
import row_order
from clocks import SimulatedClock
from http_helpers import give
from long_tests import is_long
from sqlalchemy import event, text
from support import Browser, Idp, site_settings, url_of

import shopforum
from shopforum.core import garbage, logs, migrations
from shopforum.core.sites import SITES
from shopforum.dev import postgres, sample
from shopforum.dev.idp.server import Running, serve_in_thread

_SERVER = pytest.StashKey[postgres.Server]()
_TEMPLATE = "template_shopforum"
# Nothing has to survive a power cut here, and waiting for the disk is most of a short transaction. The planner's
# statistics change when a test says so, and not when a daemon comes by: a foreign key's plan that is kept from a moment
# with a handful of sessions reads a crowd of them from end to end for each row.
_FAST = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "max_connections": "400",
}

# Deleting a few rows takes a thirtieth of the time of truncating; as a replica, in any order of the tables. Tables that
# never had a row are left alone.
_EMPTY = """
do $$
declare one record;
begin
  set local session_replication_role = replica;
  for one in select oid::regclass as name, pg_relation_size(oid) > 1000000 as large from pg_class
    where relkind = 'r' and relnamespace = 'public'::regnamespace and relname not in ('alembic_version', 'audit_head', 'revocation_counter')
      and pg_relation_size(oid) > 0
  loop
    execute format(case when one.large then 'truncate %s cascade' else 'delete from %s' end, one.name);
  end loop;
  update revocation_counter set n = 0 where n > 0;
  update audit_head set seq = 0, mac = decode(repeat('00', 32), 'hex');
end $$"""


# Collecting the tests makes half a million objects that stay.
garbage.collect_seldom()
# Every process that a test starts would else compile all that it imports, which costs more than its work.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# All that the tests ask is on this machine, whatever proxy the environment names.
os.environ["no_proxy"] = os.environ["NO_PROXY"] = "*"
# The sites of the tests are what the tests say, and a shell may be set up for another.
for _name in [name for name in os.environ if name.startswith("SHOPFORUM_") and "_TEST_" not in name]:
    del os.environ[_name]

# A busy machine is no fault of a property: how long its examples take is not judged.
hypothesis.settings.register_profile(
    "unhurried", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("unhurried")


def pytest_configure(config: pytest.Config) -> None:
    """Start the server: once a run, in the process that the workers belong to."""
    if hasattr(config, "workerinput"):
        config.stash[_SERVER] = postgres.Server(**config.workerinput["server"])
    elif not config.option.collectonly:
        stack = ExitStack()
        config.add_cleanup(stack.close)
        folder = stack.enter_context(TemporaryDirectory(prefix="shopforum-"))
        server = stack.enter_context(postgres.running(Path(folder), options=_FAST))
        _simplify_password(server)
        config.stash[_SERVER] = server


def _simplify_password(server: postgres.Server) -> None:
    """Store the password with one round of hashing instead of 4096, which cost more than all else in a connect."""
    with closing(psycopg2.connect(server.url("postgres"))) as connection, connection.cursor() as cursor:
        cursor.execute("SET scram_iterations = 1")
        cursor.execute(f"ALTER ROLE {postgres.OWNER} PASSWORD %s", (server.password,))
        connection.commit()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Two workers for each core: a test waits for its database, its browser or its processes half of the time."""
    return 2 * len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 2 * (os.cpu_count() or 1)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell each worker where the server is."""
    node.workerinput["server"] = asdict(node.config.stash[_SERVER])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that `make test-quick` leaves out."""
    for item in items:
        if is_long(item.path):
            item.add_marker("long")


def pytest_collection_finish(session: pytest.Session) -> None:
    """Leave what is there now out of garbage collection, as production's processes do: there are thousands of tests."""
    garbage.freeze()


@pytest.fixture(scope="session")
def server(pytestconfig: pytest.Config) -> postgres.Server:
    """The PostgreSQL server of this run."""
    return pytestconfig.stash[_SERVER]


@pytest.fixture(scope="session")
def database_url(server: postgres.Server, worker_id: str) -> str:
    """This worker's database, at the newest migration. The first worker makes the template."""
    with closing(psycopg2.connect(server.url("postgres"))) as connection, connection.cursor() as cursor:
        cursor.execute("select pg_advisory_lock(1)")
        if not server.has(_TEMPLATE):
            migrations.upgrade(server.create(_TEMPLATE))
    return server.create(f"test_{worker_id}", template=_TEMPLATE)


@pytest.fixture
def empty_database(server: postgres.Server, worker_id: str) -> Iterator[str]:
    """A database without any table, for one test."""
    name = f"empty_{worker_id}"
    yield server.create(name)
    server.drop(name)


class _Cleaner:
    """Empties a database over one connection: a new one reads the catalogue first, which takes longer than the rest."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: Any = None

    def clean(self) -> None:
        """Delete every row. A test may have ended all connections that there were; then connect anew."""
        try:
            self._run()
        except (psycopg2.OperationalError, psycopg2.InterfaceError):
            self.close()
            self._run()

    def _run(self) -> None:
        if self._connection is None:
            self._connection = psycopg2.connect(self._url)
            self._connection.autocommit = True
        with self._connection.cursor() as cursor:
            cursor.execute(_EMPTY)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


@pytest.fixture(scope="session")
def _cleaner(database_url: str) -> Iterator[_Cleaner]:
    cleaner = _Cleaner(database_url)
    yield cleaner
    cleaner.close()


@pytest.fixture
def clean(_cleaner: _Cleaner) -> None:
    """An empty database."""
    _cleaner.clean()


@pytest.fixture(scope="session")
def _idp_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("idp") / "idp.sqlite"


@pytest.fixture(scope="session")
def _provider(_idp_database: Path) -> Iterator[Running]:
    with serve_in_thread(_idp_database, Idp.KEY, mail_folder=_idp_database.parent / "mail") as running:
        sample.provision(site_settings("", ""), _idp_database)
        yield running


@pytest.fixture(scope="session")
def _idp(_provider: Running, _idp_database: Path) -> Idp:
    return Idp(_provider.url, _provider.hooks, _idp_database)


@pytest.fixture(scope="session")
def _restore(_idp: Idp) -> Iterator[Callable[[], None]]:
    """Makes the provider's file what it was at first, if a test has changed it."""
    with closing(sqlite3.connect(":memory:")) as copy, closing(sqlite3.connect(_idp.database)) as live:
        live.backup(copy)

        def version() -> Any:
            # It changes with every commit of another connection.
            return live.execute("PRAGMA data_version").fetchone()

        known = version()

        def restore() -> None:
            nonlocal known
            if version() != known:
                copy.backup(live)
                known = version()

        yield restore


@pytest.fixture
def idp(_idp: Idp, _provider: Running, _restore: Callable[[], None]) -> Iterator[Idp]:
    """The identity provider, with the demo logins, as if freshly started."""
    yield _idp
    # Does the work of the hook `reset` without an HTTP call: thousands of tests end with it.
    _provider._service.state.reset()
    _restore()


@pytest.fixture(scope="session")
def settings(
    database_url: str, _idp: Idp, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], dict[str, str]]:
    """`settings(site)`: what an ini file would say, as in production, for this worker's database and provider."""
    shared = site_settings(database_url, _idp.url)
    # Many tests start sites of their own, and compiling the templates was a tenth of the suite's time.
    compiled = tmp_path_factory.getbasetemp().parent / "templates"
    compiled.mkdir(exist_ok=True)
    shared |= {"jinja2.bytecode_caching": "true", "jinja2.bytecode_caching_directory": str(compiled)}
    return lambda site: {**shared, "shopforum.site": site}


@pytest.fixture
def write_ini(tmp_path: Path, settings: Callable[[str], dict[str, str]]) -> Callable[..., str]:
    """`write_ini(**changes)`: an ini file of the three sites, with some settings changed; returns its path."""

    def write(**changes: str) -> str:
        parser = RawConfigParser()
        for site in SITES:
            parser[f"app:{site}"] = {"use": "egg:shopforum", **settings(site), **changes}
        path = tmp_path / "site.ini"
        with path.open("w") as file:
            parser.write(file)
        path.chmod(0o600)
        return str(path)

    return write


@pytest.fixture(scope="session")
def _apps(settings: Callable[[str], dict[str, str]]) -> Iterator[dict[str, Any]]:
    apps = {site: shopforum.main({}, **settings(site)) for site in SITES}
    yield apps
    for app in apps.values():
        app.services.db.engine.dispose()


@pytest.fixture
def apps(_apps: dict[str, Any], clean: None, idp: Idp) -> dict[str, Any]:
    """The three sites as WSGI apps, over an empty database and a fresh provider."""
    for app in _apps.values():
        app.services.idp.breaker.reset()
        # A test may have ended the connections that this pool keeps: one read finds out and replaces them all.
        app.services.db.one(text("SELECT 1"))
    return _apps


@pytest.fixture
def browser(apps: dict[str, Any]) -> Callable[..., Browser]:
    """`browser(site, address=...)`: a client with a cookie jar of its own."""
    return lambda site, address="127.0.0.1": Browser(apps[site], url_of(site), address)


@pytest.fixture
def store(browser: Callable[..., Browser]) -> Browser:
    """A client of the store."""
    return browser("store")


@pytest.fixture
def forums(browser: Callable[..., Browser]) -> Browser:
    """A client of the forums."""
    return browser("forums")


@pytest.fixture
def admin(browser: Callable[..., Browser]) -> Browser:
    """A client of the console."""
    return browser("admin")


@pytest.fixture
def logged(apps: dict[str, Any], capfd: pytest.CaptureFixture[str]) -> Callable[[], str]:
    """`logged()`: what was logged since it was last asked, as production writes it.

    Logging belongs to the process, and another test of this one may have started a site with readable lines.
    """
    logs.configure("json")
    capfd.readouterr()
    return lambda: "".join(capfd.readouterr())


@pytest.fixture
def count_sql() -> Callable[[Browser], AbstractContextManager[list[str]]]:
    """`with count_sql(browser) as statements:` collects the SQL that the browser's site runs meanwhile."""

    @contextmanager
    def collect(browser: Browser) -> Iterator[list[str]]:
        statements: list[str] = []

        def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
            # Once a connection, and no page's doing.
            if not statement.startswith("PREPARE "):
                statements.append(statement)

        engine = browser.app.services.db.engine
        event.listen(engine, "before_cursor_execute", note)
        try:
            yield statements
        finally:
            event.remove(engine, "before_cursor_execute", note)

    return collect


@pytest.fixture
def sql(apps: dict[str, Any]) -> Callable[..., list[Any]]:
    """Run a statement on the sites' database: to move a row in time, or to look at it."""
    return lambda statement, **values: row_order.run(apps["store"].services.db, statement, values)


@pytest.fixture
def database_clock(apps: dict[str, Any], database_url: str) -> Iterator[SimulatedClock]:
    """The database's clock for the sites. No wait is over before the test says so, however slow the machine is."""
    engines = [app.services.db.engine for app in apps.values()]
    with SimulatedClock(database_url, *engines, start=datetime.now(UTC)) as clock:
        yield clock


@pytest.fixture
def later(apps: dict[str, Any]) -> Callable[[float], None]:
    """`later(seconds)`: so much time goes by for every rule of the sites, which all read the database's clock."""
    return lambda seconds: clocks.pass_time(apps["store"].services.db, seconds)


@pytest.fixture
def age(apps: dict[str, Any]) -> Callable[..., None]:
    """`age("sessions.last_seen_at", seconds, where)`: one column grows older, and no other."""
    return partial(clocks.age, apps["store"].services.db)


@pytest.fixture
def idle_out(apps: dict[str, Any]) -> Callable[[], None]:
    """`idle_out()`: every session idles out now."""
    return lambda: clocks.idle_out(apps["store"].services.db)


@pytest.fixture
def thief(browser: Callable[..., Browser]) -> Callable[..., Browser]:
    """`thief(site, cookies)`: another machine with the given cookies."""

    return lambda site, cookies: give(browser(site, "203.0.113.66"), cookies)
