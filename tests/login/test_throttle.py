"""Guessing gets slower and slower, for strangers; the owner's own device is never locked out by them."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest
from clocks import SimulatedClock
from support import Browser, Idp, person
from webtest import TestResponse

from shopforum.core import purge
from shopforum.login import jobs, signin, views

Sql = Callable[..., list[dict[str, Any]]]
EMAIL = person("shopper").email
PASSWORD = person("shopper").password


@pytest.fixture
def attempt(database_clock: SimulatedClock) -> Callable[..., TestResponse]:
    def send(client: Browser, password: str = "wrong", email: str = EMAIL) -> TestResponse:
        form = next(form for form in client.get("/login").forms.values() if "password" in form.fields)
        form["email"], form["password"] = email, password
        return form.submit(expect_errors=True)

    return send


def test_after_five_failures_the_sixth_try_waits(store: Browser, idp: Idp, attempt: Any, audit: Any) -> None:
    for _ in range(5):
        assert attempt(store).status_int == 422
    page = attempt(store, PASSWORD)
    assert page.status_int == 429
    assert page.headers["Retry-After"] == "1"
    form = next(form for form in page.forms.values() if "password" in form.fields)
    assert (form["email"].value, form["password"].value) == (EMAIL, "")
    assert "Wait 1 second," in page.text
    assert len(idp.calls("/api/login")) == 5
    [row] = audit("authn_login_fail_max")
    assert row["detail"]["failures"] == 5


@pytest.mark.usefixtures("database_clock")
def test_waits_double_up_to_the_longest(store: Browser, attempt: Any, later: Any) -> None:
    waits = []
    for _ in range(16):
        page = attempt(store)
        if page.status_int == 422:
            page = attempt(store)
        if page.status_int == 429:
            waits.append(int(page.headers["Retry-After"]))
            later(waits[-1])
    assert waits[:6] == [1, 2, 4, 8, 16, 32]
    assert max(waits) == 900


@pytest.mark.usefixtures("database_clock")
def test_after_the_wait_the_right_password_logs_in_and_clears_the_count(
    store: Browser, attempt: Any, later: Any, sql: Sql
) -> None:
    for _ in range(5):
        attempt(store)
    later(1)
    assert attempt(store, PASSWORD).status_int == 302
    counts = [row["failures"] for row in sql("SELECT failures FROM login_failures")]
    assert len(counts) == 1
    assert 4.9 < counts[0] <= 5


@pytest.mark.usefixtures("database_clock")
def test_failures_are_forgiven_with_time(store: Browser, attempt: Any, later: Any) -> None:
    for _ in range(5):
        attempt(store)
    later(3 * 1800)
    for _ in range(3):
        assert attempt(store).status_int == 422
    assert attempt(store).status_int == 429


def test_a_clock_that_steps_back_makes_nobody_wait_for_it(
    store: Browser, attempt: Any, database_clock: SimulatedClock
) -> None:
    for _ in range(5):
        attempt(store)
    assert attempt(store, PASSWORD).status_int == 429
    database_clock.seconds -= 3600
    assert attempt(store).status_int == 422
    # It is a failure like any other: the count goes on from there.
    assert attempt(store, PASSWORD).headers["Retry-After"] == "2"
    database_clock.seconds += 2
    assert attempt(store, PASSWORD).status_int == 302


def test_an_unknown_account_waits_like_a_known_one(store: Browser, attempt: Any) -> None:
    answers = [attempt(store, email="nobody@harbour.example").status_int for _ in range(6)]
    assert answers == [422] * 5 + [429]


def test_spelling_the_address_otherwise_is_no_way_around(store: Browser, attempt: Any) -> None:
    spellings = [EMAIL, EMAIL.upper(), f" {EMAIL}", EMAIL.title(), EMAIL]
    for email in spellings:
        assert attempt(store, email=email).status_int == 422
    assert attempt(store, email=EMAIL.swapcase()).status_int == 429


def test_another_site_and_another_address_are_no_way_around(browser: Any, attempt: Any) -> None:
    for number in range(5):
        site = ("store", "forums", "admin")[number % 3]
        assert attempt(browser(site, f"192.0.2.{number}")).status_int == 422
    assert attempt(browser("store", "192.0.2.99")).status_int == 429


def test_an_address_waits_whatever_accounts_it_tries(browser: Any, attempt: Any, limits: Any) -> None:
    limits(address_failures=6)
    client = browser("store", "192.0.2.1")
    for number in range(6):
        assert attempt(client, email=f"p{number}@harbour.example").status_int == 422
    assert attempt(client, email="another@harbour.example").status_int == 429
    assert attempt(browser("store", "192.0.2.2"), email="another@harbour.example").status_int == 422


def test_a_slash_64_is_one_client(browser: Any, attempt: Any, limits: Any) -> None:
    limits(address_failures=3)
    for number in range(3):
        client = browser("store", f"2001:db8:0:1::{number}")
        assert attempt(client, email=f"p{number}@harbour.example").status_int == 422
    assert attempt(browser("store", "2001:db8:0:1:ffff::1"), email="x@harbour.example").status_int == 429
    assert attempt(browser("store", "2001:db8:0:2::1"), email="x@harbour.example").status_int == 422


def test_an_ipv4_address_is_one_client_in_either_spelling(browser: Any, attempt: Any, limits: Any) -> None:
    limits(address_failures=1)
    assert attempt(browser("store", "::ffff:192.0.2.7"), email="a@harbour.example").status_int == 422
    assert attempt(browser("store", "192.0.2.7"), email="b@harbour.example").status_int == 429


def test_a_delay_of_an_address_delays_no_account(browser: Any, attempt: Any, limits: Any, sql: Sql) -> None:
    limits(address_failures=2, longest_wait=900)
    client = browser("store", "192.0.2.1")
    for number in range(2):
        attempt(client, email=f"p{number}@harbour.example")
    for _ in range(10):
        assert attempt(client).status_int == 429
    assert attempt(browser("store", "192.0.2.2"), PASSWORD).status_int == 302


def test_a_login_of_ones_own_does_not_reset_the_address(browser: Any, attempt: Any, limits: Any) -> None:
    limits(address_failures=4)
    client = browser("store", "192.0.2.1")
    statuses = []
    for number in range(4):
        statuses.append(attempt(client, email=f"p{number}@harbour.example").status_int)
        if number < 3:
            client.cookiejar.clear()
            assert attempt(client, person("member").password, person("member").email).status_int == 302
            client.cookiejar.clear()
    assert statuses == [422] * 4
    assert attempt(client, email="more@harbour.example").status_int == 429


def test_an_attacker_does_not_lock_the_owners_device_out(browser: Any, attempt: Any) -> None:
    owner, attacker = browser("store", "192.0.2.1"), browser("store", "203.0.113.9")
    assert attempt(owner, PASSWORD).status_int == 302
    for _ in range(6):
        answer = attempt(attacker)
    assert answer.status_int == 429
    for name in ("__Host-session", "__Host-refresh"):
        owner.cookiejar.clear("store.test", "/", name)
    assert attempt(owner).status_int == 422
    assert attempt(owner, PASSWORD).status_int == 302
    assert attempt(attacker, PASSWORD).status_int == 429


def test_on_the_console_the_owner_gets_in_from_a_known_address(browser: Any, attempt: Any) -> None:
    login = person("owner")
    assert attempt(browser("admin", "192.0.2.1"), login.password, login.email).status_int == 302
    attacker = browser("admin", "203.0.113.9")
    for _ in range(6):
        answer = attempt(attacker, email=login.email)
    assert answer.status_int == 429
    assert attempt(browser("admin", "192.0.2.1"), login.password, login.email).status_int == 302


def test_a_known_device_has_limits_too(store: Browser, attempt: Any) -> None:
    assert attempt(store, PASSWORD).status_int == 302
    for name in ("__Host-session", "__Host-refresh"):
        store.cookiejar.clear("store.test", "/", name)
    assert [attempt(store).status_int for _ in range(6)] == [422] * 5 + [429]


def test_a_device_is_known_for_its_own_account_alone(browser: Any, attempt: Any) -> None:
    attacker = browser("store", "203.0.113.9")
    assert attempt(attacker, person("member").password, person("member").email).status_int == 302
    for name in ("__Host-session", "__Host-refresh"):
        attacker.cookiejar.clear("store.test", "/", name)
    for _ in range(5):
        attempt(browser("store", "203.0.113.10"))
    assert attempt(attacker).status_int == 429


@pytest.mark.usefixtures("database_clock")
def test_of_many_tries_at_once_no_more_get_through(browser: Any, idp: Idp) -> None:
    client = browser("store")
    form = next(form for form in client.get("/login").forms.values() if "password" in form.fields)
    fields = {"csrf_token": form["csrf_token"].value, "email": EMAIL, "password": "wrong"}
    headers = {"Cookie": f"__Host-csrf={client.cookies['__Host-csrf']}"}

    def send(number: int) -> int:
        one = browser("store", f"192.0.2.{number}")
        return int(one.post("/login", fields, headers=headers, expect_errors=True).status_int)

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(send, range(24)))
    assert len(idp.calls("/api/login")) == statuses.count(422) == 5
    assert set(statuses) == {422, 429}


def test_no_address_is_stored_in_clear(store: Browser, attempt: Any, sql: Sql) -> None:
    attempt(store)
    attempt(store, PASSWORD)
    for table in ("login_failures", "login_devices"):
        for row in sql(f"SELECT * FROM {table}"):
            content = b"".join(bytes(value) for value in row.values() if isinstance(value, memoryview))
            assert EMAIL.encode() not in content
            assert b"127.0.0.1" not in content
            assert store.cookies["__Host-device"].encode() not in content


def test_a_client_without_an_address_is_counted_as_well(browser: Any, attempt: Any, limits: Any) -> None:
    limits(address_failures=2)
    client = browser("store", "")
    statuses = [attempt(client, email=f"p{number}@harbour.example").status_int for number in range(3)]
    assert statuses == [422, 422, 429]


def test_outdated_counters_are_purged(store: Browser, attempt: Any, later: Any, sql: Sql) -> None:
    attempt(store)
    attempt(store, PASSWORD)
    assert purge.run(jobs.PURGES, store.app.services.db) == 0
    later(401 * 86400)
    assert purge.run(jobs.PURGES, store.app.services.db) == 2
    assert sql("SELECT 1 FROM login_failures UNION SELECT 1 FROM login_devices") == []


def test_a_refusal_takes_equally_long_whatever_the_account_is(
    browser: Any, limits: Any, attempt: Any, idp: Idp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Judged by what is left to wait, by a clock that goes on by a second each time that it is read."""
    limits(account_failures=1000, address_failures=1000, refusal_floor=60)
    read, slept = [], []

    def monotonic() -> float:
        read.append(float(len(read)))
        return read[-1]

    for module in (signin, views):
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=monotonic, sleep=slept.append))
    idp.hook("lock", email=person("member").email, on=True)
    for email, password in (
        ("nobody@harbour.example", "wrong"),
        (EMAIL, "wrong"),
        (person("member").email, person("member").password),
    ):
        read.clear()
        slept.clear()
        assert attempt(browser("store"), password, email).status_int == 422
        [left] = slept
        assert read[-1] > read[0]
        assert read[-1] - read[0] + left == 60
