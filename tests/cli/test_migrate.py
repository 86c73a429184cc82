"""`shopforum init` and `shopforum migrate`: the way from nothing to a migrated database."""

import re
import stat

import psycopg2
import pytest
from click.testing import CliRunner

from shopforum.cli import main
from shopforum.core import migrations


@pytest.fixture
def run():
    return lambda *arguments: CliRunner().invoke(main, [str(one) for one in arguments])


@pytest.fixture
def ini(write_ini, empty_database):
    return write_ini(**{"database.url": empty_database})


def test_init_writes_productions_ini_for_its_owner_alone(run, tmp_path):
    path = tmp_path / "production.ini"
    done = run("init", path)
    assert done.exit_code == 0, done.output
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    text = path.read_text()
    assert "[app:admin]" in text
    assert "script_location = shopforum:deployment/alembic" in text
    assert f"shopforum check {path}" in done.output


def test_init_leaves_a_file_that_is_there(run, tmp_path):
    path = tmp_path / "production.ini"
    path.write_text("mine")
    done = run("init", path)
    assert done.exit_code == 1
    assert "left unchanged" in done.output
    assert path.read_text() == "mine"
    assert "cannot be written" in run("init", tmp_path / "none" / "production.ini").output


def test_the_file_of_init_lacks_only_the_values_to_be_filled_in(run, tmp_path):
    path = tmp_path / "production.ini"
    run("init", path)
    done = run("check", path)
    assert done.exit_code == 1
    assert re.search(r"settings: .*shopforum.secret is missing.*SHOPFORUM_SECRET", done.output), done.output


def test_a_dry_run_says_what_it_would_do_and_does_nothing(run, ini, empty_database):
    done = run("migrate", ini, "--dry-run")
    assert done.exit_code == 0, done.output
    for script in ("0001_sessions", "0007_api"):
        assert script in done.output
    assert re.search(r"makes \d+ tables", done.output)
    assert "locks nothing that is in use" in done.output
    assert migrations.current(empty_database) is None


def test_it_migrates_and_says_what_it_did(run, ini, empty_database):
    done = run("migrate", ini)
    assert done.exit_code == 0, done.output
    assert f"Done: {migrations.head()}" in done.output
    assert migrations.current(empty_database) == migrations.head()
    again = run("migrate", ini)
    assert again.exit_code == 0
    assert "nothing to do" in again.output


def test_a_database_of_another_version_is_left_alone(run, ini, empty_database):
    run("migrate", ini)
    with psycopg2.connect(empty_database) as connection, connection.cursor() as cursor:
        cursor.execute("update alembic_version set version_num = '9999_later'")
    connection.close()
    done = run("migrate", ini)
    assert done.exit_code == 2
    assert "9999_later, which this version does not know" in done.output


def test_a_database_that_is_away_ends_it_with_3(run, write_ini):
    done = run("migrate", write_ini(**{"database.url": "postgresql://a:hunter2@127.0.0.1:1/x"}))
    assert done.exit_code == 3
    assert "hunter2" not in done.output


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("ALTER TABLE sessions ADD COLUMN x int;", "nobody reads or writes sessions"),
        ("CREATE INDEX ix_orders_x ON orders (x);", "nobody writes orders"),
        ("CREATE INDEX CONCURRENTLY ix_orders_x ON orders (x);", None),
        ("DROP INDEX ix_orders_x;", "nobody reads or writes the table of ix_orders_x"),
        ("UPDATE carts SET x = 1;", "rows of carts"),
        (
            "CREATE TABLE fresh (a int); CREATE INDEX ix_fresh_a ON fresh (a); ALTER TABLE fresh ADD b int;",
            None,
        ),
    ],
)
def test_the_locks_of_a_migration_are_read_from_its_statements(sql, said):
    locks = migrations.locked(sql, set())
    assert any(said in one for one in locks) if said else locks == ()
