"""Acts of several parts, of which the limit of an hour refuses the last: then the first was not done, either."""

from typing import Any

import pytest
from admin.approval_steps import by_filter, come, decide, events, path_of, send
from admin.test_incidents import begin
from admin.test_plans import MANY
from api.conftest import Caller, make_token
from page_forms import form_of
from support import Browser

from shopforum.operations import limits
from shopforum.sessions import Sessions

# People whom the hour still has room for: one.
ROOM = limits.PEOPLE - 1
SHARED = "both@mail.example"
SUBJECT = {"sub_id": {"format": "email", "email": SHARED}}


def spend(call: Caller) -> None:
    """End the sessions of nearly as many people as an hour allows."""
    body = {"scope": {"ip": "203.0.113.0/24"}, "reason": {"code": "incident"}}
    assert call("POST", "/revocations", body, 201).json["revoked"] == ROOM


@pytest.fixture
def shared(sql: Any) -> None:
    """Two people who share an e-mail address, beside as many as the hour allows but one."""
    come(sql, ROOM)
    sql(MANY.replace("Somebody", "Sharer").replace("203.0.113.7", "192.0.2.9"), count=2)
    sql("UPDATE sessions SET user_email = :email WHERE user_name = 'Sharer' RETURNING 1", email=SHARED)


def alive(sql: Any, name: str = "Sharer") -> int:
    rows = sql(
        """SELECT 1 FROM sessions s WHERE user_name = :name AND ended_at IS NULL AND NOT EXISTS (
        SELECT 1 FROM revocation_gates g WHERE g.key = 'user:' || s.user_id)""",
        name=name,
    )
    return len(rows)


def test_a_shared_address_ends_both_users_or_none(shared: None, apps: Any, sql: Any):
    call = Caller(apps["admin"], make_token(apps["admin"], "sessions:revoke"))
    spend(call)
    made = sql("SELECT count(*) AS n FROM revocations")
    refused = call("POST", "/global-token-revocation", SUBJECT, 403)
    assert "101 people would be reached within an hour" in refused.json["detail"]
    assert alive(sql) == 2
    assert sql("SELECT count(*) AS n FROM revocations") == made
    assert not sql("SELECT 1 FROM revocation_gates")
    assert not sql("SELECT 1 FROM revocation_outbox WHERE user_id IS NOT NULL AND refresh_token_id IS NULL")
    # Another program has an hour of its own.
    other = Caller(apps["admin"], make_token(apps["admin"], "sessions:revoke", name="other"))
    other("POST", "/global-token-revocation", SUBJECT, 204)
    assert alive(sql) == 0


def test_a_second_owner_approves_both_users_or_none(shared: None, owners: Any, apps: Any, sql: Any):
    _, second = owners
    call = Caller(apps["admin"], make_token(apps["admin"]))
    spend(call)
    asked = call("POST", "/global-token-revocation", SUBJECT, 202).json
    assert (alive(sql), asked["state"]) == (2, "waiting")
    users = sorted(
        str(row["user_id"]) for row in sql("SELECT user_id FROM sessions WHERE user_name = 'Sharer'")
    )
    path = f"/approvals/{asked['id']}"
    page = second.get(path)
    assert all(user in page for user in users)
    assert "2 sessions of 2 people" in page.html.select_one(".dl").get_text(" ", strip=True)
    decide(second, path)
    assert alive(sql) == 0
    assert (
        sorted(row["user_id"] for row in sql("SELECT user_id::text FROM revocations WHERE scope = 'user'"))
        == users
    )
    [given] = events(sql, "approval_given")
    assert given["detail"]["approval"] == asked["id"]


def state(sql: Any) -> Any:
    """Everything that an act could change."""
    return sql(
        """SELECT (SELECT count(*) FROM revocations) AS revocations, (SELECT count(*) FROM standing_rules) AS rules,
      (SELECT count(*) FROM sessions WHERE ended_at IS NOT NULL) AS ended"""
    )


def spend_at_the_console(client: Browser, sql: Any) -> None:
    come(sql, ROOM)
    assert by_filter(client).location.partition("?")[0].rpartition("/")[0].endswith("/revocations")


def test_ending_and_refusing_are_one_act(console: Any, sql: Any):
    """The rule reaches somebody beyond the hour whom the end does not: a dormant session of the same network."""
    client = console("responder")
    spend_at_the_console(client, sql)
    come(sql, 2, "Another")
    sql(
        """UPDATE sessions SET idle_end = now(), refresh_token_id = gen_random_uuid() WHERE id = (
        SELECT id FROM sessions WHERE user_name = 'Another' LIMIT 1) RETURNING 1"""
    )
    before = state(sql)
    asked = client.get("/sessions/revoke?filter=ip%3D203.0.113.0%2F24%26state%3Dactive&block=y")
    answer = send(asked, "/sessions/revoke", reason="incident", text="INC-7")
    assert answer.status_int == 422, answer
    assert "Nothing was changed: the rule reaches further than you may" in answer
    assert "INC-7" in answer
    assert state(sql) == before
    form = form_of(answer, "/sessions/revoke")
    form["block"] = False
    assert form.submit().status_int == 303
    [after] = state(sql)
    assert (after["rules"], after["ended"]) == (0, before[0]["ended"] + 1)


# One filter that a rule says the same as, and one that none does: the first reaches one person, the second another.
PARTS = ({"ip": "203.0.113.0/24"}, {"user": "Sharer"})


@pytest.mark.parametrize("role", ["responder", "owner"])
def test_rules_and_ends_of_an_incident_are_judged_together(role: str, request: Any, console: Any, sql: Any):
    """A second owner is asked for the whole act, or the act is refused as a whole."""
    if role == "owner":
        client, second = request.getfixturevalue("owners")
    else:
        client, second = console("responder"), None
    spend_at_the_console(client, sql)
    come(sql, 1, "Another")
    sql(MANY.replace("Somebody", "Sharer").replace("203.0.113.7", "192.0.2.9"), count=1)
    opened = begin(client, **PARTS[0]).follow()
    form = form_of(opened, f"{opened.request.path}/filters")
    form["user"] = PARTS[1]["user"]
    opened = form.submit(status=303).follow()
    before = state(sql)
    asked = opened.click("Contain…")
    answer = send(asked, asked.request.path)
    assert state(sql) == before
    if second is None:
        assert answer.status_int == 403
        assert "within an hour" in answer
        return
    decide(second, path_of(answer))
    [after] = state(sql)
    assert (after["rules"], after["ended"]) == (1, before[0]["ended"] + 2)


def test_people_who_sign_in_meanwhile_and_are_too_many_are_left_and_said(
    console: Any, apps: Any, sql: Any, monkeypatch: pytest.MonkeyPatch
):
    """They come between the rules and the end: the rules refuse them, and the page says that they are not ended."""
    client = console("responder")
    spend_at_the_console(client, sql)
    come(sql, 1, "Another")
    opened = begin(client, ip="203.0.113.0/24").follow()
    add_rules = Sessions.add_rules

    def signing_in(self: Sessions, *given: Any, **options: Any) -> Any:
        made = add_rules(self, *given, **options)
        come(sql, 1, "Late")
        return made

    monkeypatch.setattr(Sessions, "add_rules", signing_in)
    asked = opened.click("Contain…")
    done = send(asked, asked.request.path).follow()
    assert "ask an owner to contain the incident" in done
    assert "1 alive of 2" in done
    assert len(sql("SELECT 1 FROM standing_rules")) == 1
