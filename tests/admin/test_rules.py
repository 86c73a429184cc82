"""Standing rules from the console: made beside an end or alone, seen, counted and lifted."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any
from uuid import uuid4

import pytest
from admin.test_plans import MANY, PLACES
from page_forms import form_of
from support import Browser, person
from webtest import TestResponse

from shopforum.operations import limits
from shopforum.sessions import Reason, Rule, Session, ShutOut
from shopforum.sessions.audit import Client

Console = Callable[[str], Browser]
Started = Callable[..., Any]


def ask(client: Browser, status: int = 200, **fields: str) -> TestResponse:
    """Fill in the form for a rule, and send it."""
    form = form_of(client.get("/rules"), "/rules")
    for name, value in {"reason": "incident", **fields}.items():
        form[name] = value
    return form.submit(status=status)


def add(client: Browser, **fields: str) -> TestResponse:
    """The same, and confirm it."""
    return form_of(ask(client, **fields), "/rules").submit(status=303)


def lift(client: Browser) -> TestResponse:
    """Lift the first rule in force."""
    asked = client.get("/rules").click("Lift…", index=0)
    form = form_of(asked, asked.request.path)
    form["text"] = "it was the office"
    return form.submit(status=303)


def test_end_a_network_and_keep_it_out(console: Console, started: Started, browser: Callable[..., Browser]):
    thief = started("shopper", address="203.0.113.9")
    client = console("responder")
    asked = client.get("/sessions/revoke?filter=ip%3D203.0.113.0/24%26site%3Dstore")
    assert "Everybody from 203.0.113.0/24, on store" in asked
    form = form_of(asked, "/sessions/revoke")
    form["reason"], form["block"] = "suspected_theft", True
    receipt = form.submit().follow()
    assert "Everybody from 203.0.113.0/24, on store" in receipt
    assert thief.browser.get("/shopping-cart").status_int == 302
    browser("store", "203.0.113.77").log_in("member", status=403)
    assert browser("store", "198.51.100.7").log_in("member").status_int == 302, "others may"
    page = client.get("/rules")
    assert "1 time" in page
    asked = page.click("Lift…")
    assert "refused until" in asked
    over = lift(client).follow()
    assert "The rule is lifted" in over
    assert "lifted by responder@harbour.example" in over
    form = form_of(asked, asked.request.path)
    form["text"] = "again"
    assert "rule was over already" in form.submit().follow()
    assert "it was the office" in client.get("/audit?event=standing_rule_lifted")
    assert browser("store", "203.0.113.77").log_in("member").status_int == 302


def test_suspend_a_member_on_the_forums(console: Console, started: Started, browser: Callable[..., Browser]):
    one = started("member", "forums")
    client = console("responder")
    asked = client.get(f"/users/{one.user_id}").click("Suspend on the forums")
    form = form_of(asked, "/sessions/revoke")
    assert form["block"].checked
    form["reason"], form["span"] = "incident", "604800"
    form.submit(status=303)
    assert one.browser.get("/posts").status_int == 302
    browser("forums").log_in("member", status=422)
    assert browser("store").log_in("member").status_int == 302, "the store is not refused"
    person = client.get(f"/users/{one.user_id}")
    assert "Refused by deny rules" in person
    assert "on forums" in person


def test_a_rule_alone(console: Console, started: Started):
    one = started("shopper", address="203.0.113.9")
    client = console("responder")
    assert "No rule is in force" in client.get("/rules")
    page = add(client, network="203.0.113.0/25", text="INC-9").follow()
    assert "The rule is in force" in page
    assert "Everybody from 203.0.113.0/25, on all sites" in page
    assert "INC-9" in page
    assert one.browser.get("/shopping-cart").status_int == 302, "pages are refused, too"
    assert "Deny rule added" in client.get("/audit?event=standing_rule_added")


NONSENSE: list[tuple[dict[str, str], str]] = [
    ({}, "Name a user, a network or a device."),
    ({"on_site": "store"}, "Name a user, a network or a device."),
    ({"network": "300.1.1.1"}, "an address or a block"),
    ({"user": "sam"}, "this is not an id"),
    ({"network": "203.0.113.9", "reason": ""}, "Reason: choose one."),
    ({"network": "127.0.0.0/12"}, "refuse you"),
    ({"device": "d" * 101}, "at most 100"),
]


def test_rules_that_make_no_sense(console: Console, sql: Any):
    owner = console("owner")
    for fields, why in NONSENSE:
        assert why in ask(owner, status=422, **fields), fields
    assert not sql("SELECT 1 AS one FROM standing_rules")


@pytest.mark.parametrize(
    "fields",
    [
        {"device": "curl"},
        {"network": "10.0.0.0/8"},
        {"network": "10.0.0.0/12", "on_site": "store"},
        {"network": "10.0.0.0/15"},
        {"network": "2000::/3"},
        {"network": "2001:db8::/31"},
    ],
)
def test_a_rule_that_refuses_anybody_takes_an_owner_and_a_fresh_password(
    console: Console, fields: dict[str, str], sql: Any, later: Any
):
    responder, owner = console("responder"), console("owner")
    assert "a part of the internet that nobody holds alone" in ask(responder, status=403, **fields)
    asked = ask(owner, **fields)
    later(301)
    assert "why=fresh" in form_of(asked, "/rules").submit(status=302).location
    assert not sql("SELECT 1 AS one FROM standing_rules")
    sql("UPDATE sessions SET authenticated_at = now() RETURNING 1 AS one")
    form_of(asked, "/rules").submit(status=303)
    # And as much to lift it.
    path = owner.get("/rules").click("Lift…").request.path
    responder.get(path, status=403)
    csrf = form_of(responder.get("/rules"), "/logout")["csrf_token"].value
    fields = {"csrf_token": csrf, "confirm": "yes", "text": "mine"}
    responder.post(path, fields, status=403)
    later(301)
    assert "why=fresh" in owner.get(path, status=302).location
    assert sql("SELECT 1 AS one FROM standing_rules WHERE lifted_at IS NULL")
    sql("UPDATE sessions SET authenticated_at = now() RETURNING 1 AS one")
    lift(owner)
    assert not sql("SELECT 1 AS one FROM standing_rules WHERE lifted_at IS NULL")


def test_a_rule_is_shown_before_it_is_made(console: Console, started: Started, sql: Any):
    one = started("shopper", address="203.0.113.9")
    client = console("responder")
    asked = ask(
        client, network="203.0.113.0/25", on_site="store", span="3600", text="INC-9", user_text="Hello."
    )
    assert "Everybody from 203.0.113.0/25, on store" in asked
    assert "for 1 hour" in asked
    assert "Sam Shore" in asked
    assert not sql("SELECT 1 AS one FROM standing_rules")
    assert one.browser.get("/shopping-cart").status_int == 200
    # It refuses those who sign in meanwhile in any case.
    started("member", address="203.0.113.10")
    form_of(asked, "/rules").submit(status=303)
    [row] = sql("SELECT *, round(extract(epoch FROM until - created_at)) AS seconds FROM standing_rules")
    assert (str(row["network"]), row["site"], int(row["seconds"])) == ("203.0.113.0/25", "store", 3600)
    assert (row["reason_code"], row["reason_admin"], row["reason_user"]) == ("incident", "INC-9", "Hello.")


def test_a_rule_for_many_is_weighed_as_their_end(console: Console, sql: Any):
    sql(MANY, count=limits.LARGE + 1)
    sql(PLACES)
    fields = {"network": "203.0.113.0/24"}
    assert "reaches 101 people" in ask(console("responder"), status=403, **fields)
    client = console("owner")
    form = form_of(ask(client, **fields), "/rules")
    wrong = form.submit(status=422)
    assert "Type 101, the number of sessions" in wrong
    form = form_of(wrong, "/rules")
    form["number"] = "101"
    form.submit(status=303)
    form = form_of(
        client.get("/rules").click("Lift…"), form_action := client.get("/rules").click("Lift…").request.path
    )
    form["text"] = "over"
    assert "Type 101" in form.submit(status=422)
    assert form_action.endswith("/lift")


def test_a_rule_that_has_come_to_reach_many_is_shown_again(console: Console, started: Started, sql: Any):
    started("shopper", address="203.0.113.9")
    client = console("owner")
    form = form_of(ask(client, network="203.0.113.0/24"), "/rules")
    sql(MANY, count=limits.LARGE + 1)
    sql(PLACES)
    form.submit(status=422)
    again = client.post("/rules", dict(form.submit_fields()) | {"number": str(limits.LARGE + 2)}, status=409)
    assert "Many more sessions match now" in again
    assert not sql("SELECT 1 AS one FROM standing_rules")


def test_a_rule_beside_the_end_of_one_session_is_no_way_around(console: Console, started: Started, sql: Any):
    one = started("shopper", address="203.0.113.9")
    sql(MANY, count=limits.LARGE + 1)
    sql(PLACES)
    sql("UPDATE sessions SET idle_end = now() WHERE id <> :id RETURNING 1 AS one", id=one.id)
    path = "/sessions/revoke?filter=ip%3D203.0.113.0/24%26state%3Dactive"
    for role, status in (("responder", 403), ("owner", 422)):
        form = form_of(console(role).get(path), "/sessions/revoke")
        form["reason"], form["block"] = "incident", True
        answer = form.submit(status=status)
    assert "The rule would refuse 102 sessions, not only those shown here" in answer
    assert not sql("SELECT 1 AS one FROM standing_rules")
    assert one.browser.get("/shopping-cart").status_int == 200


@pytest.mark.parametrize("known", ["signed in", "seen", "never seen"])
def test_a_responder_keeps_no_owner_out_of_the_console(
    console: Console, browser: Callable[..., Browser], sql: Any, known: str
):
    owner = person("owner").id
    if known != "never seen":
        browser("admin", "203.0.113.9").log_in("owner")
    if known == "seen":
        sql("UPDATE sessions SET ended_at = now(), end_reason = 'logout' RETURNING 1 AS one")
    client = console("responder")
    tries = [{"user": owner}, {"user": owner, "on_site": "admin", "span": "31536000"}]
    if known != "never seen":
        tries += [{"network": "203.0.113.9"}, {"network": "203.0.113.0/24", "on_site": "admin"}]
    for fields in tries:
        assert "it takes an owner. Ask an owner" in ask(client, status=403, **fields)
    sql(
        "UPDATE sessions SET ended_at = now(), end_reason = 'x' WHERE 'owner' = ANY (roles) AND ended_at IS NULL RETURNING 1 AS one"
    )
    asked = client.get(f"/sessions/revoke?user={owner}&block=1")
    form = form_of(asked, "/sessions/revoke")
    form["reason"] = "incident"
    assert "it takes an owner. Ask an owner" in form.submit(status=403)
    assert not sql("SELECT 1 AS one FROM standing_rules")
    # At the store an owner is a customer like any other.
    add(client, user=owner, on_site="store")


def test_rules_in_slices_are_stopped_at_a_hundred_people(console: Console, sql: Any):
    sql(MANY, count=limits.PEOPLE)
    users = [row["user_id"] for row in sql("SELECT user_id FROM sessions")]
    sql("UPDATE sessions SET address = '203.0.113.8' WHERE user_id = :id RETURNING 1 AS one", id=users[0])
    sql(PLACES)
    client = console("responder")
    add(client, network="203.0.113.7", on_site="store")
    add(client, network="203.0.113.8", on_site="store")
    form = form_of(ask(client, user=str(uuid4()), on_site="store"), "/rules")
    assert "101 people would be reached within an hour" in form.submit(status=403)
    assert len(sql("SELECT 1 AS one FROM standing_rules")) == 2
    [row] = sql("SELECT id FROM sessions WHERE user_id = :id", id=users[0])
    form = form_of(client.get(f"/sessions/revoke?session={row['id']}"), "/sessions/revoke")
    form["reason"] = "incident"
    # A person who was reached before is not counted again.
    form.submit(status=303)


def test_while_the_provider_is_away_nobody_is_taken_for_a_customer(console: Console, idp: Any):
    client = console("responder")
    idp.hook("fail", path="/api/user", times=5, status=503)
    fields = {"user": person("shopper").id}
    assert "FusionAuth does not answer" in ask(client, status=403, **fields)
    add(client, **fields, on_site="store")


def test_of_two_owners_who_refuse_each_other_one_is_left(apps: dict[str, Any], console: Console, sql: Any):
    console("owner")
    console("responder")
    sql("UPDATE sessions SET roles = '{owner}' RETURNING 1 AS one")
    sessions = apps["admin"].services.sessions
    owners = [
        Session(
            row["id"],
            "admin",
            row["user_id"],
            row["user_name"],
            row["user_email"],
            frozenset({"owner"}),
            0,
            0,
            9,
        )
        for row in sql("SELECT * FROM sessions")
    ]
    start = Barrier(2)

    def refuse(me: Session, other: Session) -> bool:
        start.wait()
        try:
            sessions.add_rule(
                Rule(60, user_id=other.user_id),
                Reason("admin", me.user_email, "x"),
                Client("127.0.0.1"),
                maker=me,
            )
        except ShutOut:
            return False
        return True

    for _ in range(5):
        with ThreadPoolExecutor(2) as pool:
            assert sorted(pool.map(refuse, owners, owners[::-1])) == [False, True]
        assert len(sql("SELECT 1 AS one FROM standing_rules")) == 1
        sql("DELETE FROM standing_rules RETURNING 1 AS one")


def test_a_rule_that_is_not_there(console: Console):
    client = console("responder")
    csrf = form_of(client.get("/rules"), "/logout")["csrf_token"].value
    for key in ("1", "x" * 100, "00000000-0000-0000-0000-000000000000"):
        client.get(f"/rules/{key}/lift", status=404)
        client.post(f"/rules/{key}/lift", {"csrf_token": csrf}, status=404)


def test_a_viewer_reads_and_changes_nothing(console: Console):
    add(console("responder"), network="203.0.113.9")
    page = console("viewer").get("/rules")
    assert "203.0.113.9" in page
    assert "/lift" not in page
    assert "Add a rule" not in page
