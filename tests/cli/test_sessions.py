"""`shopforum sessions list` and `show`: what the console lists, for people and for scripts."""

import json
import re

import pytest
from click.testing import CliRunner
from support import person

from shopforum.cli import main

OBEYED = "Eve\x1b[2J\x07\r\nRoot \u202eevil"


@pytest.fixture
def three(store, forums, browser):
    """A shopper and a member at the store, the member also at the forums."""
    browser("store", "203.0.113.5").log_in("shopper")
    store.log_in("member")
    forums.log_in("member")


def test_a_table_that_fits_and_says_when(three, run):
    answer = run("list")
    assert answer.exit_code == 0
    head, *rows, _, summary = answer.stdout.splitlines()
    assert head.split() == ["SESSION", "STATE", "SITE", "USER", "DEVICE", "ADDRESS", "LAST", "SEEN", "(UTC)"]
    assert len(rows) == 3
    assert all(len(row) <= 100 for row in rows)
    assert all(re.search(r"\d\d-\d\d \d\d:\d\d \d+s$", row) for row in rows)
    assert summary.startswith("3 sessions.")
    assert run("list", "--limit", 2).stdout.splitlines()[-1].startswith("2 of 3 sessions.")


@pytest.mark.parametrize(
    ("options", "count"),
    [
        (("--user", "mia"), 2),
        (("--user", person("shopper").email), 1),
        (("--user", person("member").id, "--site", "forums"), 1),
        (("--site", "store"), 2),
        (("--ip", "203.0.113.0/24"), 1),
        (("--device", "firefox linux"), 3),
        (("--device", "safari"), 0),
        (("--state", "dormant"), 0),
        (("--flag", "refresh_without_session"), 0),
        (("--created-after", "2099-01-01"), 0),
        (("--seen-before", "2099-01-01T00:00Z"), 3),
        (("--limit", 1), 1),
    ],
)
def test_the_filters_are_the_consoles(three, lines, options, count):
    assert len(lines("list", *options)) == count


def test_more_than_one_step_is_read(store, sql, lines):
    store.log_in("shopper")
    sql(
        """INSERT INTO sessions (site, user_id, user_name, roles, authenticated_at, absolute_end, idle_end,
          last_seen_at)
        SELECT site, user_id, user_name, roles, authenticated_at, absolute_end, idle_end, last_seen_at FROM sessions, generate_series(1, 600)"""
    )
    found = lines("list", "--limit", 1000)
    assert len({session["id"] for session in found}) == 601
    assert len(lines("list", "--limit", 501)) == 501


def test_invalid_options_are_named(run):
    for options in (
        ("--ip", "nonsense"),
        ("--created-after", "yesterday"),
        ("--site", "pub"),
        ("--flag", "x"),
    ):
        answer = run("list", *options)
        assert answer.exit_code == 2, options
        assert "Error" in answer.stderr


def test_show_prints_the_timeline_in_order(three, lines, run, sql, thief, store):
    stolen = {"__Host-session": store.cookies["__Host-session"]}
    thief("store", stolen).get("/shopping-cart", status=302)
    [session] = lines("list", "--flag", "session_without_refresh_token")
    answer = run("show", session["id"][:8])
    assert answer.exit_code == 0
    page = answer.stdout
    assert max(map(len, page.splitlines())) <= 100
    assert f"https://admin.test/sessions/{session['id']}" in page
    assert page.index("Signed in  ") < page.rindex("Session id came alone")
    assert "203.0.113.66" in page
    told = json.loads(run("show", session["id"], "--json").stdout)
    assert told["id"] == session["id"]
    assert {event["type"] for event in told["timeline"]} >= {
        "session_created",
        "session_without_refresh_token",
    }
    assert [place["address"] for place in told["seen_at"]] == ["127.0.0.1"]


@pytest.mark.parametrize(
    ("named", "code"),
    [("00000000", 1), ("00000000-0000-0000-0000-000000000000", 1), ("123", 2), ("no-session", 2), ("%", 2)],
)
def test_an_unknown_id(run, three, named, code):
    answer = run("show", named)
    assert answer.exit_code == code
    assert "Error" in answer.stderr


def test_an_id_that_two_begin_with_is_not_taken_for_one(run, three, sql):
    sql(
        """INSERT INTO sessions (id, site, user_id, user_name, roles, authenticated_at, absolute_end,
          idle_end, last_seen_at)
        SELECT ('ab12cd34-0000-4000-8000-00000000000' || n)::uuid, site, user_id, user_name, roles, authenticated_at,
          absolute_end, idle_end, last_seen_at
        FROM (SELECT * FROM sessions LIMIT 1) s, generate_series(1, 2) n"""
    )
    answer = run("show", "ab12cd34")
    assert answer.exit_code == 1
    assert "More than one" in answer.stderr
    assert run("show", "ab12cd34000040008000000000000001").exit_code == 0


def test_nothing_that_a_terminal_obeys_is_written(three, sql, run, lines):
    sql("UPDATE sessions SET user_name = :name, agent = :name, last_agent = :name", name=OBEYED)
    sql("ALTER TABLE audit_log DISABLE TRIGGER USER")
    sql("UPDATE audit_log SET actor = :name", name=OBEYED)
    sql("ALTER TABLE audit_log ENABLE TRIGGER USER")
    [session, *_] = lines("list")
    outputs = [run("list"), run("show", session["id"]), run("tail", "--once"), run("list", "--json")]
    outputs.append(run("revoke", "--user", person("shopper").id, "--dry-run"))
    for answer in outputs:
        assert "Eve" in answer.stdout
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", answer.stdout)


@pytest.mark.parametrize("command", ["list", "tail", "show", "revoke", "quarantine"])
def test_a_database_that_is_away_is_3(write_ini, command):
    ini = write_ini(**{"database.url": "postgresql://nobody:secret-word@127.0.0.1:1/none"})
    options = {
        "show": ["0" * 8],
        "revoke": ["--everyone", "--dry-run"],
        "quarantine": ["--site=store", "--dry-run"],
    }
    answer = CliRunner().invoke(main, ["sessions", command, ini, *options.get(command, [])])
    assert answer.exit_code == 3
    assert "database" in answer.stderr
    assert "secret-word" not in answer.output


def test_an_ini_that_is_none_is_2(tmp_path):
    path = tmp_path / "x.ini"
    path.write_text("[app:main]\nuse = egg:shopforum\n")
    answer = CliRunner().invoke(main, ["sessions", "list", str(path)])
    assert answer.exit_code == 2
    assert "cannot be used" in answer.stderr
