"""Logging in: what the form takes, where it leads, and what it says of a refusal."""

import json
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
import requests
from sqlalchemy.exc import OperationalError
from support import APPLICATIONS, TENANT, Browser, Idp, person
from webtest import TestResponse

from shopforum.web.hooks import LoginHookResult

Audit = Callable[[str], list[dict[str, Any]]]

WRONG = "The e-mail address or the password is not right."


def form_of(page: TestResponse) -> Any:
    return next(form for form in page.forms.values() if "password" in form.fields)


def attempt(client: Browser, email: str, password: str, **fields: str) -> TestResponse:
    form = form_of(client.get("/login"))
    form["email"], form["password"] = email, password
    for name, value in fields.items():
        form[name] = value
    return form.submit(expect_errors=True)


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
    form = form_of(store.get("/login?next=/orders"))
    assert form["email"].attrs["autocomplete"] == "username"
    assert form["password"].attrs["autocomplete"] == "current-password"
    assert form["next"].value == "/orders"
    assert form["csrf_token"].value


@pytest.mark.parametrize(
    ("email", "password"),
    [("shopper@harbour.example", "wrong"), ("nobody@harbour.example", "wrong")],
    ids=["wrong password", "unknown"],
)
def test_a_refusal_keeps_the_address_and_says_the_same_for_everybody(
    store: Browser, audit: Audit, email: str, password: str
) -> None:
    page = attempt(store, email, password, next="/orders")
    assert page.status_int == 422
    assert WRONG in page.text
    assert page.text.count("<title>Error: Log in") == 1
    form = form_of(page)
    assert (form["email"].value, form["password"].value, form["next"].value) == (email, "", "/orders")
    [row] = audit("authn_login_fail")
    assert row["detail"]["kind"] == "credentials"
    assert email not in json.dumps(row, default=str)
    assert "__Host-session" not in store.cookies


@pytest.mark.parametrize("state", ["lock", "expired", "loginPrevented"])
def test_a_locked_account_reads_like_a_wrong_password(store: Browser, idp: Idp, state: str) -> None:
    login = person("shopper")
    if state == "lock":
        idp.hook("lock", email=login.email, on=True)
    else:
        idp.hook("user", email=login.email, **{state: True})
    locked = attempt(store, login.email, login.password)
    wrong = attempt(store, login.email, "wrong")
    assert locked.status_int == wrong.status_int == 422
    assert WRONG in locked.text
    assert WRONG in wrong.text


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({"passwordChangeRequired": True}, "it has to be changed"),
        ({"verified": False}, "not confirmed"),
        ({"registrationVerified": False}, "not confirmed"),
    ],
)
def test_who_gave_the_right_password_is_told_what_to_do(
    store: Browser, idp: Idp, sql: Callable[..., Any], state: dict[str, bool], words: str
) -> None:
    login = person("shopper")
    idp.hook("user", email=login.email, **state)
    page = attempt(store, login.email, login.password)
    assert page.status_int == 422
    assert words in page.text
    assert sql("SELECT 1 FROM login_failures WHERE failures > 0") == []


def test_an_account_of_another_site_is_not_let_in(forums: Browser, sql: Callable[..., Any]) -> None:
    login = person("shopper")
    page = attempt(forums, login.email, login.password)
    assert page.status_int == 422
    assert "not registered here" in page.text
    assert sql("SELECT 1 FROM sessions") == []


@pytest.mark.parametrize("email", ["", "  ", "a" * 400])
def test_an_address_that_cannot_be_one_never_reaches_the_provider(
    store: Browser, idp: Idp, email: str
) -> None:
    page = attempt(store, email, "whatever")
    assert page.status_int == 422
    assert form_of(page)["email"].attrs["aria-invalid"] == "true"
    assert idp.calls("/api/login") == []


def test_a_missing_password_is_named(store: Browser, idp: Idp) -> None:
    page = attempt(store, "shopper@harbour.example", "")
    assert page.status_int == 422
    assert "Enter your password." in page.text
    assert form_of(page)["email"].value == "shopper@harbour.example"
    assert idp.calls("/api/login") == []


def test_the_address_loses_its_outer_spaces_and_the_password_nothing(store: Browser) -> None:
    login = person("shopper")
    assert attempt(store, f"  {login.email.upper()} ", login.password + " ").status_int == 422
    assert attempt(store, f"  {login.email.upper()} ", login.password).status_int == 302


def test_fields_that_are_files_or_missing_are_refused(store: Browser) -> None:
    token = form_of(store.get("/login"))["csrf_token"].value
    files = [("email", "x.txt", b"x"), ("password", "y.txt", b"y"), ("next", "z.txt", b"z")]
    assert store.post("/login", {"csrf_token": token}, upload_files=files, status=400)
    assert store.post("/login", {"csrf_token": token}, status=422)


def test_without_the_forms_token_nothing_is_asked(store: Browser, idp: Idp) -> None:
    login = person("shopper")
    fields = {"email": login.email, "password": login.password}
    store.post("/login", fields, status=403)
    token = form_of(store.get("/login"))["csrf_token"].value
    for headers in ({"Origin": "https://forums.test"}, {"Sec-Fetch-Site": "same-site"}):
        store.post("/login", {**fields, "csrf_token": token}, headers=headers, status=403)
    assert idp.calls("/api/login") == []


def test_a_preset_session_id_is_never_taken_over(store: Browser, sql: Callable[..., Any]) -> None:
    preset = {"Cookie": f"__Host-session={'A' * 43}; __Host-refresh={'B' * 43}"}
    form = form_of(store.get("/login", headers=preset))
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


def test_a_second_login_ends_the_first(store: Browser, sql: Callable[..., Any]) -> None:
    store.log_in("shopper")
    page = store.get("/login?why=fresh")
    form = form_of(page)
    assert form["email"].value == "shopper@harbour.example"
    assert "Confirm it" in page.html.h1.text
    form["password"] = person("shopper").password
    form.submit(status=302)
    rows = sql("SELECT end_reason FROM sessions ORDER BY created_at")
    assert [row["end_reason"] for row in rows] == ["superseded", None]


def test_who_is_signed_in_is_sent_on(store: Browser) -> None:
    store.log_in("shopper")
    assert store.get("/login", status=302).location == "/shopping-cart"
    assert store.get("/login?next=/orders", status=302).location == "/orders"
    assert store.get("/login?next=//evil.test", status=302).location == "/shopping-cart"


def test_the_console_refuses_who_has_no_role_there(
    admin: Browser, idp: Idp, sql: Callable[..., Any], audit: Audit
) -> None:
    register(idp, "shopper", "admin", [])
    login = person("shopper")
    page = attempt(admin, login.email, login.password)
    assert page.status_int == 422
    assert "no access to the console" in page.text
    assert audit("authn_login_fail")[0]["detail"]["kind"] == "no_access"
    assert sql("SELECT 1 FROM sessions") == []


def register(idp: Idp, who: str, site: str, roles: list[str]) -> None:
    """Give somebody other roles than the demo's, through the provider's own API."""
    answer = requests.post(
        f"{idp.url}/api/user/registration/{person(who).id}",
        headers={"Authorization": idp.api_key, "X-FusionAuth-TenantId": TENANT},
        json={"registration": {"applicationId": APPLICATIONS[site], "roles": roles}},
        timeout=10,
    )
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 503},
        {"status": 500},
        {"status": 200, "body": {}},
        {"status": 200, "body": "<html>"},
        {"status": 401},
    ],
)
def test_a_provider_that_is_away_is_503_with_the_form_kept(
    store: Browser, idp: Idp, sql: Callable[..., Any], fault: dict[str, Any]
) -> None:
    idp.hook("fail", path="/api/login", times=1, **fault)
    login = person("shopper")
    page = attempt(store, login.email, login.password, next="/orders")
    assert page.status_int == 503
    assert int(page.headers["Retry-After"]) > 0
    assert "Logging in is not possible just now" in page.text
    form = form_of(page)
    assert (form["email"].value, form["password"].value, form["next"].value) == (login.email, "", "/orders")
    assert sql("SELECT 1 FROM login_failures WHERE failures > 0") == []
    form["password"] = login.password
    assert form.submit().location == "/orders"


@pytest.mark.parametrize("token", ["", "x" * 5000, "with space and ;"])
def test_a_refresh_token_that_fits_no_cookie_is_no_login(
    store: Browser, idp: Idp, sql: Callable[..., Any], token: str
) -> None:
    login = person("shopper")
    body = {
        "refreshToken": token,
        "refreshTokenId": login.id,
        "user": {
            "id": login.id,
            "email": login.email,
            "registrations": [{"applicationId": APPLICATIONS["store"], "roles": ["shopper"]}],
        },
    }
    idp.hook("fail", path="/api/login", times=1, status=200, body=body)
    assert attempt(store, login.email, login.password).status_int == 503
    assert sql("SELECT 1 FROM sessions") == []


def test_no_connection_is_held_while_the_provider_is_asked(store: Browser, idp: Idp) -> None:
    idp.hook("fail", path="/api/login", times=1, status=503, delay_seconds=0.3)
    pool = store.app.registry.db.engine.pool
    held = []
    login = person("shopper")
    thread = threading.Thread(target=lambda: attempt(store, login.email, login.password))
    thread.start()
    while not idp.calls("/api/login") and thread.is_alive():
        held.append(pool.checkedout())
    held.append(pool.checkedout())
    thread.join()
    assert held[-1] == 0


def test_refusals_take_their_time(store: Browser, limits: Callable[..., None]) -> None:
    limits(refusal_floor=0.4)
    started = time.monotonic()
    attempt(store, "nobody@harbour.example", "wrong")
    assert time.monotonic() - started >= 0.4


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
    return next(form for form in page.forms.values() if form.action == "/logout").submit()


@pytest.mark.parametrize(
    ("why", "words"),
    [
        ("expired", "You were away"),
        ("refresh_refused", "Your login has expired"),
        ("revoked", "A security admin ended this session"),
        ("stolen_device", "A security admin ended this session"),
        ("replayed", "used from two places"),
        ("logout", "You logged out"),
        ("superseded", "You logged in again"),
        ("signed_out_elsewhere", "from another one"),
        ("fresh", "Give your password again"),
    ],
)
def test_says_why_one_stands_here(store: Browser, why: str, words: str) -> None:
    assert words in store.get("/login", {"why": why}).text


@pytest.mark.parametrize("why", ["<b>junk</b>", "Your account is hacked", "", "x" * 500])
def test_says_nothing_for_an_unknown_reason(store: Browser, why: str) -> None:
    page = store.get("/login", {"why": why})
    assert 'id="notice"' not in page.text
    assert "junk" not in page.text
    assert "hacked" not in page.text


def test_a_hook_adds_headers_and_a_notice(store: Browser) -> None:
    hooks = store.app.registry.login_hooks
    seen = []

    def hook(request: Any, user_id: Any) -> LoginHookResult:
        seen.append(str(user_id))
        return LoginHookResult([("X-Hook", "yes")], "merged")

    def broken(request: Any, user_id: Any) -> None:
        raise OperationalError("SELECT 1", {}, Exception())

    hooks[:0] = [broken, hook]
    try:
        answer = attempt(store, "shopper@harbour.example", person("shopper").password, next="/orders?page=2")
    finally:
        del hooks[:2]
    assert answer.status_int == 302
    assert answer.location == "/orders?page=2&notice=merged"
    assert answer.headers["X-Hook"] == "yes"
    assert seen == [person("shopper").id]


def test_a_session_id_in_the_address_or_the_form_is_ignored(store: Browser) -> None:
    store.log_in("shopper")
    session, refresh = store.cookies["__Host-session"], store.cookies["__Host-refresh"]
    store.reset()
    query = {"sid": session, "__Host-session": session, "__Host-refresh": refresh}
    assert store.get("/account/sessions", query, headers={"X-Session-Id": session}).status_int == 302
