"""Plans: what is shown is what is done, however large it is, and who may do it."""

import hashlib
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

import pytest
from page_forms import form_of
from support import Browser
from webtest import TestResponse

from shopforum.core.read_only_database import ReadOnlyDatabase
from shopforum.operations import limits, plans
from shopforum.operations.targets import Target
from shopforum.sessions import Reason, Scope, TooFar
from shopforum.sessions.audit import Client

Console = Callable[[str], Browser]
Started = Callable[..., Any]

# A row for each session, live and without cookies of anybody's.
MANY = """INSERT INTO sessions (site, user_id, user_name, roles, authenticated_at, absolute_end, idle_end,
    last_seen_at, address)
  SELECT 'store', gen_random_uuid(), 'Somebody', '{}', now(), now() + interval '1 day', now() + interval '1 hour',
    now(), '203.0.113.7' FROM generate_series(1, :count) RETURNING 1 AS one"""
PLACES = """INSERT INTO session_places (session_id, address, agent)
  SELECT id, address, '' FROM sessions WHERE user_name = 'Somebody' RETURNING 1 AS one"""


@pytest.fixture
def crowd(sql: Any) -> Callable[[int], None]:
    """So many sessions of as many people, from one address."""

    def come(count: int) -> None:
        sql(MANY, count=count)
        sql(PLACES)

    return come


def test_thousands_by_filter_are_one_act(apps: dict[str, Any], crowd: Callable[[int], None], sql: Any):
    crowd(5_000)
    app = apps["admin"].services
    db = ReadOnlyDatabase(app.db)
    plan = plans.make(db, Target(filter="ip=203.0.113.0/24"), None)
    assert (plan.matched, plan.others, plan.own, plan.users, plan.sites) == (
        5_000,
        5_000,
        False,
        5_000,
        ("store",),
    )
    assert len(plan.rows) == plans.SHOWN
    ids = sorted(str(row["id"]) for row in sql("SELECT id FROM sessions"))
    assert plan.digest == hashlib.sha256("\n".join(ids).encode()).hexdigest()
    assert plan.filter_text == "ip=203.0.113.0/24"
    reason = Reason("admin", "test", "incident")
    revocation_id = plans.carry_out(app.sessions, plan, reason, Client())
    assert not sql("SELECT 1 AS one FROM sessions WHERE ended_at IS NULL")
    (row,) = sql("SELECT matched, scope, typed FROM revocations WHERE id = :id", id=revocation_id)
    assert tuple(row.values()) == (5_000, "filter", "ip=203.0.113.0/24")


def test_more_than_can_be_ended_at_once_says_what_to_do(
    apps: dict[str, Any], crowd: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
):
    crowd(30)
    monkeypatch.setattr(Scope, "MOST", 29)
    plan = plans.make(ReadOnlyDatabase(apps["admin"].services.db), Target(filter="ip=203.0.113.7"), None)
    assert plan.scope is None
    assert "More than 29 sessions match. Narrow the filter" in plan.problem
    with pytest.raises(ValueError, match="More than 29"):
        plans.carry_out(apps["admin"].services.sessions, plan, Reason("admin", "x", "test"), Client())


def test_everyone_is_a_target_of_its_own(apps: dict[str, Any], started: Started):
    started()
    db = ReadOnlyDatabase(apps["admin"].services.db)
    plan = plans.make(db, Target(everyone=True), None)
    assert plan.scope is not None
    assert plan.scope.everyone
    assert (plan.matched, plan.digest) == (1, "")
    assert plans.make(db, Target(), None).problem


def test_a_filter_is_carried_and_what_changed_is_shown_again(console: Console, started: Started):
    first = started("shopper", address="192.0.2.7")
    client = console("responder")
    confirm = client.get("/sessions/revoke?filter=ip%3D192.0.2.0/24%26site%3Dstore")
    assert "ip=192.0.2.0/24" in confirm
    form = form_of(confirm, "/sessions/revoke")
    assert "session" not in form.fields, "the form carries the filter, not the sessions"
    assert re.fullmatch("[0-9a-f]{64}", form["digest"].value)
    second = started("member", address="192.0.2.8")
    form["reason"] = "incident"
    again = form.submit(status=409)
    assert "has changed since you looked at it" in again
    assert first.browser.get("/shopping-cart").status_int == 200
    assert form_of(again, "/sessions/revoke")["reason"].value == "incident"
    form_of(again, "/sessions/revoke").submit(status=303)
    for one in (first, second):
        assert one.browser.get("/shopping-cart").status_int == 302


def test_sign_ins_meanwhile_are_included_where_the_admin_says_so(console: Console, started: Started):
    """With a login every few seconds inside the filter, no list stays as it was shown."""
    first = started("shopper", address="192.0.2.7")
    client = console("responder")
    form = form_of(client.get("/sessions/revoke?filter=ip%3D192.0.2.0/24%26site%3Dstore"), "/sessions/revoke")
    form["reason"], form["joined"] = "incident", True
    second = started("member", address="192.0.2.8")
    form.submit(status=303)
    for one in (first, second):
        assert one.browser.get("/shopping-cart").status_int == 302


def test_the_number_that_was_shown_confirms_a_list_that_grows(console: Console, sql: Any):
    sql(MANY, count=limits.LARGE + 1)
    sql(PLACES)
    client = console("owner")
    path = "/sessions/revoke?filter=ip%3D203.0.113.0/24"
    form = form_of(client.get(path), "/sessions/revoke")
    form["reason"], form["number"], form["joined"] = "incident", str(limits.LARGE + 1), True
    sql(MANY, count=3)
    sql(PLACES.replace("RETURNING", "ON CONFLICT DO NOTHING RETURNING"))
    # Without the box it is shown again, with the number as it is now.
    form["joined"] = False
    again = form.submit(status=409)
    assert f"from {limits.LARGE + 1} to {limits.LARGE + 4} sessions" in again
    form["joined"], form["number"] = True, str(limits.LARGE)
    assert f"Type {limits.LARGE + 1}, the number of sessions" in form.submit(status=422)
    form["number"] = str(limits.LARGE + 1)
    receipt = form.submit(status=303).follow()
    assert f"{limits.LARGE + 4}" in receipt
    assert not sql("SELECT 1 AS one FROM sessions WHERE site = 'store' AND ended_at IS NULL")


def test_an_act_that_has_become_large_is_shown_again(console: Console, started: Started, sql: Any):
    started("shopper", address="203.0.113.9")
    client = console("owner")
    form = form_of(client.get("/sessions/revoke?filter=ip%3D203.0.113.0/24"), "/sessions/revoke")
    form["reason"], form["joined"] = "incident", True
    sql(MANY, count=limits.LARGE + 1)
    sql(PLACES)
    assert "Type 102" in form.submit(status=422)
    sent = dict(form.submit_fields()) | {"number": "102"}
    assert "has changed since you looked at it" in client.post("/sessions/revoke", sent, status=409)
    assert sql("SELECT 1 AS one FROM sessions WHERE site = 'store' AND ended_at IS NULL")


def test_a_filter_without_its_digest_is_not_carried_out(console: Console, started: Started):
    one = started(address="192.0.2.7")
    client = console("responder")
    csrf = form_of(client.get("/sessions"), "/logout")["csrf_token"].value
    fields = {"csrf_token": csrf, "filter": "ip=192.0.2.7", "reason": "test", "confirm": "yes"}
    client.post("/sessions/revoke", fields, status=409)
    assert one.browser.get("/shopping-cart").status_int == 200


def test_the_page_that_asks_can_be_reloaded_and_passed_on(console: Console, started: Started):
    one = started()
    asked = form_of(console("responder").get("/sessions"), "/sessions/revoke").submit(
        "only", value=str(one.id)
    )
    assert asked.status_int == 303
    assert asked.location.endswith(f"/sessions/revoke?session={one.id}")
    again = console("owner").get(asked.location)
    assert "End 1 session?" in again


def test_a_large_act_takes_the_number_and_a_fresh_password(
    console: Console, crowd: Callable[[int], None], sql: Any, later: Any
):
    crowd(limits.LARGE + 1)
    one_person = "UPDATE sessions SET user_id = :id WHERE user_name = 'Somebody' RETURNING 1 AS one"
    sql(one_person, id=uuid4())
    client = console("responder")
    address = "/sessions/revoke?filter=ip%3D203.0.113.7"
    form = form_of(client.get(address), "/sessions/revoke")
    form["reason"] = "incident"
    answer = form.submit(status=422)
    assert f"Type {limits.LARGE + 1}, the number of sessions" in answer
    later(301)
    assert "why=fresh" in client.get(address, status=302).location
    form = form_of(answer, "/sessions/revoke")
    form["number"] = f" {limits.LARGE + 1} "
    assert "why=fresh" in form.submit(status=302).location
    sql("UPDATE sessions SET authenticated_at = now() WHERE site = 'admin' RETURNING 1 AS one")
    assert "/revocations/" in form.submit(status=303).location


WIDE = (
    *("site=store", "state=active", "ip=0.0.0.0/0", "ip=203.0.113.7", "device=o", "created_after=2020-01-01"),
    *("user=@", "user=some", "user=some&ip=203.0.113.0/24"),
)


def test_an_act_on_more_than_a_hundred_people_takes_the_permission_for_sites(
    console: Console, crowd: Callable[[int], None], sql: Any
):
    crowd(limits.LARGE + 1)
    sql(
        """UPDATE sessions SET agent = 'Mozilla/5.0', user_email = 'some@body.example' WHERE user_name = 'Somebody'
        RETURNING 1 AS one"""
    )
    responder, owner = console("responder"), console("owner")
    for query in WIDE:
        for act in ("revoke", "quarantine"):
            address = f"/sessions/{act}?" + urlencode({"filter": query})
            told = responder.get(address, status=403)
            assert "it takes an owner. Ask an owner, or choose less" in told, address
            assert "Type the number of sessions" in owner.get(address), address
    assert len(sql("SELECT 1 AS one FROM audit_log WHERE event = 'authz_fail'")) == 2 * len(WIDE)


@pytest.mark.parametrize("act", ["revoke", "quarantine"])
def test_a_responder_in_slices_is_stopped_at_a_hundred_people(
    console: Console, crowd: Callable[[int], None], sql: Any, act: str
):
    crowd(limits.PEOPLE + 20)
    client = console("responder")
    ids = [str(row["id"]) for row in sql("SELECT id FROM sessions WHERE site = 'store'")]

    def end(part: list[str], status: int) -> TestResponse:
        query = urlencode({"session": part}, doseq=True)
        form = form_of(client.get(f"/sessions/{act}?{query}"), f"/sessions/{act}")
        form["reason"] = "incident"
        return form.submit(status=status)

    end(ids[:60], 303)
    end(ids[60 : limits.PEOPLE], 303)
    told = end(ids[limits.PEOPLE :], 403)
    assert "120 people would be reached within an hour" in told
    assert "Nothing was changed: ask an owner." in told
    reached = sql("SELECT 1 AS one FROM sessions WHERE ended_at IS NOT NULL OR quarantined_at IS NOT NULL")
    assert len(reached) == limits.PEOPLE


@pytest.mark.parametrize("act", ["revoke", "quarantine"])
def test_an_owner_at_the_console_is_the_owners_matter(
    console: Console, browser: Callable[..., Browser], sql: Any, act: str
):
    owner, responder = console("owner"), console("responder")
    [row] = sql("SELECT id, user_id FROM sessions WHERE 'owner' = ANY (roles)")
    csrf = form_of(responder.get("/sessions"), "/logout")["csrf_token"].value
    named = ({"session": row["id"]}, {"filter": f"user={row['user_id']}"}, {"filter": "site=admin"})
    for fields in (*named, *([{"user": row["user_id"]}] if act == "revoke" else [])):
        responder.get(f"/sessions/{act}?" + urlencode(fields), status=403)
        sent = {"csrf_token": csrf, **fields, "reason": "test", "confirm": "yes", "digest": ""}
        assert "console sessions of an owner" in responder.post(f"/sessions/{act}", sent, status=403)
    assert owner.get("/sessions").status_int == 200


def test_another_admin_at_the_console_takes_the_page_and_a_fresh_password(
    console: Console, sql: Any, later: Any
):
    viewer, responder = console("viewer"), console("responder")
    [row] = sql("SELECT id FROM sessions WHERE 'viewer' = ANY (roles)")
    form = form_of(responder.get(f"/sessions/{row['id']}"), "/sessions/revoke")
    form["reason"] = "test"
    asked = form.submit(status=200)
    assert "Console sessions of other admins are among them" in asked
    assert viewer.get("/sessions").status_int == 200
    later(301)
    assert "why=fresh" in form_of(asked, "/sessions/revoke").submit(status=302).location
    sql("UPDATE sessions SET authenticated_at = now() RETURNING 1 AS one")
    form_of(asked, "/sessions/revoke").submit(status=303)
    assert viewer.get("/sessions").status_int == 302


def test_the_limit_is_held_by_the_act_itself(apps: dict[str, Any], console: Console, sql: Any):
    """A plan is a moment old: the roles of whom it reaches may be others by now."""
    console("owner")
    app = apps["admin"].services
    sql("UPDATE sessions SET roles = '{viewer}' RETURNING 1 AS one")
    plan = plans.make(ReadOnlyDatabase(app.db), Target(filter="site=admin"), None)
    assert not plan.wide
    sql("UPDATE sessions SET roles = '{viewer,owner}' RETURNING 1 AS one")
    reason = Reason("admin", "test", "incident")
    with pytest.raises(TooFar, match="somebody who has more rights"):
        plans.carry_out(app.sessions, plan, reason, Client(), limit=limits.limit(unlimited=False))
    with pytest.raises(TooFar):
        app.sessions.quarantine(plan.ids, reason, Client(), limits.limit(unlimited=False))
    assert not sql("SELECT 1 AS one FROM sessions WHERE ended_at IS NOT NULL OR quarantined_at IS NOT NULL")
    assert not sql("SELECT 1 AS one FROM revocations")


def test_a_selection_too_long_for_an_address_stays_in_the_form(console: Console, started: Started):
    one = started()
    client = console("responder")
    csrf = form_of(client.get("/sessions"), "/logout")["csrf_token"].value
    ids = [one.id, *(uuid4() for _ in range(200))]
    page = client.post(
        "/sessions/revoke", [("csrf_token", csrf), *(("session", str(i)) for i in ids)], status=200
    )
    assert "200 chosen sessions have ended already" in page
    form = form_of(page, "/sessions/revoke")
    form["reason"] = "test"
    form.submit(status=303)
    assert one.browser.get("/shopping-cart").status_int == 302


ODD = (
    "",
    "session=1",
    "user=x",
    "filter=",
    "filter=ip%3Dx",
    "session=%00",
    "site=shop",
    f"session={UUID(int=0)}",
)


def test_odd_addresses_are_told(console: Console):
    client = console("responder")
    for query in ODD:
        answer = client.get(f"/sessions/revoke?{query}", expect_errors=True)
        assert answer.status_int in (200, 400, 422), query
