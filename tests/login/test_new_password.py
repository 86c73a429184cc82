"""A new password: by a link in a mail, or because it has to be changed; the old one and all sessions end."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from login.mails import link_of, mails
from support import Browser, Idp, person, url_of
from webtest import TestResponse

SHOPPER = person("shopper")
COOKIE = "__Host-new-password"


@pytest.fixture(autouse=True)
def _no_old_mails(idp: Idp) -> None:
    mails(idp)


def ask(client: Browser, address: str) -> TestResponse:
    form = next(form for form in client.get("/password/forgot").forms.values() if "email" in form.fields)
    form["email"] = address
    return form.submit(expect_errors=True)


def follow(client: Browser, idp: Idp) -> TestResponse:
    """Open the link of the one mail; the id goes out of the address at once."""
    link = urlsplit(link_of(mails(idp)[0]))
    assert f"{link.scheme}://{link.netloc}" == url_of("store")
    answer = client.get(f"{link.path}?{link.query}", status=302)
    assert answer.location == "/password/reset?due"
    return answer.follow()


def submit(page: TestResponse, password: str) -> TestResponse:
    form = next(form for form in page.forms.values() if "password" in form.fields)
    form["password"] = password
    return form.submit(expect_errors=True)


def log_in(client: Browser, password: str) -> TestResponse:
    form = next(form for form in client.get("/login").forms.values() if "password" in form.fields)
    form["email"], form["password"] = SHOPPER.email, password
    return form.submit(expect_errors=True)


def test_a_user_who_forgot_the_password_sets_a_new_one(
    browser: Callable[..., Browser], store: Browser, idp: Idp, sql: Any
) -> None:
    other = browser("store", "198.51.100.7")
    other.log_in("shopper")
    assert store.get("/login").html.find("a", string="Forgot your password?")["href"] == "/password/forgot"
    answer = ask(store, f" {SHOPPER.email} ")
    assert (answer.status_int, answer.location) == (303, "/password/forgot?sent")
    assert "we have sent it a mail" in answer.follow().text
    page = follow(store, idp)
    refused = submit(page, "short")
    assert (refused.status_int, "at least 8 characters" in refused.text) == (422, True)
    done = submit(refused, "a brand new password")
    assert done.location == "/login?why=password-changed"
    assert "Your password was changed" in done.follow().text
    assert COOKIE not in store.cookies
    assert other.get("/account/sessions", status=302).location.startswith("/login")
    [row] = sql("SELECT reason_code FROM revocations")
    assert row["reason_code"] == "password_changed"
    assert log_in(store, SHOPPER.password).status_int == 422
    assert log_in(store, "a brand new password").location == "/shopping-cart"
    # The link is good once.
    assert store.get("/password/reset", status=303).location == "/password/forgot?late"


def test_an_unknown_address_gets_the_same_page_and_no_mail(store: Browser, idp: Idp) -> None:
    answer = ask(store, "nobody@new.example")
    assert (answer.status_int, answer.location) == (303, "/password/forgot?sent")
    assert mails(idp) == []


@pytest.mark.usefixtures("database_clock")
def test_mails_are_not_sent_without_end_and_lock_nobody_out(
    store: Browser, idp: Idp, limits: Callable[..., None]
) -> None:
    limits(account_failures=2)
    assert [ask(store, SHOPPER.email).status_int for _ in range(3)] == [303, 303, 429]
    assert len(mails(idp)) == 2
    assert log_in(store, SHOPPER.password).status_int == 302


def test_a_password_that_has_to_be_changed_is_changed_on_the_way_in(store: Browser, idp: Idp) -> None:
    idp.hook("user", email=SHOPPER.email, passwordChangeRequired=True)
    answer = log_in(store, SHOPPER.password)
    assert (answer.status_int, answer.location) == (302, "/password/reset?due")
    page = answer.follow()
    assert "Set a new password to continue" in page.text
    submit(page, "a brand new password").follow()
    assert log_in(store, "a brand new password").location == "/shopping-cart"


def test_the_right_to_change_is_in_no_address_log_or_page(
    store: Browser, idp: Idp, sql: Any, capfd: Any
) -> None:
    ask(store, SHOPPER.email)
    right = link_of(mails(idp)[0]).partition("id=")[2]
    page = store.get(f"/password/reset?id={right}").follow()
    submit(page, "a brand new password").follow()
    assert right not in page.request.url + page.text
    assert right not in str(sql("SELECT * FROM audit_log")) + "".join(capfd.readouterr())


@pytest.mark.parametrize(
    "path",
    ["/password/reset", "/password/reset?id=", "/password/reset?id=a%20b", "/password/reset?id=" + "x" * 300],
)
def test_without_a_link_there_is_no_page(store: Browser, path: str) -> None:
    answer = store.get(path, status=303)
    assert answer.location == "/password/forgot?late"
    assert "used already, or is too old" in answer.follow().text


def test_a_made_up_right_or_one_of_another_site_is_refused(store: Browser, forums: Browser, idp: Idp) -> None:
    page = store.get("/password/reset?id=made-up").follow()
    assert submit(page, "a brand new password").location == "/password/forgot?late"
    ask(store, SHOPPER.email)
    follow(store, idp)
    forums.get("/password/reset", headers={"Cookie": f"{COOKIE}={store.cookies[COOKIE]}"}, status=303)


@pytest.mark.parametrize("path", ["/api/user/forgot-password", "/api/user/change-password", "/api/user"])
@pytest.mark.parametrize("status", [403, 503])
def test_when_fusionauth_is_away_nothing_is_lost(store: Browser, idp: Idp, path: str, status: int) -> None:
    ask(store, SHOPPER.email)
    page = follow(store, idp)
    idp.hook("fail", path=path, times=1, status=status)
    answer = ask(store, SHOPPER.email) if "forgot" in path else submit(page, "a brand new password")
    assert (answer.status_int, "Retry-After" in answer.headers) == (503, True)
    assert "cannot be changed at the moment" in answer.text
    assert (
        submit(store.get("/password/reset"), "a brand new password").location == "/login?why=password-changed"
    )


def test_the_console_uses_fusionauths_own_page(admin: Browser) -> None:
    assert admin.get("/password/reset", expect_errors=True).status_int in (302, 404)
