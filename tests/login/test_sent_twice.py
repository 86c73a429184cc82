"""A login form that is sent twice, by a double click, leaves one session: that of the answer which the browser takes."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from http_helpers import SESSION, give, set_cookies
from support import Browser, Idp, person
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


def test_a_password_given_again_twice_leaves_one(browser: Any, clicks: Any, sql: Any) -> None:
    first, send = clicks("store")
    send(first)
    form = first.get("/login?why=fresh").forms
    form = next(f for f in form.values() if "password" in f.fields)
    login, cookies = person("shopper"), dict(first.cookies)
    fields = {
        "email": login.email,
        "password": login.password,
        "csrf_token": form["csrf_token"].value,
        "next": "",
    }
    clients = [give(browser("store"), cookies) for _ in range(3)]
    threads = [
        threading.Thread(target=c.post, args=("/login", fields), kwargs={"status": "*"}) for c in clients
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(live(sql)) == 1


def test_other_forms_and_other_people_are_left_alone(browser: Any, sql: Any) -> None:
    """Two browsers of one person, and another's: each has a session."""
    for who, site in (("shopper", "store"), ("shopper", "store"), ("member", "forums")):
        browser(site).log_in(who)
    assert len(live(sql)) == 3
