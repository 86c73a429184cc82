"""Plans: what is shown is what is done, however large it is, and who may do it."""

import hashlib
import re
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from support import Browser
from webtest import TestResponse

from shopforum.admin import plans
from shopforum.admin.forms import Target
from shopforum.admin.reading import Reading
from shopforum.sessions import Reason
from shopforum.sessions.audit import Client

Console = Callable[[str], Browser]
Started = Callable[..., Any]

# A row for each session, live and without cookies of anybody's.
MANY = """INSERT INTO sessions (site, user_id, user_name, roles, authenticated_at, cleared_at, absolute_end, idle_end,
    last_seen_at, issued_at, promoted_at, address)
  SELECT 'store', gen_random_uuid(), 'Somebody', '{}', now(), now(), now() + interval '1 day', now() + interval '1 hour',
    now(), now(), now(), '203.0.113.7' FROM generate_series(1, :count) RETURNING 1 AS one"""
PLACES = """INSERT INTO session_places (session_id, address, agent)
  SELECT id, address, '' FROM sessions WHERE user_name = 'Somebody' RETURNING 1 AS one"""


def form_of(page: TestResponse, action: str = "/sessions/revoke") -> Any:
    return next(form for form in page.forms.values() if form.action == action)


@pytest.fixture
def crowd(sql: Any) -> Callable[[int], None]:
    """So many sessions of as many people, from one address."""

    def come(count: int) -> None:
        sql(MANY, count=count)
        sql(PLACES)

    return come


def test_thousands_by_filter_are_one_act(apps: dict[str, Any], crowd: Callable[[int], None], sql: Any):
    crowd(5_000)
    app = apps["admin"].registry
    db = Reading(app.db)
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
    assert plan.typed == "ip=203.0.113.0/24"
    reason = Reason("admin", "test", "incident")
    revocation_id = plans.carry_out(app.sessions, plan, reason, Client())
    assert not sql("SELECT 1 AS one FROM sessions WHERE ended_at IS NULL")
    (row,) = sql("SELECT matched, scope, typed FROM revocations WHERE id = :id", id=revocation_id)
    assert tuple(row.values()) == (5_000, "filter", "ip=203.0.113.0/24")


def test_more_than_can_be_ended_at_once_says_what_to_do(
    apps: dict[str, Any], crowd: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
):
    crowd(30)
    monkeypatch.setattr(plans, "MOST", 29)
    plan = plans.make(Reading(apps["admin"].registry.db), Target(filter="ip=203.0.113.7"), None)
    assert plan.scope is None
    assert "More than 29 sessions match. Narrow the filter" in plan.problem
    with pytest.raises(ValueError, match="More than 29"):
        plans.carry_out(apps["admin"].registry.sessions, plan, Reason("admin", "x", "test"), Client())


def test_everyone_is_a_target_of_its_own(apps: dict[str, Any], started: Started):
    started()
    db = Reading(apps["admin"].registry.db)
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
    form = form_of(confirm)
    assert "session" not in form.fields, "the form carries the filter, not the sessions"
    assert re.fullmatch("[0-9a-f]{64}", form["digest"].value)
    second = started("member", address="192.0.2.8")
    form["reason"] = "incident"
    again = form.submit(status=409)
    assert "has changed since you looked at it" in again
    assert first.browser.get("/shopping-cart").status_int == 200
    assert form_of(again)["reason"].value == "incident"
    form_of(again).submit(status=303)
    for one in (first, second):
        assert one.browser.get("/shopping-cart").status_int == 302


def test_a_filter_without_its_digest_is_not_carried_out(console: Console, started: Started):
    one = started(address="192.0.2.7")
    client = console("responder")
    csrf = form_of(client.get("/sessions"), "/logout")["csrf_token"].value
    fields = {"csrf_token": csrf, "filter": "ip=192.0.2.7", "reason": "test", "confirm": "yes"}
    client.post("/sessions/revoke", fields, status=409)
    assert one.browser.get("/shopping-cart").status_int == 200


def test_the_page_that_asks_can_be_reloaded_and_passed_on(console: Console, started: Started):
    one = started()
    asked = form_of(console("responder").get("/sessions")).submit("only", value=str(one.id))
    assert asked.status_int == 303
    assert asked.location.endswith(f"/sessions/revoke?session={one.id}")
    again = console("owner").get(asked.location)
    assert "End 1 session?" in again


def test_a_large_act_takes_the_number_and_a_fresh_password(
    console: Console, crowd: Callable[[int], None], sql: Any
):
    crowd(plans.LARGE + 1)
    client = console("responder")
    address = "/sessions/revoke?filter=ip%3D203.0.113.7"
    form = form_of(client.get(address))
    form["reason"] = "incident"
    answer = form.submit(status=422)
    assert f"Type {plans.LARGE + 1}, the number of sessions" in answer
    sql(
        "UPDATE sessions SET authenticated_at = now() - interval '301 seconds' WHERE site = 'admin' RETURNING 1 AS one"
    )
    assert "why=fresh" in client.get(address, status=302).location
    form = form_of(answer)
    form["number"] = f" {plans.LARGE + 1} "
    assert "why=fresh" in form.submit(status=302).location
    sql("UPDATE sessions SET authenticated_at = now() WHERE site = 'admin' RETURNING 1 AS one")
    assert "/revocations/" in form.submit(status=303).location


@pytest.mark.parametrize(
    "query", ["site=store", "state=active", "ip=0.0.0.0/0", "device=o", "created_after=2020-01-01"]
)
def test_a_filter_that_names_nobody_takes_the_permission_for_sites(
    console: Console, crowd: Callable[[int], None], query: str, sql: Any
):
    crowd(plans.LARGE + 1)
    sql("UPDATE sessions SET agent = 'Mozilla/5.0' WHERE user_name = 'Somebody' RETURNING 1 AS one")
    address = "/sessions/revoke?filter=" + query.replace("=", "%3D")
    console("responder").get(address, status=403)
    assert "Type the number of sessions" in console("owner").get(address)
    assert sql("SELECT 1 AS one FROM audit_log WHERE event = 'authz_fail'")


def test_a_selection_too_long_for_an_address_stays_in_the_form(console: Console, started: Started):
    one = started()
    client = console("responder")
    csrf = form_of(client.get("/sessions"), "/logout")["csrf_token"].value
    ids = [one.id, *(uuid4() for _ in range(200))]
    page = client.post(
        "/sessions/revoke", [("csrf_token", csrf), *(("session", str(i)) for i in ids)], status=200
    )
    assert "200 chosen sessions have ended already" in page
    form = form_of(page)
    form["reason"] = "test"
    form.submit(status=303)
    assert one.browser.get("/shopping-cart").status_int == 302


@pytest.mark.parametrize(
    "query",
    [
        "",
        "session=1",
        "user=x",
        "filter=",
        "filter=ip%3Dx",
        "session=%00",
        "site=shop",
        f"session={UUID(int=0)}",
    ],
)
def test_odd_addresses_are_told(console: Console, query: str):
    answer = console("responder").get(f"/sessions/revoke?{query}", expect_errors=True)
    assert answer.status_int in (200, 400, 422)
