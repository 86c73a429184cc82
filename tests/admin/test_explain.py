"""The console, the API and the command line give the same reasons for a served or refused request."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from api.conftest import Caller, make_token
from click.testing import CliRunner
from http_helpers import give
from page_forms import form_of
from support import Browser, person

from shopforum.cli import main

Console = Callable[[str], Browser]
Started = Callable[..., Any]


@pytest.fixture
def thief(browser: Callable[..., Browser]) -> Callable[..., Browser]:
    return lambda cookies: give(browser("store", "203.0.113.66"), cookies)


def cookies_of(client: Browser) -> dict[str, str]:
    return dict(client.cookies)


def ask(client: Browser, **query: str) -> Any:
    return client.get(f"/explain?{urlencode(query)}")


def test_a_stolen_half_is_found_by_session_user_request_and_place(
    apps: dict[str, Any], console: Console, started: Started, thief: Any, write_ini: Any, sql: Any
):
    one = started("shopper")
    stolen = {name: value for name, value in cookies_of(one.browser).items() if "session" in name}
    refused = thief(stolen).get("/shopping-cart", status=302)
    request_id = refused.headers["X-Request-ID"]
    client = console("viewer")
    words = "the session id came without the refresh token that it was issued with"
    for query in (
        {"id": str(one.id)},
        {"id": str(one.id)[:8]},
        {"id": str(one.user_id)},
        {"id": person("shopper").email},
        {"id": request_id},
    ):
        page = ask(client, **query)
        assert f"Refused: {words}." in page, query
        assert request_id in page
        assert "203.0.113.66" in page
    # The flag's row in the audit log is of the same request: it is told once.
    assert ask(client, id=request_id).text.count("Refused: ") == 1
    [now] = sql("SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI') AS at")
    page = ask(client, ip="203.0.113.0/24", at=now["at"])
    assert words in page
    assert "Served: the session of Sam Shore was used from here" in ask(client, ip="192.0.2.1", at=now["at"])
    assert "Nothing is stored from there" in ask(client, ip="203.0.113.66", at="2020-01-01T00:00")
    # The API and the command line.
    call = Caller(apps["admin"], make_token(apps["admin"], "sessions:read"))
    found = call("GET", f"/sessions/{one.id}/explain", status=200).json
    assert found["served"]
    assert [check["passes"] for check in found["checks"]] == [True] * 5
    decisions = found["decisions"]
    assert decisions == sorted(decisions, key=lambda each: each["at"], reverse=True)
    [half] = [each for each in decisions if each["verdict"] == "refused"]
    assert (half["why"], half["request_id"]) == ("session_without_refresh_token", request_id)
    ini = write_ini()
    told = CliRunner().invoke(
        main, ["sessions", "explain", ini, str(one.id), "--json"], catch_exceptions=False
    )
    assert json.loads(told.stdout)["decisions"] == decisions
    told = CliRunner().invoke(main, ["sessions", "explain", ini, request_id], catch_exceptions=False)
    assert words in told.stdout
    assert CliRunner().invoke(main, ["sessions", "explain", ini, "nothing-here"]).exit_code == 1


def test_a_replay_is_told_with_its_pairs(
    console: Console, started: Started, thief: Any, sql: Any, later: Any
):
    one = started("shopper")
    old = cookies_of(one.browser)
    sql("UPDATE sessions SET due_at = now() WHERE id = :id RETURNING 1 AS one", id=one.id)
    one.browser.get("/shopping-cart")
    one.browser.get("/shopping-cart")
    later(71)
    thief(old).get("/shopping-cart", status=302)
    page = ask(console("viewer"), id=str(one.id))
    assert (
        "pair 1, replaced 71 s earlier, came back while pair 2 holds, last shown by Firefox 140 on Linux at 192.0.2.1"
        in page
    )
    assert "pair 2 was handed out" in page
    assert "pair 2, which was given for pair 1, was shown for the first time" in page
    assert "The next request is refused" in page
    assert "✗ Not ended" in page


def test_the_rules_that_the_next_request_would_meet(console: Console, started: Started, sql: Any):
    one, two = started("shopper", address="203.0.113.9"), started("member", "forums")
    client = console("owner")
    form = next(form for form in client.get("/rules").forms.values() if form.action == "/rules")
    form["network"], form["reason"] = "203.0.113.0/24", "incident"
    asked = form.submit()
    form_of(asked, "/rules").submit(status=303)
    page = ask(client, id=str(one.id))
    assert "✗ No deny rule" in page
    assert "Everybody from 203.0.113.0/24, on all sites" in page
    one.browser.get("/shopping-cart", status=302)
    assert "a deny rule is in force (Everybody from 203.0.113.0/24, on all sites)" in ask(
        client, id=str(one.id)
    )
    sql(
        "UPDATE sessions SET quarantined_at = now(), quarantine_reason = 'incident' WHERE id = :id RETURNING 1 AS one",
        id=two.id,
    )
    assert "✗ Not in quarantine" in ask(client, id=str(two.id))
    two.browser.get("/posts", status=302)
    assert "in quarantine until the password is given again" in ask(client, id=str(two.id))


@pytest.mark.parametrize(
    ("query", "status", "why"),
    [
        ({}, 200, "Find out why"),
        ({"id": "x"}, 200, "Nothing is stored under this id"),
        ({"id": "00000000-0000-0000-0000-000000000000"}, 200, "Nothing is stored under this id"),
        ({"id": "\x00"}, 200, ""),
        ({"ip": "300.1.1.1"}, 422, "an address or a block"),
        ({"ip": "192.0.2.1"}, 422, "Give an address and a time"),
        ({"at": "2026-01-01T00:00"}, 422, "Give an address and a time"),
        ({"ip": "192.0.2.1", "at": "yesterday"}, 422, "a date and time such as"),
    ],
)
def test_an_unknown_id_cannot_be_explained(console: Console, query: dict[str, str], status: int, why: str):
    client = console("viewer")
    page = client.get(f"/explain?{urlencode(query)}", expect_errors=True)
    assert page.status_int in (status, 400)
    assert why in page
