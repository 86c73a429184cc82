"""Login by a code that FusionAuth mails: for the browser that asked, once, and as slow to guess as a password."""

import base64
import re
from collections.abc import Callable
from typing import Any

import pyotp
import pytest
import requests
from login.mails import mails
from support import APPLICATIONS, Browser, Idp, person
from webtest import TestResponse

from shopforum.login.settings import LoginSettings

LOGIN = person("shopper")
COOKIE = "__Host-mail-code"
ENTER = "/login/code/enter"


@pytest.fixture(autouse=True)
def _no_old_mails(idp: Idp) -> None:
    mails(idp)


def ask(client: Browser, address: str = LOGIN.email, query: str = "") -> TestResponse:
    form = next(form for form in client.get(f"/login/code{query}").forms.values() if "email" in form.fields)
    form["email"] = address
    return form.submit(expect_errors=True)


def code_of(idp: Idp) -> str:
    [mail] = mails(idp)
    assert mail["To"] == LOGIN.email
    return re.findall(r"[A-Z0-9]{6}", mail.get_content())[0]


def submit(page: TestResponse, code: str) -> TestResponse:
    form = next(form for form in page.forms.values() if "code" in form.fields)
    form["code"] = code
    return form.submit(expect_errors=True)


def test_a_mailed_code_logs_in_the_browser_that_asked_once(
    browser: Callable[..., Browser], store: Browser, idp: Idp, sql: Any, audit: Any, logged: Callable[[], str]
) -> None:
    link = store.get("/login?next=/orders").html.find("a", string=re.compile("Log in by a code"))["href"]
    assert link == "/login/code?next=/orders"
    asked = ask(store, f" {LOGIN.email} ", "?next=/orders")
    assert (asked.status_int, asked.location) == (303, ENTER)
    page, code = asked.follow(), code_of(idp)
    kept = [one for one in store.cookiejar if one.name == COOKIE]
    # The browser that asked can read neither the code nor the id out of its cookie.
    sealed = base64.urlsafe_b64decode(kept[0].value.partition(".")[2])
    assert code.encode() not in sealed
    assert LOGIN.email.encode() not in sealed
    # A person with the code and without the cookie can do nothing with it.
    browser("store").get(ENTER, status=302)
    wrong = submit(page, "AAAAAA")
    assert (wrong.status_int, "This code is wrong" in wrong.text) == (422, True)
    assert idp.calls("/api/passwordless/login") == []
    done = submit(wrong, f" {code[:3]} {code[3:].lower()}")
    assert (done.status_int, done.location) == (302, "/orders")
    assert COOKIE not in store.cookies
    assert store.get("/account/sessions").status_int == 200
    assert store.get("/login/code", status=302).location == "/shopping-cart"
    assert [row["detail"]["proof"] for row in audit("authn_login_success")] == ["code"]
    assert (
        audit("authn_login_fail")[0]["detail"] | {"kind": "code", "proof": "code"}
        == audit("authn_login_fail")[0]["detail"]
    )
    assert code not in str(sql("SELECT * FROM audit_log")) + logged()
    thief = browser("store")
    thief.cookiejar.set_cookie(kept[0])
    again = submit(thief.get(ENTER), code)
    assert (again.status_int, again.location) == (303, "/login?why=challenge")
    assert "__Host-session" not in thief.cookies


def test_an_unknown_address_looks_the_same(browser: Callable[..., Browser], idp: Idp) -> None:
    known, unknown = browser("store"), browser("store")
    pages = [ask(known).follow(), ask(unknown, "nobody@new.example").follow()]
    tokens = [page.html.select_one("input[name=csrf_token]")["value"] for page in pages]
    assert pages[0].text.replace(tokens[0], "") == pages[1].text.replace(tokens[1], "")
    assert len(known.cookies[COOKIE]) == len(unknown.cookies[COOKIE]) < 4000
    long = browser("store")
    assert ask(long, "é" * 320, f"?next=/products?q={'x' * 1900}").follow().status_int == 200
    assert len(mails(idp)) == 1
    assert submit(pages[1], "AAAAAA").status_int == 422


@pytest.mark.usefixtures("database_clock")
def test_mails_and_guesses_are_counted(store: Browser, idp: Idp, limits: Callable[..., None]) -> None:
    limits(account_failures=2)
    page = ask(store).follow()
    assert [submit(page, "AAAAAA").status_int for _ in range(3)] == [422, 422, 429]
    assert submit(page, code_of(idp)).status_int == 429
    assert [ask(store).status_int for _ in range(2)] == [303, 429]
    # A guess at a code is a guess at the account: the password waits as well.
    assert store.log_in(LOGIN, status=429)


def test_a_cookie_of_another_site_or_a_forged_one_is_refused(
    store: Browser, forums: Browser, idp: Idp
) -> None:
    ask(store)
    value = store.cookies[COOKIE]
    key_id, _, sealed = value.partition(".")
    for client, cookie in (
        (forums, value),
        (store, f"{key_id}.{sealed[:-4]}AAAA"),
        (store, f"00000000.{sealed}"),
        (store, f"{key_id}.A"),
        (store, "junk"),
    ):
        client.reset()
        client.get(ENTER, headers={"Cookie": f"{COOKIE}={cookie}"}, status=302)
    store.get(ENTER, headers={"Cookie": f"{COOKIE}={value}"}, status=200)
    token = store.get("/login/code").html.select_one("input[name=csrf_token]")["value"]
    late = store.post(ENTER, {"csrf_token": token, "code": "A"}, status=303)
    assert late.location == "/login?why=challenge"


def test_a_second_factor_is_asked_for_after_the_code(store: Browser, idp: Idp) -> None:
    idp.hook("user", email=LOGIN.email, twoFactorRequired=True)
    page = ask(store, query="?next=/orders").follow()
    answer = submit(page, code_of(idp))
    assert answer.location == "/login/two-factor/set-up"
    page = answer.follow()
    key = page.html.select_one("#secret").text.replace(" ", "")
    assert submit(page, pyotp.TOTP(key).now()).html.find("a", string="Continue")["href"] == "/orders"


@pytest.mark.parametrize(
    ("answer", "status", "words"),
    [
        (
            {"status": 202, "body": {"user": {}}},
            422,
            "Your code is right, but this account is not registered",
        ),
        ({"status": 423}, 422, "cannot log in here at the moment. Your code is not the reason"),
        ({"status": 512, "body": {"generalErrors": []}}, 503, "could not finish this login"),
        ({"status": 503}, 503, "not available at the moment"),
    ],
)
def test_the_text_of_the_page_is_about_the_code(
    store: Browser, idp: Idp, answer: dict[str, Any], status: int, words: str
) -> None:
    page = ask(store).follow()
    idp.hook("fail", path="/api/passwordless/login", times=1, **answer)
    refused = submit(page, code_of(idp))
    assert (refused.status_int, words in refused.text) == (status, True), refused.text
    assert "__Host-session" not in store.cookies


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        # An id without a code of its own: whoever asked would hold all that a login takes.
        ("/api/passwordless/start", {"status": 200, "body": {"code": "x"}}),
        ("/api/passwordless/start", {"status": 200, "body": {"code": "x", "oneTimeCode": "x"}}),
        ("/api/passwordless/start", {"status": 503}),
        ("/api/passwordless/send", {"status": 400, "body": {}}),
    ],
)
def test_without_a_code_that_was_mailed_there_is_no_login(
    store: Browser, idp: Idp, path: str, answer: dict[str, Any]
) -> None:
    idp.hook("fail", path=path, times=1, **answer)
    refused = ask(store)
    assert (refused.status_int, "Retry-After" in refused.headers) == (503, True)
    assert (
        next(form for form in refused.forms.values() if "email" in form.fields)["email"].value == LOGIN.email
    )
    assert COOKIE not in store.cookies
    assert len(idp.calls("/api/passwordless/send")) == path.endswith("send")


def test_it_is_only_where_it_is_on(admin: Browser, apps: Any, idp: Idp) -> None:
    assert "/login/code" not in admin.get("/login").text
    admin.get("/login/code", status=404)
    assert LoginSettings().mail_codes is False
    headers = {"Authorization": idp.api_key}
    body = {"application": {"passwordlessConfiguration": {"enabled": False}}}
    url = f"{idp.url}/api/application/{APPLICATIONS['store']}"
    requests.patch(url, json=body, headers=headers, timeout=60).raise_for_status()
    start = {"applicationId": APPLICATIONS["store"], "loginId": LOGIN.email}
    refused = requests.post(f"{idp.url}/api/passwordless/start", json=start, headers=headers, timeout=60)
    assert refused.status_code == 400
