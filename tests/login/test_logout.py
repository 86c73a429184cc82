"""Logging out: here, at the identity provider, and in the browser."""

from collections.abc import Callable
from typing import Any

import pytest
from page_forms import form_of
from support import Browser, Idp, person
from webtest import TestResponse


def logout_form(page: TestResponse) -> Any:
    return form_of(page, "/logout")


@pytest.mark.parametrize("site", ["store", "forums"])
def test_ends_the_session_everywhere(
    browser: Callable[[str], Browser], idp: Idp, sql: Callable[..., Any], audit: Any, site: str
) -> None:
    client, other = browser(site), browser(site)
    client.log_in("member")
    other.log_in("member")
    before = list(client.cookiejar)
    answer = logout_form(client.get("/account/sessions")).submit(status=303)
    assert answer.location == "/?notice=goodbye"
    assert answer.headers["Clear-Site-Data"] == '"cache", "storage"'
    assert "__Host-session" not in client.cookies
    assert "__Host-refresh" not in client.cookies
    [call] = [call for call in idp.calls("/api/jwt/refresh") if call["method"] == "DELETE"]
    [row] = sql("SELECT refresh_token_id FROM sessions WHERE end_reason = 'logout'")
    assert call["path"].endswith(str(row["refresh_token_id"]))
    assert len(audit("session_logout")) == 1

    for cookie in before:
        client.cookiejar.set_cookie(cookie)
    idp.forget_calls()
    replay = client.get("/account/sessions", status=302)
    assert "/login?" in replay.location
    assert "why=logout" in replay.location
    assert idp.calls() == []
    other.get("/account/sessions", status=200)


def test_a_signed_out_visitor_may_log_out_again(store: Browser) -> None:
    store.log_in("shopper")
    form = logout_form(store.get("/account/sessions"))
    form.submit(status=303)
    form.submit(status=303)
    token = store.get("/login").html.select_one("input[name=csrf_token]")["value"]
    store.post("/logout", {"csrf_token": token}, status=303)


def test_only_by_post_and_only_by_our_own_form(store: Browser, sql: Callable[..., Any]) -> None:
    store.log_in("shopper")
    store.get("/logout", status=405)
    store.post("/logout", status=403)
    token = logout_form(store.get("/account/sessions"))["csrf_token"].value
    store.post("/logout", {"csrf_token": token}, headers={"Origin": "https://forums.test"}, status=403)
    store.post("/logout", {"csrf_token": token}, headers={"Sec-Fetch-Site": "same-site"}, status=403)
    assert sql("SELECT 1 FROM sessions WHERE ended_at IS NOT NULL") == []


def test_works_while_the_provider_is_away(store: Browser, idp: Idp, sql: Callable[..., Any]) -> None:
    store.log_in("shopper")
    form = logout_form(store.get("/account/sessions"))
    idp.hook("fail", path="/api/jwt/refresh", times=1, status=503)
    form.submit(status=303)
    assert sql("SELECT count(*) AS n FROM sessions WHERE end_reason = 'logout'") == [{"n": 1}]
    assert sql("SELECT count(*) AS n FROM revocation_outbox WHERE done_at IS NULL") == [{"n": 1}]


def test_says_goodbye(store: Browser) -> None:
    assert store.app.services.notices["goodbye"].text == "You are logged out."
    assert person("shopper").email not in str(store.app.services.notices)
