"""A login that a browser sends twice leaves one session: that of the answer which the browser takes."""

import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from http_helpers import SESSION, give, set_cookies
from session_fixtures import together
from sqlalchemy import event
from support import Browser, Idp, person, url_of
from waiting import eventually

CART = "/account/sessions"


@pytest.fixture
def clicks(browser: Callable[..., Browser]) -> Callable[[str], tuple[Browser, Callable[[Browser], Any]]]:
    """`clicks("store")`: a browser that has the form, and what sends it, as another request of that browser."""

    def open_form(site: str) -> tuple[Browser, Callable[[Browser], Any]]:
        first = browser(site)
        form = next(f for f in first.get("/login").forms.values() if f.action == "/login")
        login = person("owner" if site == "admin" else "shopper")
        fields = {
            "email": login.email,
            "password": login.password,
            "csrf_token": form["csrf_token"].value,
            "next": "",
        }
        cookies = dict(first.cookies)

        def send(client: Browser) -> Any:
            return give(client, cookies).post("/login", fields, status=302)

        return first, send

    return open_form


def live(sql: Any) -> list[Any]:
    return sql("SELECT id FROM sessions WHERE ended_at IS NULL")


@pytest.mark.parametrize("site", ["store", "admin"])
def test_the_second_click_takes_the_place_of_the_first(
    browser: Any, clicks: Any, sql: Any, idp: Idp, site: str
) -> None:
    _, send = clicks(site)
    first, second = browser(site), browser(site)
    send(first)
    send(second)
    assert len(live(sql)) == 1
    page = "/sessions" if site == "admin" else CART
    second.get(page, status=200)
    first.get(page, status=302)
    assert sql("SELECT reason_code FROM revocations")[0]["reason_code"] == "superseded"


def test_a_first_click_that_is_slower_takes_nothing_and_sets_no_cookie(
    browser: Any, clicks: Any, sql: Any, idp: Idp
) -> None:
    _, send = clicks("store")
    first, second = browser("store"), browser("store")
    idp.hook("fail", path="/api/login", times=1, delay_seconds=1)
    answers: list[Any] = []
    slow = threading.Thread(target=lambda: answers.append(send(first)))
    slow.start()
    eventually(lambda: bool(idp.calls("/api/login")))
    send(second)
    slow.join(10)
    assert len(live(sql)) == 1
    assert SESSION not in set_cookies(answers[0])
    second.get(CART, status=200)
    assert [c["method"] for c in idp.calls("/api/jwt/refresh")] == ["DELETE"]


def test_of_many_at_once_one_is_left(browser: Any, clicks: Any, sql: Any) -> None:
    _, send = clicks("store")
    clients = [browser("store") for _ in range(5)]
    threads = [threading.Thread(target=send, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(live(sql)) == 1
    signed_in = [client for client in clients if client.get(CART, status="*").status_int == 200]
    assert len(signed_in) == 1


@pytest.fixture
def again(clicks: Any) -> Callable[..., Callable[[Browser], Any]]:
    """`again("store")`: sends the form with which the browser gives its password again, as another request of it."""

    def open_form(site: str, **headers: str) -> Callable[[Browser], Any]:
        first, send = clicks(site)
        send(first)
        forms = first.get("/login?why=fresh").forms
        form = next(f for f in forms.values() if "password" in f.fields)
        login, cookies = person("owner" if site == "admin" else "shopper"), dict(first.cookies)
        fields = {
            "email": login.email,
            "password": login.password,
            "csrf_token": form["csrf_token"].value,
            "next": "",
        }
        return lambda client: give(client, cookies).post("/login", fields, headers=headers, status="*")

    return open_form


@pytest.mark.parametrize("site", ["store", "admin"])
@pytest.mark.parametrize("says_origin", [True, False])
def test_a_password_given_again_twice_leaves_one(
    browser: Any, again: Any, sql: Any, site: str, says_origin: bool
) -> None:
    """Also by a browser that says where the form comes from, and whose form's token is then not looked at."""
    send = again(site, **({"Origin": url_of(site)} if says_origin else {}))
    together(*[partial(send, browser(site)) for _ in range(3)])
    assert len(live(sql)) == 1


def test_other_forms_and_other_people_are_left_alone(browser: Any, sql: Any) -> None:
    """Two browsers of one person, and another's: each has a session. So has one browser that never had a cookie, and sends a
    form before the page with its second one has arrived: nothing tells it from two.
    """
    for who, site in (("shopper", "store"), ("shopper", "store"), ("member", "forums")):
        browser(site).log_in(who)
    assert len(live(sql)) == 3


def from_tab(browser: Any, site: str, who: str, device: dict[str, str]) -> Browser:
    """Log in from a tab with a form and a visitor's cookie of its own, before any answer has changed the browser's cookies."""
    client = give(browser(site), device)
    client.log_in(who)
    return client


@pytest.fixture
def device(browser: Any, database_clock: Any, later: Callable[[float], None]) -> dict[str, str]:
    """The cookie of a browser that has signed in before, an hour ago."""
    client = browser("store")
    client.log_in("shopper")
    later(3600)
    return {"__Host-device": client.cookies["__Host-device"]}


def test_several_forms_of_one_browser_leave_the_last_session(
    browser: Any, device: Any, sql: Any, idp: Idp
) -> None:
    tabs = [from_tab(browser, "store", "shopper", device) for _ in range(3)]
    assert [tab.get(CART, status="*").status_int for tab in tabs] == [302, 302, 200]
    assert (
        sql("SELECT end_reason FROM sessions WHERE ended_at IS NOT NULL")
        == [{"end_reason": "superseded"}] * 2
    )
    assert len([call for call in idp.calls("/api/jwt/refresh/") if call["method"] == "DELETE"]) == 2


def test_forms_that_are_sent_at_the_same_time_leave_one_session(browser: Any, device: Any, sql: Any) -> None:
    known = len(live(sql))
    together(*[partial(from_tab, browser, "store", "shopper", device)] * 4)
    assert len(live(sql)) == known + 1


def test_another_browser_another_user_and_a_later_login_keep_their_sessions(
    browser: Any, device: Any, sql: Any, later: Any
) -> None:
    from_tab(browser, "store", "shopper", device)
    from_tab(browser, "store", "shopper", {})
    from_tab(browser, "store", "member", device)
    from_tab(browser, "forums", "member", device)
    later(11)
    from_tab(browser, "store", "shopper", device)
    assert sql("SELECT 1 FROM sessions WHERE ended_at IS NOT NULL") == []


def test_two_admins_browsers_at_one_address_keep_their_sessions(browser: Any, sql: Any) -> None:
    for _ in range(3):
        browser("admin").log_in("owner")
    assert len(live(sql)) == 3


def test_a_login_in_place_of_another_ends_it_once(store: Browser, sql: Any) -> None:
    store.log_in("shopper")
    page = store.get("/login?why=fresh")
    form = next(form for form in page.forms.values() if "password" in form.fields)
    form["email"], form["password"] = person("shopper").email, person("shopper").password
    form.submit(status=302)
    assert len(live(sql)) == 1
    assert len(sql("SELECT 1 FROM revocations")) == 1


def test_a_login_that_a_later_one_has_ended_ends_no_other(
    browser: Any, again: Any, sql: Any, apps: dict[str, Any]
) -> None:
    """The second click is through before the first one has noted its device, and finds the second one's session there."""
    send, first, second = again("store"), browser("store"), browser("store")
    engine, pending = apps["store"].services.db.engine, [second]

    def let_the_second_through(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if pending and "INSERT INTO login_devices" in statement:
            send(pending.pop())

    event.listen(engine, "before_cursor_execute", let_the_second_through)
    try:
        send(first)
    finally:
        event.remove(engine, "before_cursor_execute", let_the_second_through)
    assert pending == []
    assert len(live(sql)) == 1
    second.get(CART, status=200)
