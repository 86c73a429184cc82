"""An authenticator is set up on the way in where a second factor is required and none is there."""

import base64
import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pyotp
import pytest
import requests
from support import Browser, Idp, person
from webtest import TestResponse

from shopforum.sessions import Reason, Rule, Scope
from shopforum.sessions.audit import Client

Sql = Callable[..., list[dict[str, Any]]]
LOGIN = person("shopper")
PAGE = "/login/two-factor/set-up"


@pytest.fixture(autouse=True)
def _required(idp: Idp) -> None:
    idp.hook("user", email=LOGIN.email, twoFactorRequired=True)


def begin(client: Browser, **fields: str) -> TestResponse:
    answer = client.log_in(LOGIN, **fields)
    assert (answer.status_int, answer.location) == (302, PAGE)
    assert "__Host-session" not in client.cookies
    return answer.follow()


def key_of(page: TestResponse) -> str:
    return page.html.select_one("#secret").text.replace(" ", "")


def now_of(key: str) -> str:
    return pyotp.TOTP(key).now()


def submit(page: TestResponse, code: str) -> TestResponse:
    form = next(form for form in page.forms.values() if "code" in form.fields)
    form["code"] = code
    return form.submit(expect_errors=True)


def codes_of(page: TestResponse) -> list[str]:
    return [item.text.strip() for item in page.html.select("main li code")]


def log_in_again(client: Browser, code: str) -> TestResponse:
    answer = client.log_in(LOGIN)
    assert answer.location == "/login/two-factor"
    return submit(answer.follow(), code)


def test_an_authenticator_is_set_up_and_the_login_goes_on(
    browser: Callable[..., Browser], store: Browser, sql: Sql, audit: Any, logged: Callable[[], str]
) -> None:
    page = begin(store, next="/orders")
    key = key_of(page)
    assert f"secret={key}" in page.html.find("a", string="Open it in an app on this device")["href"]
    assert page.html.select_one("svg.qr path") is not None
    wrong = submit(page, "000000" if now_of(key) != "000000" else "111111")
    assert (wrong.status_int, "This code is wrong" in wrong.text) == (422, True)
    assert key_of(wrong) == key == key_of(store.get(PAGE))
    done = submit(wrong, now_of(key))
    assert (done.status_int, done.headers["Cache-Control"]) == (200, "no-store")
    codes = codes_of(done)
    assert len(set(codes)) == 10
    assert done.html.find("a", string="Continue")["href"] == "/orders"
    assert store.get("/account/sessions").status_int == 200
    assert len(audit("authenticator_set_up")) == len(audit("authn_login_success")) == 1
    # The codes are shown once, and neither they nor the key are stored or logged.
    assert store.get(PAGE, status=302).location == "/login?why=challenge"
    kept = json.dumps(sql("SELECT * FROM audit_log"), default=str) + logged()
    assert not [secret for secret in (key, *codes) if secret in kept]
    # From now on the app is asked, and a recovery code is good once.
    other = browser("store")
    assert log_in_again(other, now_of(key)).location == "/shopping-cart"
    assert log_in_again(browser("store"), codes[0]).location == "/shopping-cart"
    assert log_in_again(browser("store"), codes[0]).status_int == 422


def test_the_password_alone_adds_no_second_authenticator(browser: Callable[..., Browser]) -> None:
    thief, owner = browser("store", "192.0.2.66"), browser("store")
    page = begin(thief)
    own = begin(owner)
    assert submit(own, now_of(key_of(own))).status_int == 200
    late = submit(page, now_of(key_of(page)))
    assert (late.status_int, late.location) == (303, "/login?why=challenge")
    assert "__Host-session" not in thief.cookies


def test_nobody_whose_login_would_lose_leaves_an_authenticator(
    browser: Callable[..., Browser], apps: Any, idp: Idp, audit: Any
) -> None:
    sessions, admin = apps["store"].services.sessions, Reason("admin", "ops", "incident")
    page = begin(browser("store"))
    assert submit(page, now_of(key_of(page))).status_int == 200
    idp.hook("user", email=LOGIN.email, twoFactor=False, twoFactorRequired=True)
    for end in (
        lambda: sessions.revoke(Scope(user_id=UUID(LOGIN.id)), admin, Client()),
        lambda: sessions.add_rule(Rule(60, network="192.0.2.66"), admin, Client()),
        lambda: sessions.add_rule(Rule(60, user_id=UUID(LOGIN.id)), admin, Client()),
    ):
        page = begin(browser("store", "192.0.2.66"))
        made = end()
        late = submit(page, now_of(key_of(page)))
        assert (late.status_int, late.location) in [(303, "/login?why=challenge"), (403, None)]
        sessions.lift_rule(made, "ops", Client())
    assert len(audit("authenticator_set_up")) == 1


def test_keys_differ_by_challenge_and_a_forged_one_has_no_page(
    browser: Callable[..., Browser], store: Browser
) -> None:
    assert key_of(begin(store)) != key_of(begin(browser("store")))
    cookie = store.cookies["__Host-two-factor"]
    body, _, mac = cookie.rpartition(".")
    content = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    content[2] = person("member").email
    forged = base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()
    store.reset()
    store.get(PAGE, headers={"Cookie": f"__Host-two-factor={forged}.{mac}"}, status=302)


@pytest.mark.usefixtures("database_clock")
def test_guessing_is_as_slow_as_at_a_password(store: Browser, idp: Idp) -> None:
    page = begin(store)
    wrong = "000000" if now_of(key_of(page)) != "000000" else "111111"
    assert [submit(page, wrong).status_int for _ in range(6)] == [422] * 5 + [429]
    assert submit(page, " ").status_int == 422
    assert len(idp.calls("/api/user/two-factor")) == 5


@pytest.mark.parametrize(
    ("path", "answer", "words"),
    [
        ("/api/user/two-factor", {"status": 503}, "The key stays the same"),
        ("/api/user/two-factor", {"status": 401}, "The key stays the same"),
        ("/api/user/two-factor", {"status": 512, "body": {"generalErrors": []}}, "could not set up"),
        ("/api/user", {"status": 503}, "The key stays the same"),
    ],
)
def test_when_fusionauth_is_away_the_key_stays(
    store: Browser, idp: Idp, path: str, answer: dict[str, Any], words: str
) -> None:
    page = begin(store)
    idp.hook("fail", path=path, times=1, **answer)
    refused = submit(page, now_of(key_of(page)))
    assert (refused.status_int, words in refused.text, "Retry-After" in refused.headers) == (503, True, True)
    assert codes_of(submit(refused, now_of(key_of(refused))))


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"status": 503}, "could not be finished"),
        ({"status": 404}, "could not be finished"),
        ({"status": 423}, "cannot log in here at the moment"),
        ({"status": 212}, "not confirmed"),
    ],
)
def test_the_recovery_codes_are_shown_though_the_login_fails(
    store: Browser, idp: Idp, answer: dict[str, Any], words: str
) -> None:
    page = begin(store)
    idp.hook("fail", path="/api/two-factor/login", times=1, **answer)
    done = submit(page, now_of(key_of(page)))
    assert (done.status_int, words in done.text, len(codes_of(done))) == (200, True, 10)
    assert done.html.find("a", string="Log in", class_="btn")["href"] == "/login"
    assert "__Host-session" not in store.cookies


@pytest.mark.parametrize(
    "answer", [{"status": 404}, {"status": 400, "body": {"fieldErrors": {"twoFactorId": []}}}]
)
def test_a_challenge_that_is_over_leads_to_the_login(
    store: Browser, idp: Idp, answer: dict[str, Any]
) -> None:
    page = begin(store)
    idp.hook("fail", path="/api/user/two-factor", times=1, **answer)
    assert submit(page, "123456").location == "/login?why=challenge"


def test_the_console_sets_one_up_too(admin: Browser, idp: Idp) -> None:
    owner = person("owner")
    idp.hook("user", email=owner.email, twoFactorRequired=True)
    page = admin.log_in(owner).follow()
    done = submit(page, now_of(key_of(page)))
    assert done.html.find("a", string="Continue")["href"] == "/sessions"
    assert admin.get("/sessions").status_int == 200


def test_the_methods_of_a_challenge_decide_the_page(store: Browser, idp: Idp) -> None:
    begin(store)
    assert store.get("/login/two-factor", status=302).location == PAGE
    idp.hook("user", email=LOGIN.email, twoFactor=True)
    store.log_in(LOGIN).follow()
    assert store.get(PAGE, status=302).location.startswith("/login?why=challenge")
    assert requests.get(f"{idp.url}/api/user/two-factor/x", timeout=60).status_code == 404
