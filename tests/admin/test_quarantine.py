"""Quarantine from the console: the password first, and nothing lost."""

from collections.abc import Callable
from typing import Any

from page_forms import form_of
from support import Browser
from webtest import TestResponse

Console = Callable[[str], Browser]
Started = Callable[..., Any]
CART = "/shopping-cart"


def enter(client: Browser, session_id: Any) -> TestResponse:
    form = form_of(client.get(f"/sessions/{session_id}"), "/sessions/revoke")
    form["reason"] = "suspected_theft"
    form.action = "/sessions/quarantine"
    return form.submit()


def test_in_from_the_session_page_and_out_again(console: Console, started: Started, sql: Any):
    one, other = started("shopper"), started("member")
    client = console("responder")
    page = enter(client, one.id).follow()
    assert "nothing is served there" in page
    assert "In quarantine since" in page
    assert "Suspected theft" in page
    assert one.browser.get(CART).status_int == 302
    assert other.browser.get(CART).status_int == 200
    assert sql("SELECT 1 AS one FROM sessions WHERE id = :id AND ended_at IS NULL", id=one.id), (
        "it is not ended"
    )
    listed = client.get("/sessions?flag=quarantined")
    assert str(one.id) in listed
    assert str(other.id) not in listed
    assert "Quarantined</span>" in listed

    asked = form_of(page, "/sessions/release").submit().follow()
    assert "Release 1 session?" in asked
    form = form_of(asked, "/sessions/release")
    form.submit(status=422)
    form["text"] = "called her, she is on a train"
    assert "sessions go on as before" in form.submit().follow()
    assert one.browser.get(CART).status_int == 200
    events = client.get(f"/audit?session={one.id}")
    assert "Released from quarantine" in events
    assert "called her, she is on a train" in events


def test_by_filter_with_the_admin_left_out(console: Console, started: Started, sql: Any):
    near, far = started("shopper", address="192.0.2.5"), started("member", address="198.51.100.1")
    sql("INSERT INTO session_places (session_id, address, agent) "
        "SELECT id, '192.0.2.9', '' FROM sessions WHERE site = 'admin' RETURNING 1 AS one")  # fmt: skip
    client = console("responder")
    sql("INSERT INTO session_places (session_id, address, agent) "
        "SELECT id, '192.0.2.9', '' FROM sessions WHERE site = 'admin' RETURNING 1 AS one")  # fmt: skip
    asked = client.get("/sessions/quarantine?filter=ip%3D192.0.2.0/24")
    assert "Quarantine 1 session" in asked
    assert "It is left out" in asked
    form = form_of(asked, "/sessions/quarantine")
    form["reason"] = "incident"
    assert "flag=quarantined" in form.submit(status=303).location
    assert near.browser.get(CART).status_int == 302
    assert far.browser.get(CART).status_int == 200
    assert client.get("/sessions").status_int == 200
    asked = client.get("/sessions/quarantine?filter=ip%3D192.0.2.5", status=422)
    assert "No session matches that could still be" in asked


def test_twice_is_harmless_and_what_ended_stays_ended(console: Console, started: Started, sql: Any):
    one = started()
    client = console("responder")
    enter(client, one.id)
    page = client.get(f"/sessions/quarantine?session={one.id}")
    assert "1 chosen session has" in page
    form = form_of(page, "/sessions/quarantine")
    form["reason"] = "test"
    assert "notice=nothing_to_do" in form.submit(status=303).location
    assert len(sql("SELECT 1 AS one FROM audit_log WHERE event = 'session_quarantined'")) == 1


def test_without_a_reason_nothing_happens(console: Console, started: Started):
    one = started()
    form = form_of(console("responder").get(f"/sessions/quarantine?session={one.id}"), "/sessions/quarantine")
    assert "Reason: choose one." in form.submit(status=422)
    assert one.browser.get(CART).status_int == 200
