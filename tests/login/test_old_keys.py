"""A key is replaced: nothing that was stored under the old one is forgotten while it stays in `shopforum.secret`."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from support import Browser, person
from webtest import TestResponse

from shopforum.sessions.keyring import Keyring

LOGIN = person("shopper")
OLD, NEW, NEWEST = (f"{name}-key-of-the-tests-0123456789-0123456789" for name in ("old", "new", "newest"))


@pytest.fixture
def keys(apps: dict[str, Any]) -> Any:
    """`keys(NEW, OLD)`: the secrets of all sites from now on, the newest first."""
    before = {app: app.services.sessions.context for app in apps.values()}

    def use(*secrets: str) -> None:
        for app, context in before.items():
            config = replace(context.config, secrets=Keyring(secrets))
            app.services.sessions.context = replace(context, config=config)

    use(OLD)
    yield use
    for app, context in before.items():
        app.services.sessions.context = context


@pytest.fixture
def attempt(later: Callable[[float], None]) -> Callable[..., TestResponse]:
    """Send the login form from a browser that is signed out. No time goes by."""

    def send(client: Browser, password: str = "wrong") -> TestResponse:
        for name in {"__Host-session", "__Host-refresh"} & client.cookies.keys():
            client.cookiejar.clear("store.test", "/", name)
        return client.log_in(LOGIN, password=password, status="*")

    return send


def lock(attempt: Any, stranger: Browser) -> None:
    """Strangers guess until the account has to wait."""
    assert [attempt(stranger).status_int for _ in range(6)][-1] == 429


@pytest.mark.parametrize("keyring", [(NEW, OLD), (OLD, NEW), (NEWEST, NEW, OLD)])
def test_the_owner_s_device_stays_known(
    browser: Any, attempt: Any, keys: Any, audit: Any, keyring: tuple[str, ...]
) -> None:
    owner = browser("store", "192.0.2.1")
    assert attempt(owner, LOGIN.password).status_int == 302
    keys(*keyring)
    lock(attempt, browser("store", "203.0.113.9"))
    assert attempt(owner).status_int == 422
    assert attempt(owner, LOGIN.password).status_int == 302
    keys(keyring[0])
    lock(attempt, browser("store", "203.0.113.10"))
    assert attempt(owner, LOGIN.password).status_int == 302
    assert [row["detail"]["new_device"] for row in audit("authn_login_success")] == [True, False, False]


def test_another_device_is_still_another(browser: Any, attempt: Any, keys: Any, audit: Any, sql: Any) -> None:
    attempt(browser("store"), LOGIN.password)
    keys(NEW, OLD)
    attempt(browser("store"), LOGIN.password)
    assert [row["detail"]["new_device"] for row in audit("authn_login_success")] == [True, True]
    assert len(sql("SELECT 1 FROM sessions WHERE new_sign_in IS NOT NULL")) == 1


def test_a_new_key_is_no_way_around_a_wait(browser: Any, attempt: Any, keys: Any) -> None:
    for number in range(5):
        attempt(browser("store", f"203.0.113.{number}"))
    keys(NEW, OLD)
    assert attempt(browser("store", "203.0.113.9")).status_int == 429
    keys(NEW)
    assert attempt(browser("store", "203.0.113.9")).status_int == 429


def test_a_known_device_and_an_address_keep_their_counts(
    browser: Any, attempt: Any, keys: Any, limits: Any
) -> None:
    limits(address_failures=5)
    owner = browser("store", "192.0.2.1")
    attempt(owner, LOGIN.password)
    for _ in range(4):
        attempt(owner)
    keys(NEW, OLD)
    assert [attempt(owner).status_int for _ in range(2)] == [422, 429]
    assert attempt(browser("store", "192.0.2.1")).status_int == 429


def test_a_login_clears_the_count_whatever_key_it_is_under(
    browser: Any, attempt: Any, keys: Any, sql: Any
) -> None:
    client = browser("store")
    attempt(client)
    keys(NEW, OLD)
    assert attempt(client, LOGIN.password).status_int == 302
    assert sql("SELECT 1 FROM login_failures WHERE failures > 0.1") == [{"?column?": 1}]  # the address


def test_processes_with_the_keys_in_either_order_count_together(
    browser: Any, attempt: Any, keys: Any
) -> None:
    """As during a roll-out: \"old new\" here, \"new old\" there."""
    statuses = []
    for number in range(6):
        keys(*((OLD, NEW) if number % 2 else (NEW, OLD)))
        statuses.append(attempt(browser("store", f"203.0.113.{number}")).status_int)
    assert statuses == [422] * 5 + [429]


def test_a_saved_form_is_found_again(forums: Browser, keys: Any, sql: Any) -> None:
    sql("INSERT INTO forum_categories (slug, name, position) VALUES ('harbour', 'Harbour', 1)")
    forums.log_in("member")
    topic = next(f for f in forums.get("/categories/harbour/topics").forms.values() if "title" in f.fields)
    topic["title"], topic["body"] = "A title", "Long thoughts"
    sql("UPDATE sessions SET ended_at = now(), end_reason = 'revoked'")
    login = topic.submit(status=302).follow()
    keys(NEW, OLD)
    form = next(form for form in login.forms.values() if "password" in form.fields)
    form["email"], form["password"] = person("member").email, person("member").password
    saved = form.submit(status=302).follow(status=200)
    assert "Long thoughts" in saved.text
    next(f for f in saved.forms.values() if "title" in f.fields).submit(status=307)
    assert sql("SELECT 1 FROM kept_forms") == []
