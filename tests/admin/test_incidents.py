"""Incidents: opened, contained while people sign in, watched, noted, reported, closed."""

import csv
import io
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import pytest
from admin.test_plans import MANY, PLACES
from page_forms import form_of
from support import Browser, person
from waiting import eventually
from webtest import TestResponse

from shopforum.core.read_only_database import ReadOnlyDatabase
from shopforum.operations import containing, incidents, limits
from shopforum.sessions import deny_rules
from shopforum.sessions.audit import Client

Console = Callable[[str], Browser]
Started = Callable[..., Any]

_WAITING = """SELECT count(*) AS waiting FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'"""

# Nobody who has a session.
MEMBER = "70ede393-d226-5e56-9f16-31b79e2b724b"


def begin(client: Browser, status: int = 303, **fields: str) -> TestResponse:
    form = form_of(client.get("/incidents"), "/incidents")
    given = {"name": "Stuffing from 203.0.113.0/24", "ticket": "INC-7", "user_text": "Choose a new password."}
    for name, value in (given | fields).items():
        form[name] = value
    return form.submit(status=status)


def ask_to_contain(page: TestResponse) -> TestResponse:
    return page.click("Contain…")


def submit(asked: TestResponse, status: int = 303, **fields: str) -> TestResponse:
    form = form_of(asked, asked.request.path)
    for name, value in fields.items():
        form[name] = value
    return form.submit(status=status)


def test_from_opening_to_closing(
    console: Console, started: Started, browser: Callable[..., Browser], sql: Any
):
    one, two = started("shopper", address="203.0.113.9"), started("member", "forums", "203.0.113.10")
    other = started("moderator", address="198.51.100.7")
    client = console("responder")
    page = begin(client, ip="203.0.113.0/24").follow()
    assert "2 alive of 2" in page
    assert "not contained" in page
    asked = ask_to_contain(page)
    assert "Everybody from 203.0.113.0/24, on all sites" in asked
    # Somebody signs in between the question and the answer.
    late = started("member", "store", "203.0.113.11")
    page = submit(asked, span="3600").follow()
    assert "0 alive of 3, checked at" in page
    assert "✓ contained" in page
    assert [each.browser.get("/shopping-cart", status="*").status_int for each in (one, late)] == [302, 302]
    assert two.browser.get("/posts").status_int == 302
    assert other.browser.get("/shopping-cart").status_int == 200
    browser("store", "203.0.113.12").log_in("member", status=403)
    page = client.get(page.request.path)
    assert "2 requests with their cookies" in page or "3 requests with their cookies" in page
    assert "INC-7" in page
    assert "Choose a new password." in page
    # The rule and the act name the incident in the audit log, in their own transactions; the rule came first.
    found = sql("SELECT event, revocation_id, detail FROM audit_log WHERE detail ? 'incident' ORDER BY id")
    assert [row["event"] for row in found] == [
        "incident_opened",
        "standing_rule_added",
        "authn_token_revoked",
    ]
    assert len({row["detail"]["incident"] for row in found}) == 1
    # Once more: nothing is left to do, and no second rule is added.
    asked_again = ask_to_contain(page)
    assert "refused already, until" in asked_again
    submit(asked_again)
    assert len(sql("SELECT 1 AS one FROM standing_rules")) == 1
    assert len(sql("SELECT 1 AS one FROM revocations WHERE initiating_entity = 'admin'")) == 1
    # A note, the report, the people.
    form = form_of(page, f"{page.request.path}/notes")
    form["text"] = "It was a botnet."
    assert "It was a botnet." in form.submit(status=303).follow()
    lines = [json.loads(line) for line in client.get(f"{page.request.path}/report").text.splitlines()]
    assert lines[0]["status"]["ended"] == 3
    assert lines[0]["status"]["alive"] == 0
    assert lines[0]["rules"][0]["ip"] == "203.0.113.0/24"
    assert lines[0]["audit_head"]
    assert {line["type"] for line in lines[1:]} == {
        "incident_opened", "standing_rule_added", "authn_token_revoked", "incident_noted"
    }  # fmt: skip
    people = list(
        csv.DictReader(io.StringIO(client.get(f"{page.request.path}/people").text.removeprefix("\ufeff")))
    )
    assert {row["user_email"] for row in people} == {person(who).email for who in ("shopper", "member")}
    assert {row["tell"] for row in people} == {
        "We have signed you out on store. Choose a new password.",
        "We have signed you out on forums, store. Choose a new password.",
    }
    assert len(sql("SELECT 1 AS one FROM audit_log WHERE event = 'incident_exported'")) == 2
    closed = form_of(page, f"{page.request.path}/close").submit(status=303).follow()
    assert "closed by responder@harbour.example" in closed
    assert "Contain…" not in closed
    assert "was closed already" in form_of(page, f"{page.request.path}/close").submit().follow()
    assert "was closed already" in form_of(asked, asked.request.path).submit().follow()
    assert "INC-7" in client.get("/incidents")


def test_the_dashboard_the_search_and_the_receipt_lead_to_an_incident(
    console: Console, started: Started, sql: Any
):
    started("shopper", address="203.0.113.9")
    client = console("responder")
    page = begin(client, ip="203.0.113.0/24").follow()
    path = page.request.path
    submit(ask_to_contain(page))
    assert "Open incident:" in client.get("/")
    for words in ("inc-7", "stuffing from", path.rpartition("/")[2][:8]):
        assert path in client.get("/search", {"q": words}).maybe_follow(), words
    [receipt] = sql("SELECT id FROM revocations WHERE initiating_entity = 'admin'")
    receipt_path = f"/revocations/{receipt['id']}"
    assert f'href="{path}"' in client.get(receipt_path)
    assert client.get(f"{receipt_path}/people").text == client.get(f"{path}/people").text
    form_of(page, f"{path}/close").submit(status=303)
    assert "Open incident:" not in client.get("/")


def test_a_user_by_e_mail_can_be_refused(console: Console, started: Started, browser: Callable[..., Browser]):
    started("shopper")
    client = console("responder")
    page = begin(client, user=person("shopper").email).follow()
    submit(ask_to_contain(page))
    browser("store").log_in("shopper", status=422)
    assert browser("store").log_in("member").status_int == 302


def test_a_filter_that_no_rule_can_say_ends_and_refuses_nothing(
    console: Console, started: Started, browser: Callable[..., Browser], sql: Any
):
    one = started("shopper")
    sql(
        "INSERT INTO session_flags (session_id, kind) VALUES (:id, 'session_reported') RETURNING 1 AS one",
        id=one.id,
    )
    client = console("responder")
    page = begin(client, flag="session_reported").follow()
    asked = ask_to_contain(page)
    assert "No deny rule can say the same" in asked
    assert "0 alive of 1" in submit(asked).follow()
    assert not sql("SELECT 1 AS one FROM standing_rules")
    assert one.browser.get("/shopping-cart").status_int == 302


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({}, "Say which sessions it is about"),
        ({"ip": "203.0.113.9", "name": " "}, "say what happened"),
        ({"ip": "300.1.1.1"}, "an address or a block"),
        ({"ip": "203.0.113.9", "user_text": "x" * 501}, "at most 500"),
        ({"ip": "203.0.113.9", "name": "x" * 121}, "at most 120"),
    ],
)
def test_incidents_that_make_no_sense(console: Console, sql: Any, fields: dict[str, str], why: str):
    page = begin(console("owner"), 422, **fields)
    assert why in page
    assert "INC-7" in page
    assert not sql("SELECT 1 AS one FROM incidents")


def test_containing_takes_what_ending_the_same_sessions_takes(console: Console, sql: Any, later: Any):
    sql(MANY, count=limits.PEOPLE + 1)
    sql(PLACES)
    responder, owner = console("responder"), console("owner")
    page = begin(responder, ip="203.0.113.0/24").follow()
    path = f"{page.request.path}/contain"
    assert "reaches 101 people" in responder.get(path, status=403)
    asked = owner.get(path)
    assert "Type 101" in submit(asked, 422, number="100")
    later(301)
    assert "why=fresh" in submit(asked, 302, number="101").location
    assert not sql("SELECT 1 AS one FROM standing_rules")
    sql("UPDATE sessions SET authenticated_at = now() RETURNING 1 AS one")
    sql(MANY, count=2)
    sql(PLACES.replace("RETURNING", "ON CONFLICT DO NOTHING RETURNING"))
    assert "0 alive of 103" in submit(asked, number="101").follow()


def test_the_own_session_and_the_own_way_stay(console: Console, sql: Any):
    client = console("owner")
    page = begin(client, ip="127.0.0.0/24").follow()
    assert "0 alive of 0" in page
    assert "Your own session matches, too, and stays" in page
    again = submit(ask_to_contain(page), 422)
    assert "would refuse you, too" in again
    assert not sql("SELECT 1 AS one FROM standing_rules")
    assert client.get("/").status_int == 200


def test_several_filters_are_one_act(
    console: Console, started: Started, browser: Callable[..., Browser], sql: Any
):
    by_ip, by_user = started("shopper", address="203.0.113.9"), started("member", address="198.51.100.8")
    other = started("moderator", address="198.51.100.7")
    client = console("responder")
    page = begin(client, ip="203.0.113.0/24").follow()
    asked = ask_to_contain(page)
    form = form_of(page, f"{page.request.path}/filters")
    assert "Say which sessions it is about" in form.submit(status=422)
    form["ip"] = "300.1.1.1"
    assert "an address or a block" in form.submit(status=422)
    form["ip"], form["user"] = "", person("member").email
    page = form.submit(status=303).follow()
    assert "nothing was ended yet" in page
    assert "2 alive of 2" in page
    assert by_ip.browser.get("/shopping-cart").status_int == 200
    # The same filter again, and a page that has shown fewer filters.
    assert "has this filter" in form.submit(status=422)
    asked = submit(asked, 409)
    assert "so nothing was done" in asked
    assert not sql("SELECT 1 AS one FROM standing_rules")
    assert "Everybody from 203.0.113.0/24, on all sites" in asked
    form = form_of(page, f"{page.request.path}/filters")
    form["flag"] = "session_reported"
    page = form.submit(status=303).follow()
    asked = ask_to_contain(page)
    assert "No deny rule can say the same as flag=session_reported" in asked
    page = submit(asked).follow()
    assert "0 alive of 2, checked at" in page
    assert [each.browser.get("/shopping-cart", status="*").status_int for each in (by_ip, by_user)] == [
        302
    ] * 2
    assert other.browser.get("/shopping-cart").status_int == 200
    browser("store", "203.0.113.12").log_in("moderator", status=403)
    browser("store", "198.51.100.8").log_in("member", status=422)
    found = sql("SELECT event FROM audit_log WHERE detail ? 'incident' ORDER BY id")
    assert [row["event"] for row in found] == [
        "incident_opened",
        "incident_filter_added",
        "incident_filter_added",
        "standing_rule_added",
        "standing_rule_added",
        "authn_token_revoked",
    ]
    [made] = sql("SELECT typed, matched FROM revocations WHERE initiating_entity = 'admin'")
    assert made["matched"] == 2
    assert made["typed"] == f"ip=203.0.113.0/24 or user={person('member').id} or flag=session_reported"
    # A rule that was lifted comes back, the other one stays.
    sql("UPDATE standing_rules SET lifted_at = now() WHERE user_id IS NOT NULL RETURNING 1")
    submit(ask_to_contain(page))
    assert len(sql("SELECT 1 AS one FROM standing_rules WHERE lifted_at IS NULL")) == 2
    assert len(sql("SELECT 1 AS one FROM standing_rules")) == 3
    first = json.loads(client.get(f"{page.request.path}/report").text.splitlines()[0])
    assert [list(one) for one in first["filters"]] == [["ip"], ["user"], ["flag"]]
    assert len(client.get(f"{page.request.path}/people").text.splitlines()) == 3
    form_of(page, f"{page.request.path}/close").submit(status=303)
    form["flag"] = "two_places"
    assert "is closed" in form.submit(status=422)


def test_a_filter_is_taken_back_and_its_rule_is_named(console: Console, sql: Any):
    client = console("responder")
    page = begin(client, ip="203.0.113.0/24").follow()
    form = form_of(page, f"{page.request.path}/filters")
    form["user"] = MEMBER
    page = form.submit(status=303).follow()
    form["user"], form["flag"] = "", "session_reported"
    page = submit(ask_to_contain(form.submit(status=303).follow())).follow()
    asked = ask_to_contain(page)
    removing = f"{page.request.path}/filters/remove"
    of_user = next(f for f in page.forms.values() if f.action == removing and "user=" in f["filter"].value)
    page = of_user.submit(status=303).follow()
    assert "a rule that is in force stays" in page
    assert "its rule is still in force" in page
    assert "so nothing was done" in submit(asked, 409), "the page has shown other filters"
    assert "does not have this filter" in of_user.submit(status=422)
    sql("UPDATE standing_rules SET lifted_at = now() WHERE user_id IS NOT NULL RETURNING 1")
    assert "still in force" not in client.get(page.request.path)
    # The first one gives its place to the next; the last one stays.
    page = form_of(page, removing).submit(status=303).follow()
    assert sql("SELECT filter, more_filters FROM incidents") == [
        {"filter": "flag=session_reported", "more_filters": []}
    ]
    assert not [form for form in page.forms.values() if form.action == removing]
    of_user["filter"] = "flag=session_reported"
    assert "has no other one" in of_user.submit(status=422)
    of_user["filter"] = "ip=x"
    assert "an address or a block" in of_user.submit(status=422)
    rows = sql(
        "SELECT detail ->> 'typed' AS typed FROM audit_log WHERE event = 'incident_filter_removed' ORDER BY id"
    )
    assert [row["typed"] for row in rows] == [f"user={MEMBER}", "ip=203.0.113.0/24"]


def test_several_rules_come_into_force_together_or_not_at_all(console: Console, sql: Any):
    client = console("owner")
    page = begin(client, ip="203.0.113.0/24").follow()
    form = form_of(page, f"{page.request.path}/filters")
    form["ip"] = "127.0.0.0/24"
    page = form.submit(status=303).follow()
    assert "would refuse you, too" in submit(ask_to_contain(page), 422)
    assert not sql("SELECT 1 AS one FROM standing_rules")
    assert not sql("SELECT 1 AS one FROM audit_log WHERE event = 'standing_rule_added'")


def test_unknown_ids_are_not_found(console: Console):
    client = console("responder")
    csrf = form_of(client.get("/rules"), "/logout")["csrf_token"].value
    for key in ("1", "x" * 100, str(uuid4())):
        for path in ("", "/contain", "/report", "/people"):
            client.get(f"/incidents/{key}{path}", status=404)
        for path in ("/contain", "/filters", "/filters/remove", "/notes", "/close"):
            client.post(f"/incidents/{key}{path}", {"csrf_token": csrf}, status=404)


def test_a_note_that_is_empty_changes_nothing(console: Console, sql: Any):
    client = console("responder")
    page = begin(client, ip="203.0.113.9").follow()
    assert "Say in a few words" in form_of(page, f"{page.request.path}/notes").submit(status=422)
    assert not sql("SELECT 1 AS one FROM audit_log WHERE event = 'incident_noted'")
    viewer = console("viewer").get(page.request.path)
    assert "Contain…" not in viewer
    assert "/notes" not in viewer


def test_two_admins_who_contain_at_the_same_moment_add_one_rule(
    console: Console, started: Started, apps: dict[str, Any], sql: Any
):
    session = started("shopper", address="203.0.113.9")
    page = begin(console("responder"), ip="203.0.113.0/24").follow()
    services = apps["admin"].services
    db = ReadOnlyDatabase(services.db)
    incident = incidents.one(db, UUID(page.request.path.rpartition("/")[2]))
    assert incident is not None

    def contain(who: str) -> UUID | None:
        client = Client("192.0.2.1")
        done = containing.contain(services.sessions, db, incident, person(who).email, client, seconds=3600)
        [rule_id] = done.rule_ids
        return rule_id

    # Both wait for the same lock, so both have come as far as they can before either adds a rule.
    with services.db.transaction() as connection, ThreadPoolExecutor(2) as pool:
        connection.execute(deny_rules.LOCK_RULES)
        both = [pool.submit(contain, who) for who in ("responder", "owner")]
        eventually(lambda: sql(_WAITING)[0]["waiting"] == len(both))
        connection.commit()
        ids = {each.result() for each in both}
    assert [row["id"] for row in sql("SELECT id FROM standing_rules")] == list(ids)
    assert len(sql("SELECT 1 AS one FROM audit_log WHERE event = 'standing_rule_added'")) == 1
    # Each has a receipt; the session counts in one of them.
    assert sql("SELECT sum(matched) AS n FROM revocations WHERE initiating_entity = 'admin'")[0]["n"] == 1
    assert session.browser.get("/shopping-cart").status_int == 302


@pytest.mark.parametrize("change", ["filter = 'ip=198.51.100.0/24'", "closed_at = now(), closed_by = 'x'"])
def test_an_incident_that_has_changed_since_it_was_read_contains_nothing(
    console: Console, started: Started, apps: dict[str, Any], sql: Any, change: str
):
    """Or a rule would refuse, for good, what a colleague was told is left alone."""
    session = started("shopper", address="203.0.113.9")
    page = begin(console("responder"), ip="203.0.113.0/24").follow()
    services = apps["admin"].services
    db = ReadOnlyDatabase(services.db)
    incident = incidents.one(db, UUID(page.request.path.rpartition("/")[2]))
    assert incident is not None
    sql(f"UPDATE incidents SET {change} RETURNING 1")
    with pytest.raises(incidents.IncidentChanged):
        containing.contain(services.sessions, db, incident, "ops", Client("192.0.2.1"), seconds=3600)
    assert not sql("SELECT 1 FROM standing_rules")
    assert not sql("SELECT 1 FROM revocations")
    assert session.browser.get("/shopping-cart").status_int == 200
