"""Behind pgbouncer: nothing belongs to a session, and what the sites need of it is refused or asked for with the reason."""

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

import psycopg2
import pytest
from click.testing import CliRunner
from sqlalchemy import text
from support import Browser, url_of

import shopforum
from shopforum.cli import main
from shopforum.core import migrations
from shopforum.core.engine import role_settings
from shopforum.core.settings import SettingsError
from shopforum.dev import postgres, processes

PGBOUNCER = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")

pytestmark = pytest.mark.skipif(PGBOUNCER is None, reason="no pgbouncer is installed")


@pytest.fixture
def pooled(server, worker_id, tmp_path_factory):
    """`with pooled(**options) as url:` a database behind pgbouncer, which has one connection to it for each transaction."""
    folder = tmp_path_factory.mktemp("pgbouncer")
    folder.chmod(0o755)
    name = f"pooled_{worker_id}"
    server.create(name, template="template_shopforum")

    @contextmanager
    def start(database=name, **options):
        port = next(port for port in postgres._candidates() if processes.is_free(port))
        users, ini, log = (folder / file for file in ("users.txt", "pgbouncer.ini", "pgbouncer.log"))
        users.write_text(f'"{postgres.OWNER}" "{server.password}"\n')
        settings = {
            "listen_addr": "127.0.0.1",
            "listen_port": port,
            "unix_socket_dir": "",
            "auth_type": "plain",
            "auth_file": users,
            "pool_mode": "transaction",
            "default_pool_size": 3,
            **options,
        }
        lines = [f"{key} = {value}" for key, value in settings.items()]
        target = f"{database} = host=127.0.0.1 port={server.port}"
        ini.write_text("\n".join(["[databases]", target, "[pgbouncer]", *lines, ""]))
        url = f"postgresql://{postgres.OWNER}:{server.password}@127.0.0.1:{port}/{database}"

        def accepts():
            with suppress(psycopg2.OperationalError):
                psycopg2.connect(url).close()
                return True
            return False

        command = [*postgres.as_nobody("dac_override"), PGBOUNCER, str(ini)]
        with processes.child(command, log) as process:
            processes.wait_until(accepts, process, log)
            yield url

    yield start, name
    server.drop(name)


def limit(server, name):
    for statement in role_settings(postgres.OWNER).split("; "):
        server._run(statement.replace(" SET ", f" IN DATABASE {name} SET ", 1))


@pytest.mark.parametrize("dropped", ["", "options"])
def test_a_pooler_that_the_settings_do_not_name_is_refused(pooled, settings, dropped):
    start, _ = pooled
    with (
        start(ignore_startup_parameters=dropped) as url,
        pytest.raises(SettingsError, match=r"database\.pooler"),
    ):
        shopforum.main({}, **settings("store") | {"database.url": url})


def test_a_role_without_limits_is_refused_with_the_statements_that_give_it_some(pooled, settings):
    start, _ = pooled
    with start() as url, pytest.raises(SettingsError, match=r"ALTER ROLE .*statement_timeout = '10000ms'"):
        shopforum.main({}, **settings("store") | {"database.url": url, "database.pooler": "true"})


def test_check_reaches_the_database_as_the_sites_do(pooled, write_ini, idp):
    start, _ = pooled
    with start(ignore_startup_parameters="options") as url:
        output = CliRunner().invoke(main, ["check", write_ini(**{"database.url": url})]).output
    assert "WRONG  database: a connection pooler" in output
    assert "fix: set database.pooler = true" in output


def test_every_page_works_in_transaction_mode(pooled, settings, idp, server):
    start, name = pooled
    limit(server, name)
    with start() as url:
        app = shopforum.main({}, **settings("store") | {"database.url": url, "database.pooler": "true"})
        browsers = [Browser(app, url_of("store")) for _ in range(6)]
        for browser in browsers:
            browser.log_in("shopper", status=302)

        def use(browser):
            return [
                browser.get(path, status="*").status_int for path in ("/", "/shopping-cart", "/products") * 4
            ]

        with ThreadPoolExecutor(6) as threads:
            assert {status for statuses in threads.map(use, browsers) for status in statuses} == {200}
        [row] = app.services.db.all(text("SELECT current_setting('statement_timeout') AS limit"))
        assert row["limit"] == "10s"
        app.services.db.engine.dispose()


def test_migrations_lock_nothing_for_a_session(pooled, empty_database):
    """A lock of a session would stay with the pooler's connection, and block the next run."""
    start, _ = pooled
    with start(empty_database.rpartition("/")[2]) as url:
        with ThreadPoolExecutor() as threads:
            for run in [threads.submit(migrations.current, url) for _ in range(2)]:
                assert run.result() is None
        migrations.upgrade(url)
        assert migrations.current(url) == migrations.head()
        with psycopg2.connect(url) as connection, connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database"
                " WHERE l.locktype = 'advisory' AND d.datname = current_database()"
            )
            assert cursor.fetchone() == (0,)
            cursor.execute("SELECT current_setting('lock_timeout'), current_setting('statement_timeout')")
            assert cursor.fetchone() == ("0", "0"), "nothing is left behind"
        connection.close()
        migrations.upgrade(url)
