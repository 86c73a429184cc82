"""`shopforum audit`: its verdicts, its exit codes, and exports that are safe to open."""

import csv
import io
import json
import re

import pytest
from click.testing import CliRunner
from sqlalchemy import insert

from shopforum.cli import main
from shopforum.core.engine import create_engine, create_unpooled_engine
from shopforum.dev import instance
from shopforum.sessions import tables


@pytest.fixture
def audit(clean, database_url, tmp_path):
    """Run `shopforum audit ...` against this worker's database."""
    ini = instance.write_ini(tmp_path, 6543, 9011, database_url)

    def run(command, *options):
        return CliRunner().invoke(main, ["audit", command, str(ini), *options])

    return run


@pytest.fixture
def rows(clean, database_url):
    """Write events with the given actors."""
    engine = create_engine(database_url, 2)

    def write(*actors):
        values = {"event": "authz_fail", "site": "admin", "initiating_entity": "user"}
        with engine.begin() as connection:
            connection.execute(insert(tables.audit_log), [values | {"actor": actor} for actor in actors])

    yield write
    engine.dispose()


def test_a_good_log_is_said_to_be_good(audit, rows):
    rows("alice", "bob")
    answer = audit("verify")
    assert answer.exit_code == 0, answer.output
    assert answer.output.startswith("ok: 2 rows, head 2:")
    assert json.loads(audit("verify", "--json").output)["ok"] is True


def test_a_bad_row_is_named_and_the_exit_code_says_so(audit, rows, database_url):
    rows("alice", "bob", "carol")
    audit("verify")
    with create_unpooled_engine(database_url).begin() as connection:
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        connection.exec_driver_sql("UPDATE audit_log SET actor = 'mallory' WHERE seq = 2")
    answer = audit("verify")
    assert answer.exit_code == 1
    assert "sequence number 2" in answer.output
    assert json.loads(audit("verify", "--json").output)["bad"] == 2


def test_an_earlier_head_is_held_against_the_log(audit, rows):
    rows("alice")
    head = json.loads(audit("verify", "--json").output)["head"]
    rows("bob")
    assert audit("verify", "--head", head).exit_code == 0
    assert audit("verify", "--head", "1:" + "00" * 32).exit_code == 1
    assert audit("verify", "--head", "99:" + "00" * 32).exit_code == 1
    assert audit("verify", "--head", "nonsense").exit_code == 2


def test_a_spreadsheet_takes_no_cell_for_a_formula(audit, rows):
    rows("=1+1", "+1", "-1", "@x", 'a"b,c\nd')
    table = list(
        csv.DictReader(io.StringIO(audit("export", "--format", "csv").stdout.removeprefix("\ufeff")))
    )
    assert [row["actor"] for row in table] == ["'=1+1", "'+1", "'-1", "'@x", 'a"b,c\nd']


def test_json_lines_hold_every_row_in_order(audit, rows):
    rows("alice", "bob")
    lines = [json.loads(line) for line in audit("export").stdout.splitlines()]
    assert [line["actor"] for line in lines] == ["alice", "bob"]
    assert all(re.fullmatch(r"[-0-9]{10}T[:0-9]{8}\.[0-9]{6}Z", line["at"]) for line in lines)


def test_a_database_that_is_away_is_exit_code_2(tmp_path):
    ini = instance.write_ini(tmp_path, 6543, 9011, "postgresql://nobody:x@127.0.0.1:1/none")
    answer = CliRunner().invoke(main, ["audit", "verify", str(ini)])
    assert answer.exit_code == 2
    assert "cannot be reached" in answer.output


def test_a_backdated_row_is_named_though_it_was_sealed(audit, rows, database_url):
    """As the tables' owner could write one; the triggers hold every other role."""
    rows("alice", "bob")
    with create_unpooled_engine(database_url).begin() as connection:
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        connection.exec_driver_sql(
            "INSERT INTO audit_log (event, site, initiating_entity, at) VALUES ('forged', 'store', 'user', '2020-01-01')"
        )
    rows("carol")
    answer = audit("verify")
    assert answer.exit_code == 1
    assert "BAD at sequence number 3: time runs back" in answer.output
    assert "to 2020-01-01" in answer.output
    facts = json.loads(audit("verify", "--json").output)
    assert (facts["ok"], facts["bad"], facts["good"]) == (False, 3, 2)


def test_a_clock_that_was_set_right_is_no_fault(audit, rows, database_url):
    rows("alice", "bob")
    with create_unpooled_engine(database_url).begin() as connection:
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        connection.exec_driver_sql(
            "UPDATE audit_log SET at = at + interval '4 minutes' WHERE actor = 'alice'"
        )
    assert audit("verify").exit_code == 0
