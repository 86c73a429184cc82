"""Signing up at store and forums: a new account, an account of the other site, and nobody learns who has one."""

from collections.abc import Callable
from typing import Any

import pytest
import requests
from device_client import DeviceClient
from login.mails import link_of, mails
from support import APPLICATIONS, Browser, Idp, person
from webtest import TestResponse

NEW = {"name": "Nora Nebel", "email": "nora@new.example", "password": "a good password"}


@pytest.fixture(autouse=True)
def _no_old_mails(idp: Idp) -> None:
    mails(idp)


def sign_up(client: Browser, **fields: str) -> TestResponse:
    page = client.get("/signup")
    form = next(form for form in page.forms.values() if "name" in form.fields)
    for name, value in (NEW | fields).items():
        form[name] = value
    return form.submit(expect_errors=True)


def log_in(client: Browser, **fields: str) -> TestResponse:
    form = next(form for form in client.get("/login").forms.values() if "password" in form.fields)
    for name in ("email", "password"):
        form[name] = (NEW | fields)[name]
    return form.submit(expect_errors=True)


@pytest.mark.parametrize(
    ("site", "landing", "role"), [("store", "/shopping-cart", "shopper"), ("forums", "/posts", "member")]
)
def test_a_new_account_is_confirmed_by_mail_and_then_signs_in(
    browser: Callable[..., Browser], idp: Idp, sql: Any, site: str, landing: str, role: str
) -> None:
    client = browser(site)
    assert client.get("/login").html.find("a", string="Create an account")["href"] == "/signup"
    answer = sign_up(client)
    assert (answer.status_int, answer.location) == (303, "/signup?sent")
    assert "Look for our mail" in answer.follow().text
    assert "not confirmed" in log_in(client).text
    [mail] = mails(idp)
    assert mail["To"] == NEW["email"]
    assert "is confirmed" in requests.get(link_of(mail), timeout=60).text
    assert requests.get(link_of(mail), timeout=60).status_code == 404
    assert log_in(client).location == landing
    [row] = sql("SELECT user_name, user_email, roles FROM sessions")
    assert (row["user_name"], row["user_email"], row["roles"]) == ("Nora Nebel", NEW["email"], [role])
    assert NEW["password"] not in str(sql("SELECT * FROM audit_log"))


def test_where_no_confirmation_is_needed_one_is_signed_in_at_once(store: Browser, idp: Idp) -> None:
    tenant = {"tenant": {"emailConfiguration": {"verifyEmail": False}}}
    home = requests.get(f"{idp.url}/api/tenant", headers={"Authorization": idp.api_key}, timeout=60).json()
    url = f"{idp.url}/api/tenant/{home['tenants'][0]['id']}"
    requests.patch(url, json=tenant, headers={"Authorization": idp.api_key}, timeout=60).raise_for_status()
    page = store.get("/signup?next=/orders")
    form = next(form for form in page.forms.values() if "name" in form.fields)
    for name, value in NEW.items():
        form[name] = value
    signed_in = form.submit(status=302)
    assert signed_in.location == "/orders"
    # And the session can be bound to the device, as after any login.
    DeviceClient(store).register(signed_in)
    assert store.get("/orders").status_int == 200
    assert store.get("/signup", status=302).location == "/shopping-cart"
    assert mails(idp) == []


def test_an_account_of_the_other_site_joins_with_its_password(
    store: Browser, forums: Browser, sql: Any
) -> None:
    shopper = person("shopper")
    assert "create an account" in log_in(forums, email=shopper.email, password=shopper.password).text
    answer = sign_up(forums, email=shopper.email, password=shopper.password)
    assert answer.location == "/posts"
    assert [row["roles"] for row in sql("SELECT roles FROM sessions")] == [["member"]]
    # And again, after the answer was lost: no error.
    assert sign_up(store, email=shopper.email, password=shopper.password).location == "/shopping-cart"


def test_an_address_that_is_taken_looks_new_and_its_owner_gets_a_mail(
    store: Browser, idp: Idp, audit: Callable[[str], list[dict[str, Any]]]
) -> None:
    answer = sign_up(store, email=person("shopper").email.upper())
    assert (answer.status_int, answer.location) == (303, "/signup?sent")
    assert "Look for our mail" in answer.follow().text
    [mail] = mails(idp)
    assert (mail["To"], mail["Subject"]) == (person("shopper").email, "Set a new password")
    assert [row["detail"]["kind"] for row in audit("authn_login_fail")] == ["credentials"]
    assert "__Host-session" not in store.cookies


@pytest.mark.usefixtures("database_clock")
def test_passwords_are_not_guessed_here_faster_than_at_the_login(
    store: Browser, limits: Callable[..., None]
) -> None:
    limits(account_failures=2)
    statuses = [sign_up(store, email=person("shopper").email).status_int for _ in range(3)]
    assert statuses == [303, 303, 429]
    assert log_in(store, email=person("shopper").email).status_int == 429


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"name": " "}, "Enter your name"),
        ({"email": ""}, "Enter your e-mail address"),
        ({"email": "no address"}, "must be an e-mail address"),
        ({"password": ""}, "Enter your password"),
        ({"password": "short"}, "must have at least 8 characters"),
        ({"name": "x" * 201}, "too long"),
    ],
)
def test_bad_input_is_named_and_the_rest_stays(
    store: Browser, idp: Idp, fields: dict[str, str], words: str
) -> None:
    answer = sign_up(store, **fields)
    assert answer.status_int == 422
    assert words in answer.text
    form = next(form for form in answer.forms.values() if "name" in form.fields)
    assert form["email"].value == (NEW | fields)["email"]
    assert form["password"].value == ""
    assert mails(idp) == []


@pytest.mark.parametrize(
    ("fault", "status", "words"),
    [
        ({"status": 503}, 503, "Nothing is wrong with what you typed"),
        ({"status": 401}, 503, "Nothing is wrong with what you typed"),
        (
            {"status": 504, "body": {"generalErrors": [{"code": "[WebhookTransactionException]"}]}},
            503,
            "or ask support",
        ),
        (
            {
                "status": 400,
                "body": {"generalErrors": [{"code": "[ClosedToday]", "message": "Closed today."}]},
            },
            422,
            "Closed today.",
        ),
        (
            {
                "status": 400,
                "body": {"fieldErrors": {"registration.applicationId": [{"code": "[invalid]x"}]}},
            },
            503,
            "Nothing is wrong with what you typed",
        ),
    ],
)
def test_when_fusionauth_does_not_create_it(
    store: Browser, idp: Idp, fault: dict[str, Any], status: int, words: str
) -> None:
    idp.hook("fail", path="/api/user/registration", times=1, **fault)
    answer = sign_up(store)
    assert answer.status_int == status
    assert words in answer.text
    assert ("Retry-After" in answer.headers) == (status == 503)
    assert sign_up(store).location == "/signup?sent"


def test_a_lambda_that_refuses_the_login_says_so(store: Browser, idp: Idp) -> None:
    idp.hook("lambda", applicationId=APPLICATIONS["store"], refuse="LoginRestricted")
    answer = sign_up(store, email=person("shopper").email, password=person("shopper").password)
    assert (answer.status_int, "cannot log in here" in answer.text) == (422, True)


def test_the_console_has_no_sign_up(admin: Browser) -> None:
    assert admin.get("/signup", expect_errors=True).status_int in (302, 404)
    assert admin.get("/login").html.find("a", string="Create an account") is None


def test_a_form_of_another_site_signs_nobody_up(store: Browser, forums: Browser, idp: Idp) -> None:
    token = forums.get("/signup").html.find("input", {"name": "csrf_token"})["value"]
    answer = store.post("/signup", NEW | {"csrf_token": token}, expect_errors=True)
    assert answer.status_int == 403
    assert NEW["password"] not in answer.text
    assert idp.calls("/api/user/registration") == []
