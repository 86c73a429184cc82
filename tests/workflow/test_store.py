"""The store's half of the workflow, W1 to W21, row by row."""

import re

import pytest
import requests
from http_helpers import REFRESH, SESSION, asked_for, credentials, paths, set_cookies
from session_fixtures import together
from support import APPLICATIONS, person

CART = "/shopping-cart"


def test_w1_w2_the_homepage_has_a_login_link(store):
    page = store.get("/", status=200)
    assert page.content_type == "text/html"
    assert page.html.select('a[href="/login"]')


def test_w3_w4_the_login_page_is_a_form(store):
    form = next(form for form in store.get("/login", status=200).forms.values() if "password" in form.fields)
    assert form.method.lower() == "post"
    assert {"email", "password", "csrf_token", "next"} <= form.fields.keys()


def test_w5_to_w7_the_form_goes_to_the_backend_which_asks_fusionauth(store, idp):
    idp.forget_calls()
    store.log_in("shopper")
    assert paths(idp) == ["POST /api/login"]


def test_w8_one_row_and_no_usable_secret_in_it(store, sql):
    store.log_in("shopper")
    [row] = sql("SELECT * FROM sessions")
    assert row["site"] == "store"
    assert row["user_email"] == person("shopper").email
    stored = str(
        [dict(r) for t in ("sessions", "session_credentials", "audit_log") for r in sql(f"SELECT * FROM {t}")]
    )
    for value in credentials(store).values():
        assert value not in stored
    assert person("shopper").password not in stored


def test_w9_a_redirect_to_the_cart_with_both_cookies(store):
    answer = store.log_in("shopper")
    assert answer.status_int == 302
    assert answer.headers["Location"] == CART
    cookies = set_cookies(answer)
    for name in (SESSION, REFRESH):
        attributes = {part.strip().split("=")[0] for part in cookies[name].split(";")[1:]}
        assert {"Secure", "HttpOnly", "Path", "SameSite", "Max-Age"} <= attributes
        assert "Domain" not in attributes
        assert "Path=/;" in cookies[name]
        assert "SameSite=Lax" in cookies[name]
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", credentials(store)[SESSION])


def test_w10_w11_w12_the_cart_is_shown_and_the_session_slides(store, sql, later):
    store.log_in("shopper")
    later(5 * 60)
    page = store.get(CART, status=200)
    assert person("shopper").first_name in page.text
    assert set_cookies(page) == {}
    [row] = sql(
        "SELECT idle_end > now() + interval '29 minutes' AS slid, idle_end <= absolute_end AS capped FROM sessions"
    )
    assert (row["slid"], row["capped"]) == (True, True)


def test_w13_to_w17_an_expired_session_is_refreshed_in_the_same_response(refreshing, idp, sql, idle_out):
    store, call = refreshing
    store.log_in("shopper")
    old = credentials(store)
    idle_out()
    idp.forget_calls()
    page = store.get(CART, status=200)
    assert person("shopper").first_name in page.text
    assert paths(idp) == [asked_for("shopper"), call]
    fresh = credentials(store)
    assert fresh[SESSION] != old[SESSION]
    assert store.get(CART, status=200)
    assert len(sql("SELECT 1 FROM sessions")) == 1


def test_w15_a_customers_lambda_ends_no_session(refreshing, idp, sql, idle_out):
    """It may take `applicationId` out of each token, and put any role in."""
    store, _ = refreshing
    idp.hook("lambda", remove=["applicationId"], set={"roles": ["owner"]})
    store.log_in("shopper")
    for _ in range(2):
        idle_out()
        store.get(CART, status=200)
    assert [row["roles"] for row in sql("SELECT roles FROM sessions")] == [["shopper"]]


def test_w15_who_was_deregistered_is_not_refreshed(refreshing, idp, idle_out):
    store, _ = refreshing
    store.log_in("member")
    url = f"{idp.url}/api/user/registration/{person('member').id}/{APPLICATIONS['store']}"
    requests.delete(url, headers={"Authorization": idp.api_key}, timeout=30).raise_for_status()
    idle_out()
    store.get(CART, status=302)
    assert credentials(store) == {}


def test_w16_the_old_session_id_is_spent(store, sql, idle_out, thief, later):
    store.log_in("shopper")
    old = credentials(store)
    idle_out()
    store.get(CART, status=200)
    store.get(CART, status=200)
    later(61)
    thief("store", old).get(CART, status=302)


def test_w17_forty_requests_at_once_make_one_refresh_forty_pages_one_cookie(store, idp, idle_out, thief):
    store.log_in("shopper")
    pair = credentials(store)
    idle_out()
    idp.forget_calls()
    tabs = [thief("store", pair) for _ in range(40)]
    pages = together(*[lambda tab=tab: tab.get(CART) for tab in tabs])
    assert [page.status_int for page in pages] == [200] * 40
    assert paths(idp) == [asked_for("shopper"), "POST /api/jwt/refresh"]
    assert sum(SESSION in set_cookies(page) for page in pages) == 1


@pytest.mark.parametrize("legacy_404", [False, True])
def test_w18_to_w21_a_dead_refresh_token_leads_to_the_login_and_back(refreshing, idp, idle_out, legacy_404):
    store, _ = refreshing
    store.log_in("shopper")
    idle_out()
    idp.hook("legacy_404", on=legacy_404)
    idp.hook("expire", email=person("shopper").email)
    answer = store.get(CART, status=302)
    assert (
        answer.headers["Location"]
        .removeprefix("https://store.test")
        .startswith("/login?next=%2Fshopping-cart")
    )
    cleared = set_cookies(answer)
    assert all("Max-Age=0" in cleared[name] and "Secure" in cleared[name] for name in (SESSION, REFRESH))
    assert credentials(store) == {}
    form = next(form for form in answer.follow().forms.values() if "password" in form.fields)
    form["email"], form["password"] = person("shopper").email, person("shopper").password
    back = form.submit(status=302)
    assert back.headers["Location"] == CART
    back.follow(status=200)


@pytest.mark.parametrize(
    "failure",
    [
        {"status": 401},
        {"status": 400, "body": {"generalErrors": [{"code": "[x]", "message": "x"}], "fieldErrors": {}}},
        {"status": 500},
        {"status": 503},
        {"status": 429},
        {"status": 200, "body": "<html>garbage"},
        {"status": 200, "body": {}},
        {"status": None, "delay_seconds": 5},
    ],
)
def test_w19_w20_any_other_answer_is_no_reason_to_sign_out(store, idp, idle_out, failure):
    store.log_in("shopper")
    pair = credentials(store)
    idle_out()
    idp.hook("fail", path="/api/jwt/refresh", times=1, **failure)
    answer = store.get(CART, status=503)
    assert int(answer.headers["Retry-After"]) > 0
    assert set_cookies(answer) == {}
    assert credentials(store) == pair
    store.get(CART, status=200)
