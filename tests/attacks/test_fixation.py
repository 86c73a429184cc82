"""Fixation: whatever is planted before a login is worth nothing after it, on every site and every way in."""

import pytest
from http_helpers import REFRESH, SESSION, credentials, give, set_cookies
from support import person

WHO = {"store": "shopper", "forums": "member", "admin": "owner"}
HOME = {"store": "/shopping-cart", "forums": "/posts", "admin": "/sessions"}
PLANTED = {SESSION: "A" * 43, REFRESH: "B" * 43}


@pytest.mark.parametrize("site", HOME)
def test_a_planted_pair_is_replaced_and_stays_unknown(browser, sql, site):
    victim = give(browser(site), PLANTED)
    victim.log_in(WHO[site])
    assert credentials(victim)[SESSION] != PLANTED[SESSION]
    assert site == "admin" or credentials(victim)[REFRESH] != PLANTED[REFRESH]
    victim.get(HOME[site], status=200)
    give(browser(site), PLANTED).get(HOME[site], status=302)
    assert sql("SELECT count(*) AS n FROM session_credentials") == [{"n": 1}]


def test_the_attacker_s_own_live_session_is_neither_continued_nor_shared(browser, sql):
    """Planted into a victim's browser, it ends when the victim logs in: nothing of the two is ever mixed."""
    attacker = browser("store", "203.0.113.66")
    attacker.log_in("member")
    victim = give(browser("store"), credentials(attacker))
    page = victim.get("/login?why=fresh")
    form = next(form for form in page.forms.values() if "password" in form.fields)
    form["email"], form["password"] = person("shopper").email, person("shopper").password
    form.submit(status=302)
    assert not set(credentials(attacker).values()) & set(credentials(victim).values())
    assert person("shopper").first_name in victim.get("/shopping-cart", status=200)
    attacker.get("/shopping-cart", status=302)
    assert [row["end_reason"] for row in sql("SELECT end_reason FROM sessions ORDER BY created_at")] == [
        "superseded",
        None,
    ]


def test_the_visitor_s_form_token_dies_with_the_login(store, browser):
    """An attacker who planted the visitor's cookie knows its tokens; none of them is good for the session."""
    planted = store.get("/login").html.select_one("input[name=csrf_token]")["value"]
    visitor = dict(store.cookies)
    answer = store.log_in("shopper")
    assert "Max-Age=0" in set_cookies(answer)["__Host-csrf"]
    give(store, visitor)
    store.post("/account/sessions/revoke-others", {"csrf_token": planted}, status="*")
    store.get("/shopping-cart", status=200)
    assert (
        store.post("/logout", {"csrf_token": planted}, headers={"Cookie": ""}, status="*").status_int == 403
    )
