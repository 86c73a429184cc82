"""`shopforum sessions rule`: deny rules without the web server."""

import json

import pytest
from click.testing import CliRunner
from support import person

from shopforum.cli import main

ADD = ("--ip", "203.0.113.0/24", "--reason", "incident", "--text", "T-1")


@pytest.fixture
def rule(ini):
    """`rule("add", "--ip", …)`: `shopforum sessions rule add INI --ip …`."""

    def invoke(command, *options):
        arguments = ["sessions", "rule", command, ini, *map(str, options)]
        return CliRunner().invoke(main, arguments, catch_exceptions=False)

    return invoke


def test_a_rule_is_added_listed_and_lifted(rule, browser, sql):
    thief = browser("store", "203.0.113.9")
    thief.log_in("shopper")
    shown = rule("add", *ADD, "--dry-run")
    assert "Everybody from 203.0.113.0/24, on all sites" in shown.stdout
    assert "1 session of 1 user" in shown.stdout
    assert json.loads(rule("add", *ADD, "--dry-run", "--json").stdout)["matched"] == 1
    assert rule("add", *ADD).exit_code == 1, "there is no terminal to ask at"
    assert not sql("SELECT 1 FROM standing_rules")
    made = json.loads(rule("add", *ADD, "--seconds", 60, "--yes", "--json").stdout)
    assert thief.get("/shopping-cart").status_int == 302
    assert made["actor"].startswith("cli:")
    assert (made["reason"]["text"], made["matched"]) == ("T-1", 1)
    assert made["id"][:8] in rule("list").stdout
    assert json.loads(rule("list", "--json").stdout)["id"] == made["id"]
    assert "served again" in rule("lift", made["id"][:8], "--dry-run").stdout
    lifted = rule("lift", made["id"][:8], "--text", "the office", "--yes", "--json")
    assert json.loads(lifted.stdout)["state"] == "lifted"
    assert thief.get("/shopping-cart").status_int == 200
    assert rule("lift", made["id"], "--yes").exit_code == 1
    assert "No rule is in force" in rule("list").stdout
    assert json.loads(rule("list", "--all", "--json").stdout)["lifted_by"].startswith("cli:")
    rows = sql("SELECT actor, agent, detail FROM audit_log WHERE event LIKE 'standing_rule_%' ORDER BY id")
    assert ["sessions rule add" in rows[0]["agent"], "sessions rule lift" in rows[1]["agent"]] == [True, True]
    assert rows[1]["detail"]["reason_admin"] == "the office"


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (("--site", "store", "--reason", "test"), "Name a user, a network or a device."),
        (("--ip", "203.0.113.9"), "--reason is missing"),
        (("--ip", "300.1.1.1", "--reason", "test"), "an address or a block"),
        (("--device", " ", "--reason", "test"), "--device is blank"),
        (("--user", "sam", "--reason", "test"), "whole e-mail address"),
        (("--ip", "203.0.113.9", "--seconds", "0", "--reason", "test"), "--seconds"),
    ],
)
def test_calls_that_are_wrong(rule, sql, options, why):
    answer = rule("add", *options, "--yes")
    assert answer.exit_code == 2
    assert why in answer.stderr
    assert not sql("SELECT 1 FROM standing_rules")


def test_a_user_by_e_mail(rule, browser):
    browser("store").log_in("member")
    made = json.loads(
        rule("add", "--user", person("member").email, "--reason", "test", "--yes", "--json").stdout
    )
    assert made["user"] == person("member").id
    assert "Mia Marsh" in rule("list").stdout
    assert rule("lift", "00000000", "--yes").exit_code == 1
    assert rule("lift", "zz", "--yes").exit_code == 2
