"""Incidents by the API and on the command line: opened, contained while people sign in, read as they stand."""

import json
from uuid import uuid4

import pytest
from admin.test_plans import MANY, PLACES
from click.testing import CliRunner
from support import person

from shopforum.cli import main
from shopforum.operations import limits

INCIDENT = {
    "name": "Stuffing",
    "ticket": "INC-7",
    "filter": {"ip": "203.0.113.0/24"},
    "reason": {"user_text": "Hi"},
}


def test_contained_by_the_api(call, started, browser, sql):
    one, other = started("shopper", address="203.0.113.9"), started("member", address="198.51.100.9")
    made = call("POST", "/incidents", INCIDENT, 201).json
    assert (made["state"], made["actor"], made["filter"]) == ("open", "token:robot", {"ip": "203.0.113.0/24"})
    assert (made["status"]["alive"], made["status"]["ended"]) == (1, 0)
    path = f"/incidents/{made['id']}"
    call("POST", f"{path}/contain", {"seconds": 60, "dry_run": True}, 200)
    assert one.lives
    found = call("POST", f"{path}/contain", {"seconds": 60}, 200).json
    assert (found["status"]["alive"], found["status"]["ended"], found["status"]["people"]) == (0, 1, 1)
    assert found["rules"][0]["ip"] == "203.0.113.0/24"
    assert found["revocations"][0]["matched"] == 1
    assert not one.lives
    assert other.lives
    browser("store", "203.0.113.10").log_in("moderator", status=403)
    assert call("GET", path, status=200).json["status"]["uses"] == 1
    again = call("POST", f"{path}/contain", {"seconds": 60}, 200).json
    assert len(again["rules"]) == len(again["revocations"]) == 1
    assert [row["id"] for row in call("GET", "/incidents", status=200).json["incidents"]] == [made["id"]]
    sql("UPDATE incidents SET closed_at = now(), closed_by = 'ada'")
    call("POST", f"{path}/contain", {"seconds": 60}, 409)


@pytest.mark.parametrize(
    "changes",
    [
        {"name": " "},
        {"filter": {}},
        {"filter": {"state": "active"}},
        {"filter": {"ip": "300.1.1.1"}},
        {"filter": {"device": " "}},
        {"reason": {"text": "x"}},
        {"filters": [{}]},
        {"filters": [{"ip": "203.0.113.9"}] * 21},
    ],
)
def test_incidents_that_make_no_sense(call, sql, changes):
    call("POST", "/incidents", {**INCIDENT, **changes}, 422)
    assert not sql("SELECT 1 FROM incidents")


def test_authority_goes_by_reach(caller, sql):
    weak, reader = caller("sessions:revoke", "sessions:read"), caller("sessions:read", name="reader")
    reader("POST", "/incidents", INCIDENT, 403)
    path = f"/incidents/{weak('POST', '/incidents', INCIDENT, 201).json['id']}"
    reader("POST", f"{path}/contain", {"seconds": 60}, 403)
    for act in ("filters", "filters/remove"):
        reader("POST", f"{path}/{act}", {"filter": {"ip": "203.0.113.9"}}, 403)
    assert reader("GET", path, status=200)
    assert reader("GET", f"{path}/acts", status=200).json == {"acts": [], "next": None}
    caller("events:read", name="feed")("GET", f"{path}/acts", status=403)
    sql(MANY, count=limits.PEOPLE + 1)
    sql(PLACES)
    for body in ({"seconds": 60}, {"seconds": 60, "dry_run": True}):
        assert weak("POST", f"{path}/contain", body, 403).json["missing_scope"] == "everyone:revoke"
    assert not sql("SELECT 1 FROM standing_rules")
    assert not sql("SELECT 1 FROM revocations")


def test_the_tokens_own_way_stays_open(call, sql):
    made = call("POST", "/incidents", {**INCIDENT, "filter": {"ip": "198.51.100.0/24"}}, 201).json
    answer = call("POST", f"/incidents/{made['id']}/contain", {"seconds": 60}, 422)
    assert "this token's own calls" in answer.json["detail"]
    assert not sql("SELECT 1 FROM standing_rules")
    call("GET", f"/incidents/{uuid4()}", status=404)
    call("POST", f"/incidents/{uuid4()}/contain", {"seconds": 60}, 404)
    call("GET", "/incidents?cursor=x", status=422)


def test_contained_on_the_command_line(write_ini, started, apps, sql):
    one = started("shopper", address="203.0.113.9")
    ini = write_ini()

    def run(command, *options):
        return CliRunner().invoke(
            main, ["sessions", "incident", command, ini, *options], catch_exceptions=False
        )

    assert run("open", "--name", "X").exit_code == 2
    assert run("open", "--name", " ", "--ip", "203.0.113.9").exit_code == 2
    made = json.loads(run("open", "--name", "Stolen", "--user", person("shopper").email, "--json").stdout)
    assert made["filter"] == {"user": person("shopper").id}
    assert made["actor"].startswith("cli:")
    assert "1 session of 1 user" in run("contain", made["id"][:8], "--dry-run").stdout
    assert run("contain", made["id"]).exit_code == 1, "there is no terminal to ask at"
    assert one.lives
    done = run("contain", made["id"], "--seconds", "60", "--yes", "--json")
    assert done.exit_code == 0
    assert json.loads(done.stdout)["status"]["alive"] == 0
    assert not one.lives
    assert "0 alive of 1, checked at" in run("show", made["id"][:8]).stdout
    assert run("add", made["id"], "--user", person("shopper").email).exit_code == 2, "it has this filter"
    assert "or ip=203.0.113.0/24" in run("add", made["id"][:8], "--ip", "203.0.113.0/24").stdout
    assert "add 2 deny rules" in run("contain", made["id"], "--dry-run").stdout
    assert (
        "though its filter was removed"
        in run("remove", made["id"][:8], "--user", person("shopper").email).stdout
    )
    assert run("remove", made["id"], "--ip", "203.0.113.0/24").exit_code == 2, "it is the last one"
    assert run("show", str(uuid4())).exit_code == 1
    assert run("show", "zz").exit_code == 2
    [event] = sql("SELECT agent FROM audit_log WHERE event = 'standing_rule_added'")
    assert "sessions incident contain" in event["agent"]


def test_several_filters_by_the_api(call, started, sql):
    one, two = started("shopper", address="203.0.113.9"), started("member", address="198.51.100.9")
    three = started("moderator", address="198.51.100.10")
    filters = [{"ip": "203.0.113.0/24"}, {"ip": "198.51.100.9"}]
    body = {"name": "Stuffing", "filters": filters}
    errors = call("POST", "/incidents", {**body, "filters": [filters[0], {"ip": "300.1.1.1"}]}, 422).json[
        "errors"
    ]
    assert [error["field"] for error in errors] == ["filters[1].ip"]
    made = call("POST", "/incidents", body, 201).json
    assert (made["filter"], made["filters"]) == (filters[0], filters)
    assert made["status"]["alive"] == 2
    path = f"/incidents/{made['id']}"
    call("POST", f"{path}/filters", {"filter": filters[1]}, 422)
    added = call("POST", f"{path}/filters", {"filter": {"user": person("moderator").email}}, 200).json
    assert added["filters"] == [*filters, {"user": person("moderator").id}]
    call("POST", f"{path}/contain", {"seconds": 60, "dry_run": True}, 200)
    assert one.lives
    found = call("POST", f"{path}/contain", {"seconds": 60}, 200).json
    assert (found["status"]["alive"], found["status"]["ended"]) == (0, 3)
    assert (len(found["rules"]), found["leftover_rules"]) == (3, [])
    assert not any(each.lives for each in (one, two, three))
    removed = call("POST", f"{path}/filters/remove", {"filter": filters[0]}, 200).json
    assert removed["filters"] == added["filters"][1:]
    [rule] = [rule for rule in removed["rules"] if rule["ip"] == "203.0.113.0/24"]
    assert (removed["leftover_rules"], rule["state"]) == ([rule["id"]], "in_force")
    call("POST", f"{path}/filters/remove", {"filter": filters[0]}, 422)
    sql("UPDATE incidents SET closed_at = now(), closed_by = 'ada'")
    for act in ("filters", "filters/remove"):
        call("POST", f"{path}/{act}", {"filter": {"ip": "203.0.113.77"}}, 409)
