"""Sessions that are held back: in quarantine, or refused by a standing rule. Nothing of them is lost."""

from uuid import UUID

import pytest
import requests
from http_helpers import credentials, set_cookies
from product_fixtures import Catalogue
from support import APPLICATIONS, person

from shopforum.sessions import Reason, Rule
from shopforum.sessions.audit import Client

ADMIN = Client("192.0.2.1", "Firefox")
DOUBT = Reason("admin", "owner@harbour.example", "suspected_theft")
AGENTS = {
    "Chrome": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/150.0.0.0 Safari/537.36",
    "an update": "Mozilla/5.0 (X11; Linux x86_64; rv:141.0) Gecko/20100101 Firefox/141.0",
}


@pytest.fixture
def sessions(apps):
    return apps["store"].services.sessions


@pytest.fixture
def quarantined(apps, store, sessions, sql):
    """The shopper, with something in the cart, and her session in quarantine."""
    store.log_in("shopper")
    Catalogue(apps["store"].services.db).fill()
    form = next(
        form
        for form in store.get("/products/stoneware-mug").forms.values()
        if form.action == "/shopping-cart/items"
    )
    form.submit(status=303)
    [row] = sql("SELECT id FROM sessions")
    assert sessions.quarantine([row["id"]], DOUBT, ADMIN) == 1
    return row["id"]


def test_in_quarantine_the_password_is_asked_for_and_the_cart_is_there_afterwards(
    store, quarantined, idp, sql
):
    before = credentials(store)
    idp.forget_calls()
    answer = store.get("/shopping-cart", status=302)
    assert answer.location.startswith("/login?")
    assert "why=quarantined" in answer.location
    assert not set_cookies(answer)
    page = answer.follow()
    assert "enter your password again" in page.text
    assert credentials(store) == before
    form = page.forms[next(key for key, form in page.forms.items() if "password" in form.fields)]
    form["email"], form["password"] = person("shopper").email, person("shopper").password
    after = form.submit(status=302)
    assert after.location.startswith("/shopping-cart")
    assert "Your cart is empty" not in after.follow().text
    rows = sql("SELECT id, end_reason FROM sessions ORDER BY created_at")
    assert [(row["id"] == quarantined, row["end_reason"]) for row in rows] == [
        (True, "superseded"),
        (False, None),
    ]
    # The old token was not exchanged; the worker has it revoked.
    assert idp.calls("/api/jwt/refresh") == []
    assert len(sql("SELECT 1 FROM revocation_outbox WHERE refresh_token_id IS NOT NULL")) == 1


def test_somebody_else_s_password_does_not_get_the_session_back(store, quarantined, sql):
    store.log_in("member", status=302)
    [mine] = sql("SELECT user_email FROM sessions WHERE ended_at IS NULL")
    assert mine["user_email"] == person("member").email
    [held] = sql("SELECT end_reason FROM sessions WHERE id = %s", str(quarantined))
    assert held["end_reason"] == "superseded"


def test_released_it_goes_on_with_the_same_cookies(store, quarantined, sessions):
    store.get("/shopping-cart", status=302)
    assert sessions.release([quarantined], DOUBT, ADMIN) == 1
    store.get("/shopping-cart", status=200)


def test_a_form_sent_in_quarantine_is_kept(forums, apps, sql):
    forums.log_in("member")
    sql("INSERT INTO forum_categories (slug, name, position) VALUES ('talk', 'Talk', 1)")
    page = forums.get("/categories/talk/topics")
    form = next(form for form in page.forms.values() if "body" in form.fields)
    form["title"], form["body"] = "Kept over a quarantine", "Every word of this."
    [row] = sql("SELECT id FROM sessions")
    apps["forums"].services.sessions.quarantine([row["id"]], DOUBT, ADMIN)
    answer = form.submit(status=302)
    assert "why=quarantined" in answer.location
    login = answer.follow()
    form = next(form for form in login.forms.values() if "password" in form.fields)
    form["email"], form["password"] = person("member").email, person("member").password
    page = form.submit(status=302).follow()
    assert "Every word of this." in page.text


def test_a_blocked_network_is_turned_away_before_the_password(browser, sessions, idp, sql):
    sessions.add_rule(Rule(3600, network="203.0.113.0/24"), DOUBT, ADMIN)
    idp.forget_calls()
    answer = browser("store", "203.0.113.66").log_in("shopper", status=403)
    assert "cannot log in from here" in answer.text
    assert person("shopper").email in answer.text
    assert idp.calls("/api/login") == []
    browser("store", "198.51.100.1").log_in("shopper", status=302)
    assert sql("SELECT hits FROM standing_rules")[0]["hits"] == 1


def test_a_blocked_user_learns_it_after_the_right_password_only(store, sessions, idp, sql):
    sessions.add_rule(Rule(3600, user_id=UUID(person("shopper").id)), DOUBT, ADMIN)
    assert "is wrong" in store.log_in("shopper", password="wrong", status=422).text
    answer = store.log_in("shopper", status=422)
    assert "logging in is blocked" in answer.text
    assert sql("SELECT 1 FROM sessions") == []
    # The token that FusionAuth issued is revoked.
    assert [call["method"] for call in idp.calls("/api/jwt/refresh/")] == ["DELETE"]
    [row] = sql(
        "SELECT detail FROM audit_log WHERE event = 'authn_login_fail' AND detail->>'kind' = 'blocked'"
    )
    assert row["detail"]["kind"] == "blocked"


def test_a_blocked_session_keeps_its_cookies_and_goes_on_when_the_rule_is_lifted(store, sessions):
    store.log_in("shopper")
    rule = sessions.add_rule(Rule(3600, network="127.0.0.1"), DOUBT, ADMIN)
    answer = store.get("/shopping-cart", status=302)
    assert "why=blocked" in answer.location
    assert not set_cookies(answer)
    assert "cannot be used from here" in answer.follow().text
    sessions.lift_rule(rule, "owner@harbour.example", ADMIN)
    store.get("/shopping-cart", status=200)


@pytest.mark.parametrize(("change", "asked"), [("Chrome", True), ("an update", False)])
def test_the_console_asks_again_in_another_browser(admin, change, asked):
    admin.log_in("owner")
    admin.extra_environ["HTTP_USER_AGENT"] = AGENTS[change]
    answer = admin.get("/sessions", status=302 if asked else 200)
    assert ("why=quarantined" in (answer.location or "")) is asked


def test_the_console_asks_again_on_another_network(admin):
    admin.log_in("owner")
    admin.extra_environ["REMOTE_ADDR"] = "127.0.0.200"
    admin.get("/sessions", status=200)
    admin.extra_environ["REMOTE_ADDR"] = "203.0.113.66"
    assert "why=quarantined" in admin.get("/sessions", status=302).location


@pytest.mark.parametrize("what", ["role", "account"])
def test_a_role_taken_away_counts_on_the_console_within_a_minute(admin, idp, what, later):
    admin.log_in("responder")
    admin.get("/sessions", status=200)
    user = f"{idp.url}/api/user/{person('responder').id}"
    key = {"Authorization": idp.api_key}
    if what == "account":
        answer = requests.delete(user, headers=key, timeout=60)
    else:
        registration = {"registration": {"applicationId": APPLICATIONS["admin"], "roles": []}}
        path = user.replace("/user/", "/user/registration/")
        answer = requests.put(path, json=registration, headers=key, timeout=60)
    assert answer.status_code == 200, answer.text
    later(61)
    answer = admin.get("/sessions", status=403 if what == "role" else 302)
    if what == "account":
        assert "why=account_closed" in answer.location
