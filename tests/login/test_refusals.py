"""A login that is refused, or that cannot be decided: what is said, what is kept, and what nobody learns."""

import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from queue import Queue
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from login.form_helpers import attempt, login_form
from support import APPLICATIONS, TENANT, Browser, Idp, person

from shopforum.core.bulkhead import Bulkhead
from shopforum.login import signin
from shopforum.login.settings import LoginSettings

Audit = Callable[[str], list[dict[str, Any]]]

WRONG = "The e-mail address or the password is wrong."


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
    assert page.html.select_one("#error-summary-title").text.strip() == "That did not work"
    assert page.text.count("<title>Error: Log in") == 1
    form = login_form(page)
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
        ({"verified": False}, "not confirmed"),
        ({"registrationVerified": False}, "not confirmed"),
    ],
)
def test_a_user_with_the_right_password_is_told_what_to_do(
    store: Browser, idp: Idp, sql: Callable[..., Any], state: dict[str, bool], words: str
) -> None:
    login = person("shopper")
    idp.hook("user", email=login.email, **state)
    page = attempt(store, login.email, login.password)
    assert page.status_int == 422
    assert words in page.text
    assert sql("SELECT 1 FROM login_failures WHERE failures > 0") == []


REFUSED = [
    (
        "lambda",
        {"refuse": "LoginRestricted"},
        "cannot log in here at the moment: A login validation lambda refuses this login.",
        "restricted",
    ),
    (
        "fail",
        {"path": "/api/login", "times": 7, "status": 242, "body": {"configurableMethods": ["email"]}},
        "needs a second step",
        "no_second_factor",
    ),
]


@pytest.mark.parametrize(("hook", "given", "words", "kind"), REFUSED, ids=["lambda", "no second factor"])
def test_a_user_who_is_refused_after_the_right_password_is_neither_locked_out_nor_told_it_was_wrong(
    store: Browser,
    idp: Idp,
    sql: Callable[..., Any],
    audit: Audit,
    hook: str,
    given: dict[str, Any],
    words: str,
    kind: str,
) -> None:
    login = person("shopper")
    idp.hook(hook, **given)
    for _ in range(7):
        page = attempt(store, login.email, login.password, next="/orders")
        assert page.status_int == 422
        assert words in page.text
        assert "is wrong" not in page.text
        assert WRONG not in page.text
    assert login_form(page)["email"].value == login.email
    assert sql("SELECT 1 FROM login_failures WHERE failures > 0") == []
    assert {row["detail"]["kind"] for row in audit("authn_login_fail")} == {kind}
    if hook == "lambda":
        assert audit("authn_login_fail")[0]["detail"]["code"] == "[LoginRestricted]"
    # A wrong password is one all the same.
    assert WRONG in attempt(store, login.email, "wrong").text
    idp.hook("reset")
    assert attempt(store, login.email, login.password).status_int == 302


def test_a_request_that_the_provider_cannot_read_is_no_wrong_password(
    store: Browser, idp: Idp, sql: Callable[..., Any], logged: Callable[[], str]
) -> None:
    login = person("shopper")
    body = {"fieldErrors": {"loginId": [{"code": "[blank]loginId", "message": "…"}]}}
    idp.hook("fail", path="/api/login", times=1, status=400, body=body)
    page = attempt(store, login.email, login.password)
    assert page.status_int == 503
    assert WRONG not in page.text
    assert "[blank]loginId" in logged()
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
    assert login_form(page)["email"].attrs["aria-invalid"] == "true"
    assert idp.calls("/api/login") == []


def test_a_missing_password_is_named(store: Browser, idp: Idp) -> None:
    page = attempt(store, "shopper@harbour.example", "")
    assert page.status_int == 422
    assert "Enter your password." in page.text
    assert page.html.select_one("#error-summary-title").text.strip() == "Please check this"
    assert login_form(page)["email"].value == "shopper@harbour.example"
    assert idp.calls("/api/login") == []


def test_fields_that_are_files_or_missing_are_refused(store: Browser) -> None:
    token = login_form(store.get("/login"))["csrf_token"].value
    files = [("email", "x.txt", b"x"), ("password", "y.txt", b"y"), ("next", "z.txt", b"z")]
    assert store.post("/login", {"csrf_token": token}, upload_files=files, status=400)
    assert store.post("/login", {"csrf_token": token}, status=422)


def test_without_the_forms_token_nothing_is_asked(store: Browser, idp: Idp) -> None:
    login = person("shopper")
    fields = {"email": login.email, "password": login.password}
    store.post("/login", fields, status=403)
    token = login_form(store.get("/login"))["csrf_token"].value
    for headers in ({"Origin": "https://forums.test"}, {"Sec-Fetch-Site": "same-site"}):
        store.post("/login", {**fields, "csrf_token": token}, headers=headers, status=403)
    assert idp.calls("/api/login") == []


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
        timeout=60,
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
    assert "Login is not available at the moment" in page.text
    form = login_form(page)
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
    pool = store.app.services.db.engine.pool
    held = []
    login = person("shopper")
    thread = threading.Thread(target=lambda: attempt(store, login.email, login.password))
    thread.start()
    while not idp.calls("/api/login") and thread.is_alive():
        held.append(pool.checkedout())
    held.append(pool.checkedout())
    thread.join()
    assert held[-1] == 0


def test_refusals_take_their_time(
    store: Browser, limits: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refusal is answered once its wait is over, which here lasts until the test ends it."""
    limits(refusal_floor=60)
    waits: Queue[float] = Queue()
    over = threading.Event()

    def sleep(seconds: float) -> None:
        waits.put(seconds)
        over.wait(60)

    monkeypatch.setattr(signin, "time", SimpleNamespace(monotonic=time.monotonic, sleep=sleep))
    with ThreadPoolExecutor(1) as pool:
        refusal = pool.submit(attempt, store, "nobody@harbour.example", "wrong")
        assert 0 < waits.get(timeout=60) <= 60
        assert not refusal.done()
        over.set()
        assert refusal.result().status_int == 422
    assert waits.empty()


def test_refusals_that_wait_leave_threads_to_others(
    store: Browser,
    browser: Callable[..., Browser],
    limits: Callable[..., None],
    apps: dict[str, Any],
    idp: Idp,
) -> None:
    """More than a few at a time are told to come back; the right password is no refusal, and need not wait."""
    places = apps["store"].services.get(Bulkhead)
    with ExitStack() as stack:
        for _ in range(LoginSettings.most_delayed):
            stack.enter_context(places.place())
        answer = attempt(store, "nobody@harbour.example", "wrong")
        assert answer.status_int == 503
        assert answer.headers["Retry-After"]
        assert "nobody@harbour.example" in answer.text
        # So are those who ask for a mail, whose answers are held back as long; no mail is sent.
        idp.forget_calls()
        for page in ("/login/code", "/password/forgot"):
            form = next(form for form in store.get(page).forms.values() if "email" in form.fields)
            form["email"] = person("shopper").email
            later = form.submit(expect_errors=True)
            assert (later.status_int, bool(later.headers["Retry-After"])) == (503, True)
            assert person("shopper").email in later.text
        assert idp.calls("/api/") == []
        browser("store").log_in("shopper", status=302)
    assert attempt(store, "nobody@harbour.example", "wrong").status_int == 422
