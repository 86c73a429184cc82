"""Requests that another site, a sibling site, or another session's form makes: refused before anything is touched."""

import json

import pytest
from http_helpers import credentials, give, set_cookies
from support import person

CART = "/shopping-cart"
BEFORE = "SELECT id, idle_end, last_seen_at, issued, head, lease, ended_at FROM sessions ORDER BY id"

STRANGERS = [
    {"Origin": "https://evil.test"},
    {"Origin": "https://forums.test"},
    {"Origin": "http://store.test"},
    {"Origin": "https://store.test:8443"},
    {"Origin": "https://store.test.evil.test"},
    {"Origin": "https://evil.test/https://store.test"},
    {"Origin": "https://store.test@evil.test"},
    {"Origin": "null"},
    {"Origin": ""},
    {"Origin": "https://STORE.test"},
    {"Origin": "https://store.test, https://evil.test"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "none"},
    {"Sec-Fetch-Site": "Same-Origin"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "https://store.test"},
    {"Sec-Fetch-Site": "same-origin", "Origin": "https://forums.test"},
    {"Referer": "https://evil.test/page"},
    {"Referer": "https://forums.test/"},
    {"Referer": "https://store.test.evil.test"},
    {"Referer": "https://store.test@evil.test/"},
    {"Referer": "http://store.test/shopping-cart"},
    {"Referer": "no address"},
]


def token_of(page):
    return page.html.select_one("input[name=csrf_token]")["value"]


def test_a_stranger_s_form_does_not_so_much_as_extend_the_session(store, idp, sql, logged, idle_out):
    """With a good token even: the browser's own word counts first."""
    store.log_in("shopper")
    token = token_of(store.get(CART))
    idle_out()
    before = sql(BEFORE)
    idp.forget_calls()
    for headers in STRANGERS:
        logged()
        answer = store.post("/logout", {"csrf_token": token}, headers=headers, status="*")
        assert (answer.status_int, set_cookies(answer)) == (403, {}), headers
        assert sql(BEFORE) == before, headers
        assert idp.calls() == [], headers
        assert "malicious_csrf" in [json.loads(line)["event"] for line in logged().splitlines()], headers


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "https://store.test"},
        {"Sec-Fetch-Site": "same-origin"},
        {"Referer": "https://store.test/shopping-cart?a=//evil.test/"},
        {"Referer": "https://store.test"},
        # A header that says more comes first.
        {"Origin": "https://store.test", "Referer": "https://evil.test/"},
        {"Sec-Fetch-Site": "same-origin", "Referer": "https://evil.test/"},
    ],
    ids=str,
)
def test_a_form_of_ones_own_is_taken_whatever_the_browser_says_of_itself(store, sql, headers):
    store.log_in("shopper")
    store.post("/logout", {"csrf_token": token_of(store.get(CART))}, headers=headers, status=303)
    assert sql("SELECT end_reason FROM sessions") == [{"end_reason": "logout"}]


def test_a_token_of_another_session_of_nobody_or_of_another_site_changes_nothing(
    store, forums, browser, sql, idp, idle_out
):
    store.log_in("shopper")
    mallory = browser("store")
    mallory.log_in("member")
    forums.log_in("member")
    visitor = browser("store")
    good = token_of(store.get(CART))
    tokens = [
        token_of(mallory.get(CART)),
        token_of(forums.get("/posts")),
        token_of(visitor.get("/login")),
        good[:-1],
        good + "x",
        good.upper(),
        good.replace(".", "%2e"),
        "." + good,
        good.rpartition(".")[0] + ".",
        "",
    ]
    idle_out()
    before = sql(BEFORE)
    idp.forget_calls()
    for token in tokens:
        assert store.post("/logout", {"csrf_token": token}, status=403), token
        assert store.post("/logout", {}, headers={"X-CSRF-Token": token}, status=403), token
    assert sql(BEFORE) == before
    assert idp.calls() == []
    store.get(CART, status=200)


def test_a_form_in_another_tab_is_good_after_the_session_id_was_replaced(store, sql, idle_out):
    store.log_in("shopper")
    token, before = token_of(store.get(CART)), credentials(store)
    idle_out()
    store.get(CART, status=200)
    assert credentials(store) != before
    store.post("/logout", {"csrf_token": token}, headers={"Origin": "https://store.test"}, status=303)
    assert sql("SELECT end_reason FROM sessions") == [{"end_reason": "logout"}]


@pytest.mark.parametrize("method", ["get", "head", "options", "put", "delete", "patch"])
def test_only_a_post_changes_anything(store, sql, method):
    """Not under another method's name either."""
    store.log_in("shopper")
    token = token_of(store.get(CART))
    ways = [{}, {"X-HTTP-Method-Override": "POST"}, {"X-HTTP-Method": "POST"}, {"X-Method-Override": "POST"}]
    for headers in ways:
        for path in ("/logout", "/account/sessions/revoke-others"):
            url = f"{path}?csrf_token={token}&_method=POST"
            assert getattr(store, method)(url, headers=headers, status="*").status_int in (403, 404, 405)
    assert sql("SELECT 1 FROM sessions WHERE ended_at IS NOT NULL") == []


def test_a_login_that_another_page_begins_is_refused(store, browser, idp):
    """Login CSRF: signed in as the attacker, a victim would give him an address, a card, a secret."""
    mallory = browser("store", "203.0.113.66")
    own = token_of(mallory.get("/login"))
    mallory.log_in("member")
    of_session = token_of(mallory.get(CART))
    fields = {"email": person("member").email, "password": person("member").password}
    idp.forget_calls()
    for token in (own, of_session, None):
        for headers in ({}, {"Origin": "https://evil.test"}, {"Sec-Fetch-Site": "same-site"}):
            given = {"csrf_token": token} if token else {}
            assert credentials(store) == {}
            store.post("/login", fields | given, headers=headers, status=403)
    assert idp.calls() == []
    assert credentials(store) == {}


def test_a_planted_visitor_s_cookie_does_not_pass_with_a_stranger_s_origin(store, browser, idp):
    """A cookie that a browser would never take from a sibling; if it did, the origin would still tell."""
    mallory = browser("store", "203.0.113.66")
    token = token_of(mallory.get("/login"))
    give(store, dict(mallory.cookies))
    fields = {"csrf_token": token, "email": person("member").email, "password": person("member").password}
    idp.forget_calls()
    for headers in STRANGERS:
        store.post("/login", fields, headers=headers, status=403)
    assert idp.calls() == []


def test_json_or_plain_text_is_no_form(store, sql):
    """Another site's page can send text/plain, and no body at all, without a preflight."""
    store.log_in("shopper")
    token = token_of(store.get(CART))
    for kind in (
        "application/json",
        "text/plain",
        "application/xml",
        "application/x-www-form-urlencodedx",
        "",
    ):
        body = json.dumps({"csrf_token": token}) if "json" in kind else f"csrf_token={token}"
        assert store.post("/logout", body, content_type=kind, status="*").status_int in (400, 403), kind
    assert sql("SELECT 1 FROM sessions WHERE ended_at IS NOT NULL") == []
