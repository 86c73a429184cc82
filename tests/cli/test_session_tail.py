"""`shopforum sessions tail`: the trail as it grows, without gaps, until Ctrl-C."""

import json
import signal
import subprocess
import sys

import pytest
from support import person

from shopforum.sessions import jobs


def test_once_prints_what_there_is_in_order(store, run, lines):
    store.log_in("shopper")
    answer = run("tail", "--once")
    assert answer.exit_code == 0
    head, *events = answer.stdout.splitlines()
    assert head.split() == ["AT", "(UTC)", "EVENT", "SITE", "BY", "SESSION", "FROM"]
    assert len(events) == 2
    assert all(len(line) <= 100 for line in (head, *events))
    assert "audit.sealed head=2:" in answer.stderr
    found = lines("tail", "--once")
    assert [event["id"] for event in found] == [1, 2]
    assert {event["type"] for event in found} == {"session_created", "authn_login_success"}
    assert [event["id"] for event in lines("tail", "--once", "--after", 1)] == [2]


def test_it_can_be_narrowed(store, browser, run, lines):
    store.log_in("shopper")
    browser("store").log_in("member")
    [session] = lines("list", "--user", person("member").id)
    assert len(lines("tail", "--once", "--event", "session_created")) == 2
    assert len(lines("tail", "--once", "--session", session["id"][:8])) == 2
    only = lines("tail", "--once", "--user", person("shopper").id, "--event", "session_created")
    assert [event["user_id"] for event in only] == [person("shopper").id]
    assert run("tail", "--once", "--user", "shopper").exit_code == 2


# A shell's background jobs are started with the interrupt ignored.
@pytest.mark.parametrize(
    "shell", [[], ["sh", "-c", 'trap "" INT; exec "$@"', "sh"]], ids=["alone", "as a job"]
)
def test_it_follows_until_it_is_interrupted(store, ini, browser, apps, sql, shell):
    store.log_in("shopper")
    command = [
        sys.executable,
        "-m",
        "shopforum.cli",
        "sessions",
        "tail",
        ini,
        "--json",
        "--event",
        "session_created",
    ]
    process = subprocess.Popen([*shell, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        first = json.loads(process.stdout.readline())
        browser("store").log_in("member")
        jobs.seal(apps["store"].services.sessions)
        second = json.loads(process.stdout.readline())
        # A row that no worker seals in time is not waited for.
        sql(
            """INSERT INTO audit_log (at, event, site, initiating_entity)
            VALUES (now() - interval '6 seconds', 'session_created', 'store', 'user')"""
        )
        third = json.loads(process.stdout.readline())
    finally:
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert {event["type"] for event in (first, second, third)} == {"session_created"}
    assert first["id"] < second["id"] < third["id"]
    assert process.returncode == 0
    assert "Traceback" not in errors
