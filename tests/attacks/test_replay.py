"""Dead and spent credentials presented again: after a logout, after a revocation, after a rotation."""

from functools import partial

import pytest
from http_helpers import REFRESH, SESSION, credentials, give, set_cookies, tokens
from session_fixtures import together
from support import person

from shopforum.sessions import Reason, Scope
from shopforum.sessions.audit import Client

CLIENT = Client("192.0.2.20", "an admin", "request-1")
CART = "/shopping-cart"


def knocks(sql):
    return [
        (row["kind"], row["count"], row["address"])
        for row in sql("SELECT kind, count, host(last_address) AS address FROM session_flags")
    ]


def rotated(client, later):
    """Have the session id replaced, and the new one shown; returns the pair before."""
    before = credentials(client)
    later(11 * 60)
    client.get(CART, status=200)
    assert credentials(client) != before
    client.get(CART, status=200)
    return before


def test_after_a_logout_the_pair_is_dead_seen_and_touches_nobody_else(store, browser, idp, sql, thief):
    elsewhere = browser("store")
    elsewhere.log_in("shopper")
    store.log_in("shopper")
    stolen = credentials(store)
    [token] = sql("SELECT refresh_token_id AS id FROM sessions ORDER BY created_at DESC LIMIT 1")
    form = next(form for form in store.get(CART).forms.values() if form.action == "/logout")
    idp.forget_calls()
    form.submit(status=303)
    assert [f"{call['method']} {call['path']}" for call in idp.calls()] == [
        f"DELETE /api/jwt/refresh/{token['id']}"
    ]
    idp.forget_calls()
    for _ in range(3):
        answer = thief("store", stolen).get(CART, status=302)
        assert "/login" in answer.headers["Location"]
        assert not {SESSION, REFRESH} & set(set_cookies(answer))
    assert idp.calls() == []
    assert knocks(sql) == [("session_use_after_expire", 3, "203.0.113.66")]
    elsewhere.get(CART, status=200)
    assert len(sql("SELECT 1 FROM sessions WHERE ended_at IS NULL")) == 1


def test_a_pair_that_idled_out_after_a_logout_does_not_come_back_by_its_refresh_token(
    store, idp, sql, thief, idle_out
):
    """Not even where FusionAuth was never told and would still honour the token."""
    store.log_in("shopper")
    stolen = credentials(store)
    form = next(form for form in store.get(CART).forms.values() if form.action == "/logout")
    idp.hook("fail", path="/api/jwt/refresh", method="DELETE", times=1, status=503)
    form.submit(status=303)
    idle_out()
    [user] = sql("SELECT user_id FROM sessions")
    assert len(tokens(idp, user["user_id"])) == 1
    idp.forget_calls()
    thief("store", stolen).get(CART, status=302)
    assert idp.calls() == []


@pytest.mark.parametrize("round_", range(3))
def test_a_logout_beats_the_tabs_that_are_still_loading(store, sql, thief, idle_out, round_):
    """Cookies of a late response are dead, and no tab is shown an error."""
    store.log_in("shopper")
    form = next(form for form in store.get(CART).forms.values() if form.action == "/logout")
    pair = credentials(store)
    idle_out()
    tabs = [thief("store", pair) for _ in range(5)]
    *answers, goodbye = together(
        *[partial(tab.get, CART, status="*") for tab in tabs], partial(form.submit, status="*")
    )
    assert {answer.status_int for answer in answers} <= {200, 302}
    assert goodbye.status_int == 303
    for tab in [*tabs, store, thief("store", pair)]:
        tab.get(CART, status=302)
    assert sql("SELECT 1 FROM sessions WHERE ended_at IS NULL") == []


def test_a_spent_pair_ends_the_session_and_the_owner_reads_why(store, idp, sql, thief, later):
    store.log_in("shopper")
    stolen = rotated(store, later)
    later(61)
    idp.forget_calls()
    thief("store", stolen).get(CART, status=302)
    assert [call["method"] for call in idp.calls()] == ["DELETE"]
    page = store.get(CART, status=302).follow(status=200)
    assert "Two copies of this session" in page.text
    [event] = sql("SELECT detail FROM audit_log WHERE event = 'authn_token_reuse'")
    assert event["detail"]["reason"] == "replayed"


def test_within_the_grace_the_pair_before_is_served_and_gets_no_cookie(store, sql, later):
    store.log_in("shopper")
    before = rotated(store, later)
    straggler = store.get(
        CART, headers={"Cookie": "; ".join(f"{k}={v}" for k, v in before.items())}, status=200
    )
    assert set_cookies(straggler) == {}
    store.get(CART, status=200)


def test_each_replaced_pair_has_a_grace_of_its_own(store, sql, thief, later):
    store.log_in("shopper")
    oldest = rotated(store, later)
    later(61)
    newer = rotated(store, later)
    thief("store", newer).get(CART, status=200)
    thief("store", oldest).get(CART, status=302)
    store.get(CART, status=302)


@pytest.mark.parametrize("every", [1, 5])
@pytest.mark.parametrize("adopts", [True, False], ids=["a browser", "a loop with fixed cookies"])
def test_a_thief_with_both_cookies_is_found_within_three_rotations(store, sql, thief, every, adopts, later):
    """Both go on, the thief polling each minute; whoever is left with a pair of another branch comes back with it."""
    store.log_in("shopper")
    pair = credentials(store)
    copy = thief("store", pair)
    minutes = 0
    while minutes < 30:
        minutes += 1
        later(60)
        if not adopts:
            copy = thief("store", pair)
        if copy.get(CART, status="*").status_int == 302:
            break
        if minutes % every == 0 and store.get(CART, status="*").status_int == 302:
            break
    [row] = sql("SELECT coalesce(end_reason, quarantine_reason) AS why FROM sessions")
    # A thief who shows nothing of what he gets, and is always first, starves the session until it asks for the password.
    assert row["why"] == ("replayed" if adopts else "successors_unshown")
    assert {row["a"] for row in sql("SELECT host(address) AS a FROM session_places")} == {
        "127.0.0.1",
        "203.0.113.66",
    }
    for client in (store, copy):
        client.get(CART, status=302)


def test_a_revoked_session_stays_revoked_through_every_later_act_of_its_owner(store, browser, sql, thief):
    """Logging in again, elsewhere or here, brings no older session back."""
    store.log_in("shopper")
    stolen = credentials(store)
    sql("UPDATE sessions SET ended_at = now(), end_reason = 'revoked'")
    browser("store").log_in("shopper")
    store.log_in("shopper")
    thief("store", stolen).get(CART, status=302)
    give(store, stolen)
    assert credentials(store)[SESSION] == stolen[SESSION]
    store.get(CART, status=302)
    assert person("shopper").first_name not in store.get("/").text


def test_an_answer_that_comes_after_a_login_in_the_same_browser_does_not_clear_its_cookies(store, browser):
    """Another tab's request, sent with the old cookies and answered when the login had been."""
    store.log_in("shopper")
    old = credentials(store)
    page = store.get("/login?why=fresh")
    form = next(form for form in page.forms.values() if "password" in form.fields)
    form["password"] = person("shopper").password
    form.submit(status=302)
    late = give(browser("store"), old).get("/shopping-cart", status=302)
    assert "why=superseded" in late.headers["Location"]
    assert not {SESSION, REFRESH} & set_cookies(late).keys()


@pytest.mark.parametrize("how", ["logout", "revoked", "replayed"])
def test_a_late_answer_about_a_dead_session_leaves_the_cookies_of_a_newer_login(
    store, sql, apps, thief, how, later
):
    """Sent with the old cookies, and answered when the browser has logged in again."""
    store.log_in("shopper")
    old = rotated(store, later) if how == "replayed" else credentials(store)
    later(61)
    if how == "logout":
        next(form for form in store.get(CART).forms.values() if form.action == "/logout").submit(status=303)
    elif how == "revoked":
        apps["store"].services.sessions.revoke(
            Scope(everyone=True), Reason("admin", "carol", "incident"), CLIENT
        )
    late = thief("store", old).get(CART, status=302)
    assert not {SESSION, REFRESH} & set(set_cookies(late))


def test_a_copy_in_its_grace_signs_nobody_out(store, browser, later, thief):
    """It is served, since it may be a request under way, but never with the rights of a fresh password."""
    other = browser("store")
    other.log_in("shopper")
    store.log_in("shopper")
    copied = thief("store", rotated(store, later))
    page = copied.get("/account/sessions", status=200)
    form = next(form for form in page.forms.values() if form.action.endswith("/revoke-others"))
    answer = form.submit(status="*")
    assert answer.status_int in (302, 303)
    assert "/login" in answer.headers["Location"]
    other.get(CART, status=200)
