"""The attacks of the published workflow, A1 to A4: refused, seen and undone."""

import pytest
from http_helpers import REFRESH, SESSION, credentials, set_cookies
from support import person

CART = "/shopping-cart"
LOGIN = "/login?next=%2Fshopping-cart"


def refused(answer):
    assert answer.status_int == 302
    assert answer.headers["Location"].startswith(LOGIN)
    return not {SESSION, REFRESH} & set_cookies(answer).keys()


@pytest.mark.parametrize("session_id", ["", "A" * 43, "not-even-a-session-id"])
def test_a1_a_stolen_refresh_token_is_refused_without_asking_fusionauth(store, idp, sql, thief, session_id):
    store.log_in("shopper")
    idp.forget_calls()
    stolen = {REFRESH: credentials(store)[REFRESH], **({SESSION: session_id} if session_id else {})}
    assert refused(thief("store", stolen).get(CART))
    assert idp.calls() == []
    [flag] = sql("SELECT kind, host(last_address) AS address FROM session_flags")
    assert (flag["kind"], flag["address"]) == ("refresh_without_session", "203.0.113.66")
    [event] = sql("SELECT * FROM audit_log WHERE event = 'refresh_without_session'")
    assert event["session_id"] is not None
    store.get(CART, status=200)


def test_a2_a_stolen_session_id_is_refused_and_extends_nothing(store, sql, thief, later):
    store.log_in("shopper")
    later(21 * 60)
    before = sql("SELECT idle_end, last_seen_at FROM sessions")
    assert refused(thief("store", {SESSION: credentials(store)[SESSION]}).get(CART))
    assert sql("SELECT idle_end, last_seen_at FROM sessions") == before
    assert [row["kind"] for row in sql("SELECT kind FROM session_flags")] == ["session_without_refresh_token"]
    assert sql("SELECT 1 FROM audit_log WHERE event = 'session_without_refresh_token'")
    store.get(CART, status=200)


def test_a3_a_spent_pair_that_comes_back_ends_the_session_here_and_upstream(
    store, idp, sql, idle_out, thief, later
):
    store.log_in("shopper")
    copied = thief("store", credentials(store))
    idle_out()
    store.get(CART, status=200)
    store.get(CART, status=200)
    later(61)
    idp.forget_calls()
    copied.get(CART, status=302)
    assert [call["method"] for call in idp.calls("/api/jwt/refresh")] == ["DELETE"]
    store.get(CART, status=302)
    [event] = sql("SELECT host(address) AS address FROM audit_log WHERE event = 'authn_token_reuse'")
    assert event["address"] == "203.0.113.66"
    assert {row["address"] for row in sql("SELECT host(address) AS address FROM session_places")} >= {
        "127.0.0.1"
    }


def test_a4_an_admin_sees_the_second_place_and_the_next_request_is_refused(store, admin, idp, sql, thief):
    store.log_in("shopper")
    copied = thief("store", credentials(store))
    copied.get(CART, status=200)
    admin.log_in("responder")
    [row] = sql("SELECT id FROM sessions WHERE site = 'store'")
    page = admin.get(f"/sessions/{row['id']}", status=200)
    assert "203.0.113.66" in page.text
    assert "127.0.0.1" in page.text
    idp.forget_calls()
    form = next(form for form in page.forms.values() if form.action.endswith("/sessions/revoke"))
    form["reason"] = "suspected_theft"
    form["user_text"] = "Somebody copied your cookies; <b>your cart is safe</b>."
    confirm = form.submit()
    while confirm.status_int == 200:
        form = next(form for form in confirm.forms.values() if form.action.endswith("/sessions/revoke"))
        confirm = form.submit("confirm", value="1") if "confirm" in form.fields else form.submit()
    assert confirm.status_int == 303
    copied.get(CART, status=302)
    told = store.get(CART, status=302).follow(status=200)
    assert "A security admin ended this session" in told.text
    assert "&lt;b&gt;your cart is safe" in told.text
    assert "DELETE" in [call["method"] for call in idp.calls("/api/jwt/refresh")]
    store.log_in("shopper")
    store.get(CART, status=200)
    assert person("shopper").first_name in store.get(CART).text
