"""An act that needs the password first, or whose session ended meanwhile, is asked about again and never simply done."""

from collections.abc import Callable
from typing import Any

import pytest
from page_forms import form_of
from support import Browser, person
from webtest import TestResponse

from shopforum.operations import limits

Console = Callable[[str], Browser]
Later = Callable[[float], None]
NOTE = "INC-7:\nseen from two places"

MANY = """INSERT INTO sessions (site, user_id, user_name, roles, authenticated_at, absolute_end, idle_end,
    last_seen_at, address)
  SELECT 'store', gen_random_uuid(), 'Somebody', '{}', now(), now() + interval '1 day', now() + interval '1 hour',
    now(), '203.0.113.7' FROM generate_series(1, :count) RETURNING id, 1 AS one"""
PLACES = """INSERT INTO session_places (session_id, address, agent)
  SELECT id, address, '' FROM sessions WHERE user_name = 'Somebody' RETURNING 1 AS one"""


def words(page: TestResponse) -> str:
    return " ".join(page.html.get_text(" ").split())


def ended(sql: Any) -> int:
    return int(
        sql("SELECT count(*) AS n FROM sessions WHERE ended_at IS NOT NULL AND site <> 'admin'")[0]["n"]
    )


def log_in_again(answer: TestResponse, who: str) -> TestResponse:
    form = next(form for form in answer.follow().forms.values() if "password" in form.fields)
    form["email"], form["password"] = person(who).email, person(who).password
    return form.submit(status=302).follow()


@pytest.mark.parametrize("act", ["revoke", "quarantine"])
@pytest.mark.parametrize("lost", [False, True], ids=["stale password", "session over"])
def test_ending_many_shows_filter_number_and_verb_again(
    console: Console, sql: Any, later: Later, act: str, lost: bool
) -> None:
    sql(MANY, count=limits.LARGE + 1)
    sql(PLACES)
    client = console("owner")
    form = form_of(client.get(f"/sessions/{act}?filter=ip%3D203.0.113.7"), f"/sessions/{act}")
    form["reason"], form["text"], form["number"] = "incident", NOTE, str(limits.LARGE + 1)
    if lost:
        sql("UPDATE sessions SET ended_at = now(), end_reason = 'expired' WHERE site = 'admin'")
    else:
        later(301)
    page = log_in_again(form.submit(status=302), "owner")
    assert page.request.path == f"/sessions/{act}"
    verb = "End" if act == "revoke" else "Quarantine"
    assert f"{verb} {limits.LARGE + 1} sessions" in words(page)
    assert "203.0.113.7" in words(page)
    again = form_of(page, f"/sessions/{act}")
    assert again["reason"].value == "incident"
    assert again["text"].value.split() == NOTE.split()
    # The number typed to confirm the earlier count does not confirm this one.
    assert again["number"].value == ""
    assert ended(sql) == 0
    assert sql("SELECT 1 AS one FROM sessions WHERE quarantined_at IS NOT NULL") == []
    assert "Type" in again.submit(status=422)
    again["number"] = str(limits.LARGE + 1)
    again.submit(status=303)


def test_one_session_with_its_reason_is_asked_about_too(console: Console, started: Any, sql: Any) -> None:
    one = started()
    client = console("responder")
    form = form_of(client.get(f"/sessions/{one.id}"), "/sessions/revoke")
    form["reason"], form["text"] = "incident", NOTE
    sql("UPDATE sessions SET ended_at = now(), end_reason = 'expired' WHERE site = 'admin'")
    page = log_in_again(form.submit(status=302), "responder")
    assert "End 1 session?" in words(page)
    assert ended(sql) == 0
    again = form_of(page, "/sessions/revoke")
    assert again["text"].value.split() == NOTE.split()
    again.submit(status=303)
    assert ended(sql) == 1


def test_a_rule_is_filled_in_and_not_made(console: Console, sql: Any) -> None:
    client = console("owner")
    form = form_of(client.get("/rules"), "/rules")
    values = {"network": "198.51.100.7", "span": "31536000", "reason": "incident", "text": NOTE}
    for name, value in values.items():
        form[name] = value
    sql("UPDATE sessions SET ended_at = now(), end_reason = 'expired' WHERE site = 'admin'")
    page = log_in_again(form.submit(status=302), "owner")
    assert sql("SELECT 1 AS one FROM standing_rules") == []
    again = form_of(page, "/rules")
    assert {name: again[name].value for name in ("network", "span")} == {
        "network": "198.51.100.7",
        "span": "31536000",
    }
    assert again["text"].value.split() == NOTE.split()


def test_everyone_s_end_is_filled_in_but_for_its_word(
    console: Console, started: Any, sql: Any, later: Later
) -> None:
    started()
    client = console("owner")
    form = form_of(client.get("/revoke-everyone"), "/revoke-everyone")
    form["site"], form["word"], form["reason"], form["text"] = "store", "store", "incident", NOTE
    later(301)
    page = log_in_again(form.submit(status=302), "owner")
    again = form_of(page, "/revoke-everyone")
    assert (again["site"].value, again["word"].value) == ("store", "")
    assert again["text"].value.split() == NOTE.split()
    assert ended(sql) == 0


def test_a_token_is_filled_in_and_not_made(console: Console, sql: Any, later: Later) -> None:
    client = console("owner")
    form = form_of(client.get("/tokens"), "/tokens")
    form["name"] = "soar"
    form.fields["scopes"][0].checked = True
    later(301)
    page = log_in_again(form.submit(status=302), "owner")
    again = form_of(page, "/tokens")
    assert again["name"].value == "soar"
    assert again.fields["scopes"][0].checked
    assert sql("SELECT 1 AS one FROM api_tokens") == []


def test_nobody_else_and_no_other_page_is_filled_in(console: Console, started: Any, sql: Any) -> None:
    one = started()
    client = console("responder")
    form = form_of(client.get(f"/sessions/{one.id}"), "/sessions/revoke")
    form["reason"], form["text"] = "incident", NOTE
    sql("UPDATE sessions SET ended_at = now(), end_reason = 'expired' WHERE site = 'admin'")
    page = log_in_again(form.submit(status=302), "responder")
    key = page.request.params["kept"]
    for stranger, path in (
        (console("owner"), "/sessions/revoke"),
        (client, "/sessions/quarantine"),
        (client, "/rules"),
    ):
        assert "INC-7" not in stranger.get(f"{path}?session={one.id}&kept={key}")
    client.get(f"/resume/{key}", status=404)
    token = form_of(page, "/sessions/revoke")["csrf_token"].value
    client.post(f"/resume/{key}", {"csrf_token": token}, status=404)
    assert "INC-7" in client.get(f"/sessions/revoke?session={one.id}&kept={key}")
