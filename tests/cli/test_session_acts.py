"""`shopforum sessions revoke`, `quarantine` and `release`: what they end, what they ask, how they exit."""

import json
import os
import pty
import sys

import pytest
from http_helpers import tokens
from support import person

from shopforum.cli import main

REASON = ("--reason", "incident")


@pytest.fixture
def signed_in(store, forums, browser):
    """The member at both sites, the shopper at the store from elsewhere; returns their clients."""
    shopper = browser("store", "203.0.113.5")
    shopper.log_in("shopper")
    store.log_in("member")
    forums.log_in("member")
    return {"shopper": shopper, "store": store, "forums": forums}


def served(clients):
    pages = {"shopper": "/shopping-cart", "store": "/shopping-cart", "forums": "/posts"}
    return {name for name, client in clients.items() if client.get(pages[name]).status_int == 200}


def ids(lines, *options):
    return [session["id"] for session in lines("list", *options)]


@pytest.mark.parametrize(
    ("options", "left"),
    [
        (("--user", person("member").email), {"shopper"}),
        (("--user", person("member").email.upper(), "--site", "store"), {"shopper", "forums"}),
        (("--user", person("member").id), {"shopper"}),
        (("--site", "store"), {"forums"}),
        (("--ip", "203.0.113.0/24"), {"store", "forums"}),
        (("--state", "active"), set()),
        (("--everyone",), set()),
    ],
)
def test_the_named_sessions_end_here_and_at_fusionauth(signed_in, run, sql, idp, options, left):
    answer = run(
        "revoke", *options, *REASON, "--text", "T-1", "--user-text", "Cart is safe.", "--yes", "--json"
    )
    assert answer.exit_code == 0, answer.output
    receipt = json.loads(answer.stdout)
    assert receipt["matched"] == receipt["revoked"] == 3 - len(left)
    assert receipt["upstream"]["confirmed"] > 0
    assert receipt["upstream"]["pending"] == receipt["upstream"]["failed"] == 0
    assert served(signed_in) == left
    [token] = tokens(idp, person("shopper").id)
    assert (token["state"] == "revoked") == ("shopper" not in left)
    [row] = sql("SELECT * FROM revocations WHERE id = :id", id=receipt["id"])
    assert row["actor"].startswith("cli:")
    assert (row["reason_code"], row["reason_admin"], row["reason_user"]) == (
        "incident",
        "T-1",
        "Cart is safe.",
    )
    [event] = sql("SELECT * FROM audit_log WHERE revocation_id = :id", id=receipt["id"])
    assert (event["event"], event["actor"]) == ("authn_token_revoked", row["actor"])
    assert "sessions revoke" in event["agent"]


def test_sessions_by_id_or_its_beginning(signed_in, run, lines):
    first, second, third = ids(lines)
    answer = run("revoke", "--session", first, "--session", second[:8], *REASON, "--yes")
    assert answer.exit_code == 0
    assert "Ended 2 of 2 sessions" in answer.stdout
    assert "https://admin.test/revocations/" in answer.stdout
    assert ids(lines, "--state", "active") == [third]
    assert run("revoke", "--session", first, *REASON, "--yes").exit_code == 1


def test_a_dry_run_and_another_count_change_nothing(signed_in, run, sql):
    plain = run("revoke", "--site", "store", "--dry-run")
    assert plain.exit_code == 0
    assert "would end 2 sessions of 2 users" in plain.stdout
    told = json.loads(run("revoke", "--site", "store", "--dry-run", "--json").stdout)
    assert (told["matched"], told["users"], told["sites"], len(told["sessions"])) == (2, 2, ["store"], 2)
    refused = run("revoke", "--site", "store", *REASON, "--yes", "--expected-count", 3)
    assert refused.exit_code == 1
    assert "2 sessions match now, not 3" in refused.stderr
    assert len(served(signed_in)) == 3
    assert sql("SELECT 1 FROM revocations") == []
    assert run("revoke", "--site", "store", *REASON, "--yes", "--expected-count", 2).exit_code == 0


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ((*REASON, "--yes"), 2),
        (("--everyone", "--site", "store", *REASON, "--yes"), 2),
        (("--session", "0" * 8, "--site", "store", *REASON, "--yes"), 2),
        (("--session", "0" * 8, *REASON, "--yes"), 1),
        (("--everyone", "--yes"), 2),
        (("--everyone", "--reason", "because", "--yes"), 2),
        (("--everyone", *REASON, "--text", "x" * 2001, "--yes"), 2),
        (("--user", "Mia", *REASON, "--yes"), 1),
        (("--user", "00000000-0000-0000-0000-000000000000", *REASON, "--yes"), 1),
        (("--ip", "198.51.100.1", *REASON, "--yes"), 1),
        (("--everyone", *REASON), 1),
    ],
)
def test_a_refused_call_changes_nothing(signed_in, run, sql, options, code):
    answer = run("revoke", *options)
    assert answer.exit_code == code, answer.output
    assert "Error" in answer.stderr
    assert sql("SELECT 1 FROM revocations") == []


@pytest.mark.parametrize("command", ["revoke", "quarantine", "list"])
def test_a_filter_that_an_empty_variable_has_made_blank_is_not_everybody(signed_in, run, sql, command):
    acts = () if command == "list" else (*REASON, "--yes")
    blanks = (
        ("--user", ""),
        ("--user", "\xa0"),
        ("--device", " "),
        ("--ip", "\x07"),
        ("--created-after", ""),
    )
    for option, value in blanks:
        answer = run(command, option, value, "--site", "store", *acts)
        assert answer.exit_code == 2
        assert f"{option} is blank" in answer.stderr
    assert len(served(signed_in)) == 3
    assert sql("SELECT 1 FROM revocations") == []


def test_a_filter_that_is_no_text_is_refused(run):
    answer = run("revoke", "--user", "mia\udcff", "--dry-run")
    assert answer.exit_code == 2
    assert "not UTF-8" in answer.stderr


@pytest.fixture
def at_a_terminal(ini, monkeypatch):
    """`at_a_terminal(typed, *options)`: end sessions with a terminal on which somebody types; returns the exit code."""

    def run(typed, *options):
        ours, theirs = pty.openpty()
        os.write(ours, typed.encode() + b"\n")
        with os.fdopen(theirs) as terminal, os.fdopen(ours), monkeypatch.context() as patch:
            patch.setattr(sys, "stdin", terminal)
            with pytest.raises(SystemExit) as end:
                main(["sessions", "revoke", ini, *options, *REASON])
        return end.value.code

    return run


def test_it_asks_and_what_reaches_far_asks_for_the_word(signed_in, at_a_terminal, lines):
    assert at_a_terminal("n", "--ip", "203.0.113.5") == 1
    assert at_a_terminal("y", "--site", "store") == 1
    assert at_a_terminal("y", "--everyone") == 1
    assert len(ids(lines, "--state", "active")) == 3
    assert at_a_terminal("y", "--ip", "203.0.113.5") == 0
    assert at_a_terminal("everyone", "--everyone") == 0
    assert ids(lines, "--state", "active") == []


def test_with_fusionauth_away_sessions_end_and_4_says_so(signed_in, write_ini, run, sql):
    write_ini(**{"idp.url": "http://127.0.0.1:1"})
    answer = run("revoke", "--ip", "203.0.113.5", *REASON, "--yes")
    assert answer.exit_code == 4
    assert "worker" in answer.stdout
    assert "shopper" not in served(signed_in)
    assert (
        json.loads(run("revoke", "--everyone", *REASON, "--yes", "--json").stdout)["upstream"]["confirmed"]
        == 0
    )
    assert sql("SELECT 1 FROM revocation_outbox WHERE done_at IS NULL")


def test_a_long_delivery_is_carried_to_its_end(store, run, sql, idp):
    store.log_in("shopper")
    sql(
        """INSERT INTO sessions (site, user_id, user_name, roles, refresh_token_id, authenticated_at, absolute_end, idle_end, last_seen_at)
        SELECT site, user_id, user_name, roles, gen_random_uuid(), authenticated_at, absolute_end, idle_end,
          last_seen_at FROM sessions, generate_series(1, 49)"""
    )
    answer = run("revoke", "--state", "active", *REASON, "--yes", "--json")
    assert answer.exit_code == 0
    assert json.loads(answer.stdout)["upstream"] == {"confirmed": 50, "pending": 0, "failed": 0}
    assert answer.stderr == ""


def test_quarantine_and_release(signed_in, run, lines, sql):
    dry = run("quarantine", "--site", "store", "--dry-run")
    assert "would quarantine 2 sessions of 2 users" in dry.stdout
    assert run("quarantine", "--site", "store", *REASON).exit_code == 1
    assert len(served(signed_in)) == 3
    answer = run("quarantine", "--site", "store", *REASON, "--yes")
    assert (answer.exit_code, answer.stdout) == (0, "2 sessions quarantined.\n")
    assert served(signed_in) == {"forums"}
    assert len(ids(lines, "--flag", "quarantined")) == 2
    assert run("quarantine", "--site", "store", *REASON, "--yes").exit_code == 1
    done = run("release", "--flag", "quarantined", *REASON, "--yes", "--json")
    assert json.loads(done.stdout) == {"matched": 2, "released": 2}
    assert len(served(signed_in)) == 3
    [event] = sql("SELECT actor FROM audit_log WHERE event = 'session_released'")
    assert event["actor"].startswith("cli:")
