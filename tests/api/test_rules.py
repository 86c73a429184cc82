"""Deny rules by the API: the console's rules, its judgement of reach, its audit."""

import pytest
from admin.test_plans import MANY, PLACES
from api.conftest import Caller
from support import person

from shopforum.api_tokens import tokens
from shopforum.operations import limits
from shopforum.sessions.audit import Client

RULE = {
    "ip": "203.0.113.0/24",
    "seconds": 600,
    "reason": {"code": "incident", "text": "case 7", "user_text": "Hi"},
}


def test_a_rule_refuses_at_once_and_is_lifted(call, started, browser, sql):
    one = started("shopper", address="203.0.113.9")
    weighed = call("POST", "/rules", {**RULE, "dry_run": True}, 200).json
    assert (weighed["id"], weighed["matched"], weighed["people"], weighed["exact"]) == (None, 1, 1, True)
    assert one.lives
    made = call("POST", "/rules", RULE, 201).json
    assert (made["ip"], made["user"], made["site"], made["device"]) == ("203.0.113.0/24", None, None, "")
    assert (made["state"], made["matched"], made["actor"]) == ("in_force", 1, "token:robot")
    assert made["reason"] == {"code": "incident", "text": "case 7", "user_text": "Hi"}
    assert not one.lives
    browser("store", "203.0.113.10").log_in("member", status=403)
    [row] = call("GET", "/rules", status=200).json["rules"]
    assert row["id"] == made["id"]
    assert row["hits"] >= 1
    path = f"/rules/{made['id']}"
    call("DELETE", f"{path}?text=it+was+the+office", status=204)
    call("DELETE", path, status=204)
    assert one.lives
    assert call("GET", "/rules", status=200).json["rules"][0]["state"] == "lifted"
    [added, lifted] = sql("SELECT * FROM audit_log WHERE event LIKE 'standing_rule_%' ORDER BY id")
    assert added["actor"] == lifted["actor"] == "token:robot"
    assert added["detail"]["rule"] == lifted["detail"]["rule"] == made["id"]
    assert added["detail"]["users"] == [str(one.user_id)]
    assert lifted["detail"]["reason_admin"] == "it was the office"


def test_a_user_is_one_person(call, started):
    one = started("member")
    address = person("member").email
    made = call(
        "POST", "/rules", {"user": address.upper(), "seconds": 60, "reason": {"code": "incident"}}, 201
    ).json
    assert made["user"] == str(one.user_id)
    assert not one.lives
    body = {"seconds": 60, "dry_run": True}
    assert "whole e-mail address" in call("POST", "/rules", {**body, "user": "memb"}, 422).json["detail"]


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"ip": None}, "Name a user, a network or a device."),
        ({"ip": None, "site": "store"}, "Name a user, a network or a device."),
        ({"ip": "300.1.1.1"}, "an address or a block"),
        ({"ip": " "}, "must be 2 characters"),
        ({"device": "  "}, "must not be blank"),
        ({"seconds": 0}, "must be 1 or more"),
        ({"seconds": 10**9}, "or less"),
        ({"seconds": None}, "is missing"),
        ({"reason": None}, "is missing"),
        ({"flag": "reported"}, "is not a known field"),
        ({"ip": "198.51.100.0/24"}, "refuse this token's own calls"),
    ],
)
def test_rules_that_make_no_sense(call, sql, changes, where):
    body = {name: value for name, value in {**RULE, **changes}.items() if value is not None}
    answer = call("POST", "/rules", body, 422)
    assert where.replace("must be 2 characters", "must") in answer.text
    assert not sql("SELECT 1 FROM standing_rules")


def test_the_makers_way_to_the_console_stays_open(apps, call, sql, browser):
    """A token whose maker the rule would keep out of the console cannot add it, whatever its scopes."""
    owner = browser("admin", "192.0.2.50")
    owner.log_in("owner")
    services = apps["admin"].services
    actor = tokens.Actor("owner@harbour.example", Client(), user_id=person("owner").id)
    made = tokens.create(services.db, services.sessions.config.secrets, "own", tokens.SCOPES, None, actor)[1]
    theirs = Caller(apps["admin"], made)
    rule = {"user": person("owner").id, "seconds": 60, "reason": {"code": "incident"}}
    theirs("POST", "/rules", rule, 422)
    assert not sql("SELECT 1 FROM standing_rules")
    theirs("POST", "/rules", {**rule, "site": "store"}, 201)


def test_authority_goes_by_reach(caller, call, started, sql):
    weak, reader = caller("sessions:revoke"), caller("sessions:read", name="reader")
    for method, path in (("GET", "/rules"), ("POST", "/rules"), ("DELETE", f"/rules/{person('owner').id}")):
        assert reader(method, path, RULE if method == "POST" else None, 403).json["missing_scope"]
    wide = {"device": "curl", "seconds": 60, "reason": {"code": "incident"}}
    assert weak("POST", "/rules", wide, 403).json["missing_scope"] == "everyone:revoke"
    assert weak("POST", "/rules", {**wide, "dry_run": True}, 403).json["missing_scope"] == "everyone:revoke"
    sql(MANY, count=limits.PEOPLE + 1)
    sql(PLACES)
    assert "101 people" in weak("POST", "/rules", RULE, 403).json["detail"]
    assert not sql("SELECT 1 FROM standing_rules")
    made = call("POST", "/rules", RULE, 201).json
    weak("DELETE", f"/rules/{made['id']}", status=403)
    assert sql("SELECT 1 FROM standing_rules WHERE lifted_at IS NULL")
    assert (
        len(sql("SELECT 1 FROM audit_log WHERE event = 'api_token_refused' AND detail ->> 'why' = 'reach'"))
        == 4
    )


def test_a_rule_is_added_once(call, sql):
    first = call("POST", "/rules", RULE, 201, Idempotency_Key="k")
    again = call("POST", "/rules", RULE, 201, Idempotency_Key="k")
    assert again.json == first.json
    assert again.headers["Idempotent-Replayed"] == "true"
    call("POST", "/rules", {**RULE, "seconds": 601}, 422, Idempotency_Key="k")
    # The process died after the commit and before the response was kept.
    sql("UPDATE api_replays SET status = NULL, answer = NULL")
    found = call("POST", "/rules", RULE, 201, Idempotency_Key="k")
    assert found.json["id"] == first.json["id"]
    assert len(sql("SELECT 1 FROM standing_rules")) == 1


def test_pages_and_what_is_not_there(call, sql):
    for site in ("store", "forums", "admin"):
        call("POST", "/rules", {**RULE, "site": site}, 201)
    first = call("GET", "/rules?limit=2", status=200).json
    rest = call("GET", f"/rules?limit=2&cursor={first['next']}", status=200).json
    assert [rule["site"] for rule in first["rules"] + rest["rules"]] == ["admin", "forums", "store"]
    assert rest["next"] is None
    call("GET", "/rules?cursor=x", status=422)
    call("DELETE", f"/rules/{person('owner').id}", status=404)
    call("DELETE", "/rules/1", status=404)
