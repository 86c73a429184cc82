"""Standing rules from the console: made beside an end or alone, seen, counted and lifted."""

from collections.abc import Callable
from typing import Any

import pytest
from support import Browser
from webtest import TestResponse

Console = Callable[[str], Browser]
Started = Callable[..., Any]


def form_of(page: TestResponse, action: str = "/sessions/revoke") -> Any:
    return next(form for form in page.forms.values() if form.action == action)


def add(client: Browser, status: int = 303, **fields: str) -> TestResponse:
    form = form_of(client.get("/rules"), "/rules")
    for name, value in {"reason": "incident", **fields}.items():
        form[name] = value
    return form.submit(status=status)


def test_end_a_network_and_keep_it_out(console: Console, started: Started, browser: Callable[..., Browser]):
    thief = started("shopper", address="203.0.113.9")
    client = console("responder")
    asked = client.get("/sessions/revoke?filter=ip%3D203.0.113.0/24%26site%3Dstore")
    assert "everybody from 203.0.113.0/24, on store" in asked
    form = form_of(asked)
    form["reason"], form["block"] = "suspected_theft", True
    receipt = form.submit().follow()
    assert "everybody from 203.0.113.0/24, on store" in receipt
    assert thief.browser.get("/shopping-cart").status_int == 302
    browser("store", "203.0.113.77").log_in("member", status=403)
    assert browser("store", "198.51.100.7").log_in("member").status_int == 302, "others may"
    page = client.get("/rules")
    assert "1 time" in page
    lift = next(form for form in page.forms.values() if form.action.endswith("/lift"))
    over = lift.submit().follow()
    assert "The rule is lifted" in over
    assert "lifted by responder@harbour.example" in over
    assert "rule was over already" in lift.submit().follow()
    assert browser("store", "203.0.113.77").log_in("member").status_int == 302


def test_suspend_a_member_on_the_forums(console: Console, started: Started, browser: Callable[..., Browser]):
    one = started("member", "forums")
    client = console("responder")
    asked = client.get(f"/users/{one.user_id}").click("Suspend on the forums")
    form = form_of(asked)
    assert form["block"].checked
    form["reason"], form["span"] = "incident", "604800"
    form.submit(status=303)
    assert one.browser.get("/posts").status_int == 302
    browser("forums").log_in("member", status=422)
    assert browser("store").log_in("member").status_int == 302, "the store is not refused"
    person = client.get(f"/users/{one.user_id}")
    assert "Refused just now" in person
    assert "on forums" in person


def test_a_rule_alone(console: Console, started: Started):
    one = started("shopper", address="203.0.113.9")
    client = console("responder")
    assert "Nothing is refused just now" in client.get("/rules")
    page = add(client, network="203.0.113.0/25", text="INC-9").follow()
    assert "The rule is in force" in page
    assert "everybody from 203.0.113.0/25, on all sites" in page
    assert "INC-9" in page
    assert one.browser.get("/shopping-cart").status_int == 302, "pages are refused, too"
    assert "Rule put into force" in client.get("/audit?event=standing_rule_added")


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({}, "Name a user, a network or a device."),
        ({"on_site": "store"}, "Name a user, a network or a device."),
        ({"network": "300.1.1.1"}, "an address or a block"),
        ({"user": "sam"}, "this is not an id"),
        ({"network": "203.0.113.9", "reason": ""}, "Reason: choose one."),
        ({"network": "127.0.0.0/12"}, "shut you out"),
        ({"device": "d" * 101}, "at most 100"),
    ],
)
def test_rules_that_make_no_sense(console: Console, fields: dict[str, str], why: str, sql: Any):
    assert why in add(console("owner"), status=422, **fields)
    assert not sql("SELECT 1 AS one FROM standing_rules")


@pytest.mark.parametrize("fields", [{"device": "curl"}, {"network": "10.0.0.0/8"}, {"network": "2000::/3"}])
def test_what_refuses_anybody_takes_the_permission_for_sites(console: Console, fields: dict[str, str]):
    add(console("responder"), status=403, **fields)
    add(console("owner"), status=303, **fields)


def test_a_rule_that_is_not_there(console: Console):
    client = console("responder")
    csrf = form_of(client.get("/rules"), "/logout")["csrf_token"].value
    for key in ("1", "x" * 100, "00000000-0000-0000-0000-000000000000"):
        client.post(f"/rules/{key}/lift", {"csrf_token": csrf}, status=404)


def test_a_viewer_reads_and_changes_nothing(console: Console):
    add(console("responder"), network="203.0.113.9")
    page = console("viewer").get("/rules")
    assert "203.0.113.9" in page
    assert "/lift" not in page
    assert "Add a rule" not in page
