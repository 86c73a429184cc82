"""Logging in: what the form takes, where it leads, and what it says before."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import requests
from login.form_helpers import attempt, login_form
from page_forms import form_of
from sqlalchemy.exc import OperationalError
from support import APPLICATIONS, Browser, Idp, person
from webtest import TestResponse

from shopforum.web.contributions import LoginHookResult

Sql = Callable[..., list[dict[str, Any]]]
Audit = Callable[[str], list[dict[str, Any]]]


def cookies_set(answer: TestResponse) -> dict[str, str]:
    headers = [value for name, value in answer.headerlist if name == "Set-Cookie"]
    return {header.partition("=")[0]: header for header in headers}


@pytest.mark.parametrize(
    ("site", "who", "landing"),
    [
        ("store", "shopper", "/shopping-cart"),
        ("forums", "member", "/posts"),
        ("admin", "viewer", "/sessions"),
    ],
)
def test_leads_to_the_landing_page(
    browser: Callable[[str], Browser], site: str, who: str, landing: str
) -> None:
    answer = browser(site).log_in(who)
    assert answer.status_int == 302
    assert answer.location == landing


def test_hands_over_the_cookies_for_this_host_alone(store: Browser) -> None:
    cookies = cookies_set(store.log_in("shopper"))
    assert set(cookies) == {"__Host-session", "__Host-refresh", "__Host-device", "__Host-csrf"}
    for header in cookies.values():
        assert {"Secure", "HttpOnly", "Path=/"} <= set(header.split("; "))
        assert "domain=" not in header.lower()
    assert "SameSite=Lax" in cookies["__Host-device"]
    assert "Max-Age=34560000" in cookies["__Host-device"]
    assert "Max-Age=0" in cookies["__Host-csrf"]


def test_the_console_has_neither_refresh_nor_device_cookie(admin: Browser) -> None:
    cookies = cookies_set(admin.log_in("owner"))
    assert set(cookies) == {"__Host-session", "__Host-csrf"}
    assert "SameSite=Strict" in cookies["__Host-session"]


def test_the_form_can_be_filled_by_password_managers(store: Browser) -> None:
    form = login_form(store.get("/login?next=/orders"))
    assert form["email"].attrs["autocomplete"] == "username"
    assert form["password"].attrs["autocomplete"] == "current-password"
    assert form["next"].value == "/orders"
    assert form["csrf_token"].value


def test_the_address_loses_its_outer_spaces_and_the_password_nothing(store: Browser) -> None:
    login = person("shopper")
    assert attempt(store, f"  {login.email.upper()} ", login.password + " ").status_int == 422
    assert attempt(store, f"  {login.email.upper()} ", login.password).status_int == 302


def test_a_preset_session_id_is_never_taken_over(store: Browser, sql: Callable[..., Any]) -> None:
    preset = {"Cookie": f"__Host-session={'A' * 43}; __Host-refresh={'B' * 43}"}
    form = login_form(store.get("/login", headers=preset))
    visitor = f"__Host-csrf={store.cookies['__Host-csrf']}"
    store.reset()
    login = person("shopper")
    fields = {"csrf_token": form["csrf_token"].value, "email": login.email, "password": login.password}
    store.post("/login", fields, headers={"Cookie": f"{preset['Cookie']}; {visitor}"}, status=302)
    assert store.cookies["__Host-session"] != "A" * 43
    store.get("/account/sessions", status=200)
    store.reset()
    store.get("/account/sessions", headers=preset, status=302)
    assert sql("SELECT count(*) AS n FROM session_credentials") == [{"n": 1}]


@pytest.mark.parametrize("site", ["store", "forums", "admin"])
def test_the_login_page_leads_to_a_new_password(
    browser: Callable[[str], Browser], idp: Idp, site: str
) -> None:
    client = browser(site)
    link = client.get("/login").html.find("a", string="Forgot your password?")["href"]
    if site == "admin":
        assert link.startswith(f"{idp.url}/password/forgot?client_id={APPLICATIONS[site]}")
        assert requests.get(link, timeout=60).status_code == 200
    else:
        assert "Send the mail" in client.get(link).text


def test_a_second_login_ends_the_first(store: Browser, sql: Callable[..., Any]) -> None:
    store.log_in("shopper")
    page = store.get("/login?why=fresh")
    form = login_form(page)
    assert form["email"].value == "shopper@harbour.example"
    assert "Confirm it" in page.html.h1.text
    form["password"] = person("shopper").password
    form.submit(status=302)
    rows = sql("SELECT end_reason FROM sessions ORDER BY created_at")
    assert [row["end_reason"] for row in rows] == ["superseded", None]


def test_a_signed_in_user_is_redirected(store: Browser) -> None:
    store.log_in("shopper")
    assert store.get("/login", status=302).location == "/shopping-cart"
    assert store.get("/login?next=/orders", status=302).location == "/orders"
    assert store.get("/login?next=//evil.test", status=302).location == "/shopping-cart"


def test_the_audit_log_names_who_logged_in(store: Browser, audit: Audit) -> None:
    attempt(store, "shopper@harbour.example", "wrong")
    store.log_in("shopper")
    [row] = audit("authn_login_success")
    assert str(row["user_id"]) == person("shopper").id
    assert row["actor"] == "shopper@harbour.example"
    assert row["detail"] == {"new_device": True, "failures_before": 1}
    assert person("shopper").password not in json.dumps(row, default=str)


def test_a_known_device_is_not_new(store: Browser, audit: Audit) -> None:
    store.log_in("shopper")
    mark = store.cookies["__Host-device"]
    post_logout(store)
    store.log_in("shopper")
    assert store.cookies["__Host-device"] == mark
    assert [row["detail"]["new_device"] for row in audit("authn_login_success")] == [True, False]


def post_logout(client: Browser) -> TestResponse:
    page = client.get("/account/sessions")
    return form_of(page, "/logout").submit()


@pytest.mark.parametrize(
    ("why", "words"),
    [
        ("expired", "You were away"),
        ("refresh_refused", "Your login has expired"),
        ("revoked", "A security admin ended this session"),
        ("stolen_device", "A security admin ended this session"),
        ("replayed", "Two copies of this session"),
        ("logout", "You logged out"),
        ("superseded", "You logged in again"),
        ("signed_out_elsewhere", "from another device"),
    ],
)
def test_says_why_one_stands_here(store: Browser, sql: Sql, why: str, words: str) -> None:
    store.log_in("shopper")
    sql(f"UPDATE sessions SET ended_at = now(), end_reason = '{why}'")
    answer = store.get("/orders", status=302)
    assert words in answer.follow().text
    # The cookies say it, and the address alone says nothing to anybody else.
    assert words in store.get(answer.location).text
    assert words not in Browser(store.app, "https://store.test").get(answer.location).text


def test_says_why_the_password_is_asked_for_again(store: Browser) -> None:
    assert "Enter your password again" not in store.get("/login?why=fresh").text
    store.log_in("shopper")
    assert "Enter your password again" in store.get("/login?why=fresh").text


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("next=/checkout%3Fnotice%3Dclamped", "Log in to order."),
        ("next=/shopping-cart", "Log in to see your saved cart."),
        ("next=/orders", "Log in to see your orders."),
        ("next=/checkout&why=expired", "Log in to order."),
    ],
)
def test_says_what_the_login_is_for(store: Browser, query: str, words: str) -> None:
    [notice] = store.get(f"/login?{query}").html.select("#notice")
    assert words in notice.text


@pytest.mark.parametrize("why", ["<b>junk</b>", "Your account is hacked", "", "x" * 500])
def test_says_nothing_for_an_unknown_reason(store: Browser, why: str) -> None:
    page = store.get("/login", {"why": why})
    assert 'id="notice"' not in page.text
    assert "junk" not in page.text
    assert "hacked" not in page.text


def test_a_hook_adds_headers_and_a_notice(store: Browser) -> None:
    hooks = store.app.services.login_hooks
    seen = []

    def hook(request: Any, user_id: Any, target: str) -> LoginHookResult:
        seen.append((str(user_id), target))
        return LoginHookResult([("X-Hook", "yes")], "merged")

    def broken(request: Any, user_id: Any, target: str) -> None:
        raise OperationalError("SELECT 1", {}, Exception())

    hooks[:0] = [broken, hook]
    try:
        answer = attempt(store, "shopper@harbour.example", person("shopper").password, next="/orders?page=2")
    finally:
        del hooks[:2]
    assert answer.status_int == 302
    assert answer.location == "/orders?page=2&notice=merged"
    assert answer.headers["X-Hook"] == "yes"
    assert seen == [(person("shopper").id, "/orders?page=2")]


def test_a_session_id_in_the_address_or_the_form_is_ignored(store: Browser) -> None:
    store.log_in("shopper")
    session, refresh = store.cookies["__Host-session"], store.cookies["__Host-refresh"]
    store.reset()
    query = {"sid": session, "__Host-session": session, "__Host-refresh": refresh}
    assert store.get("/account/sessions", query, headers={"X-Session-Id": session}).status_int == 302
