"""Your devices, beyond the list: a new session id for who stays, failures, and warnings in good time."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from http_helpers import SESSION
from support import Browser, person

CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36"


def devices(client: Browser) -> Any:
    return client.get("/account/sessions", status=200)


def activity(client: Browser) -> list[str]:
    return [" ".join(row.text.split()) for row in devices(client).html.select("tbody tr")]


def test_the_device_that_stays_gets_a_new_session_id(browser: Callable[..., Browser]) -> None:
    mine, other = browser("store"), browser("store")
    other.log_in("member")
    mine.log_in("member")
    before = mine.cookies[SESSION]
    form = next(f for f in devices(mine).forms.values() if f.action.endswith("/revoke-others"))
    assert "(1)" in devices(mine).html.find("form", action=form.action).button.text
    answer = form.submit(status=303).follow()
    assert "Signed out 1 other device." in answer.text
    assert mine.cookies[SESSION] != before
    devices(mine)
    other.get("/account/sessions", status=302)


def test_a_thief_who_copied_the_old_id_is_found(
    browser: Callable[..., Browser], thief: Callable[..., Browser], sql: Any, later: Any
) -> None:
    mine = browser("store")
    mine.log_in("member")
    copied = dict(mine.cookies)
    next(f for f in devices(mine).forms.values() if f.action.endswith("/revoke-others")).submit(status=303)
    devices(mine)
    devices(mine)
    later(61)
    thief("store", copied).get("/account/sessions", status=302)
    assert sql("SELECT 1 FROM sessions WHERE end_reason = 'replayed'")


def test_a_request_for_the_next_cookies_from_elsewhere_is_shown(
    browser: Callable[..., Browser], thief: Callable[..., Browser], sql: Any, later: Any
) -> None:
    mine = browser("store")
    mine.log_in("member")
    assert "next cookies" not in devices(mine).text
    sql("UPDATE sessions SET due_at = now()")
    thief("store", dict(mine.cookies)).get("/account/sessions")
    later(61)
    page = " ".join(devices(mine).text.split())
    assert "Somebody at 203.0.113.66" in page
    assert "asked for this session's next cookies 1 time" in page


def test_a_device_that_is_gone_can_still_be_reported(browser: Callable[..., Browser], sql: Any) -> None:
    mine, other = browser("store"), browser("store")
    other.log_in("member")
    mine.log_in("member")
    form = next(f for f in devices(mine).forms.values() if f.action.endswith("/revoke"))
    form.submit(status=303)
    assert form.submit("reported", status=303).location.endswith("notice=device-reported")
    assert len(sql("SELECT 1 FROM session_flags WHERE kind = 'session_reported'")) == 1


def test_failures_are_in_the_owners_list_and_nobody_elses(browser: Callable[..., Browser]) -> None:
    mine, stranger, other = browser("store"), browser("store", "203.0.113.9"), browser("store")
    mine.log_in("member")
    other.log_in("shopper")
    stranger.log_in("member", password="wrong", status=422)
    stranger.log_in("shopper", email="nobody@harbour.example", status=422)
    assert activity(mine)[0].startswith("Login failed now Somebody Firefox on Linux 203.0.113.9")
    assert not [line for line in activity(other) if "failed" in line]


def test_a_renewal_is_news_only_from_another_address(
    browser: Callable[..., Browser], idle_out: Callable[[], None]
) -> None:
    mine = browser("store")
    mine.log_in("member")
    for address, news in (("127.0.0.1", 0), ("198.51.100.4", 1)):
        idle_out()
        mine.extra_environ["REMOTE_ADDR"] = address
        lines = activity(mine)
        assert len([line for line in lines if "renewed from another address" in line]) == news


@pytest.mark.parametrize(("site", "who"), [("store", "shopper"), ("admin", "owner")])
def test_the_end_is_told_in_good_time(
    browser: Callable[..., Browser], count_sql: Any, sql: Any, site: str, who: str
) -> None:
    client, path = browser(site), {"store": "/shopping-cart", "admin": "/revoke-everyone"}[site]
    client.log_in(who)
    with count_sql(client) as before:
        assert "Your login ends" not in client.get(path).text
    sql(
        "UPDATE sessions SET absolute_end = now() + interval '8 minutes 30 seconds', idle_end = now() + interval '8 minutes'"
    )
    with count_sql(client) as after:
        page = client.get(path)
    assert "Your login ends in 8 minutes" in page.text
    assert len(after) == len(before)
    link = page.html.find("a", string="log in again now")["href"]
    assert parse_qs(urlsplit(link).query)["next"] == [page.request.path_qs], "the page is not lost"
    assert "Confirm it" in client.get(link).text


@pytest.mark.parametrize(
    "code",
    [
        "expired",
        "evicted",
        "reported",
        "quarantined",
        "blocked",
        "account_closed",
        "revoked_at_provider",
        "password_changed",
        "account_locked",
        "account_deleted",
        "role_removed",
        "registration_removed",
        "superseded",
        "replayed",
    ],
)
def test_every_end_has_its_words(store: Browser, sql: Any, code: str) -> None:
    store.log_in("shopper")
    sql("UPDATE sessions SET ended_at = now(), end_reason = :code", code=code)
    page = store.get("/account/sessions", status=302).follow()
    assert page.html.select_one("#notice p").text


def test_a_gate_that_the_provider_closed_is_told_as_what_it_is(store: Browser, sql: Any) -> None:
    [row] = sql(
        "INSERT INTO revocations (scope, user_id, initiating_entity, actor, reason_code, matched)"
        " VALUES ('user', CAST(:user AS uuid), 'idp', 'FusionAuth', 'password_changed', 0) RETURNING id",
        user=person("shopper").id,
    )
    store.log_in("shopper")
    sql("UPDATE sessions SET ended_at = now(), end_reason = 'revoked', revocation_id = :id", id=row["id"])
    page = store.get("/account/sessions", status=302).follow()
    assert "Your password was changed" in page.html.select_one("#notice p").text


def test_the_others_are_all_of_them_however_many(store, sql):
    """Signing out reaches more devices than a list shows."""
    store.log_in("shopper")
    sql(
        """INSERT INTO sessions (site, user_id, user_name, user_email, roles, authenticated_at, absolute_end,
          idle_end, last_seen_at)
        SELECT site, user_id, user_name, user_email, roles, authenticated_at, absolute_end, idle_end,
          last_seen_at FROM sessions, generate_series(1, 250)"""
    )
    page = store.get("/account/sessions")
    form = next(form for form in page.forms.values() if form.action.endswith("/revoke-others"))
    form.submit(status=303)
    assert sql("SELECT count(*) AS left FROM sessions WHERE ended_at IS NULL") == [{"left": 1}]
