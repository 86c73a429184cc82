"""Migrations: up, down and up again, by our own code and by the alembic command, and complete."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import psycopg2

from shopforum.core import migrations

# Migrations of released versions, with the beginning of the SHA-256 of their files. Databases have been through them.
FROZEN = {
    "0001_sessions": "add196ff5651568600a7775d0ed4fb93",
    "0002_login": "eb14f5ebb4ddce7b1951a03647427ebd",
    "0003_account": "f7bdaff4149d7d9e0b60226206639908",
    "0004_store": "b21766b85e972885f586bfabbdbb1612",
    "0005_forums": "efce4f5c7b64fc4dd80b989169ed0037",
    "0006_webhooks": "210a7dd516d6222287dfa9e0026c285e",
    "0007_api": "967e3b12f24ab259274fd096a5cbf7a8",
}
PROJECT = Path(__file__).resolve().parents[2]


def tables(url):
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute("select tablename from pg_tables where schemaname = 'public'")
        return {name for (name,) in cursor.fetchall()}


def test_up_down_and_up_again(empty_database):
    assert migrations.current(empty_database) is None
    migrations.upgrade(empty_database)
    made = tables(empty_database)
    assert "sessions" in made
    assert migrations.current(empty_database) == migrations.head()
    migrations.downgrade(empty_database, "base")
    assert tables(empty_database) == {"alembic_version"}
    migrations.upgrade(empty_database)
    assert tables(empty_database) == made


def test_the_migrations_make_what_the_code_declares(database_url):
    migrations.check(database_url)


def test_two_at_once_wait_for_each_other_and_take_the_url_from_the_environment_or_an_option(
    empty_database, monkeypatch
):
    monkeypatch.delenv("SHOPFORUM_DATABASE_URL", raising=False)
    upgrade = ("upgrade", "head")
    with ThreadPoolExecutor() as pool:
        by_environment = pool.submit(command, *upgrade, SHOPFORUM_DATABASE_URL=empty_database)
        by_option = pool.submit(command, "-x", f"url={empty_database}", *upgrade)
    for run in (by_environment.result(), by_option.result()):
        assert run.returncode == 0, (run.args, run.stderr)
    assert migrations.current(empty_database) == migrations.head()


def test_without_a_url_the_command_says_what_to_set(monkeypatch):
    monkeypatch.delenv("SHOPFORUM_DATABASE_URL", raising=False)
    done = command("-c", "production.ini", "upgrade", "head")
    assert done.returncode != 0
    assert "SHOPFORUM_DATABASE_URL" in done.stderr + done.stdout
    assert "Traceback" not in done.stderr


def test_a_released_migration_is_never_changed():
    """A database that has been through it would differ from one that has not. A change takes a new migration."""
    folder = PROJECT / "alembic" / "versions"
    found = {
        name: sha256((folder / f"{name}.py").read_bytes()).hexdigest()[:32]
        for name in FROZEN
        if (folder / f"{name}.py").exists()
    }
    assert found == FROZEN


def test_the_folder_is_not_a_package():
    assert not (migrations.FOLDER / "__init__.py").exists(), "it would hide the alembic that is installed"


def command(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    if "-c" not in arguments:
        arguments = ("-c", "production.ini", *arguments)
    alembic = Path(sys.executable).parent / "alembic"
    return subprocess.run(
        [alembic, *arguments],
        cwd=PROJECT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
