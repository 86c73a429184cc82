"""`shopforum sessions drift`: what a lost webhook or a lost message has left, and nothing that is under way."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from support import Idp, person

from shopforum.core.read_only_database import ReadOnlyDatabase
from shopforum.dev import sample
from shopforum.operations import drift


@pytest.fixture
def three(store: Any, forums: Any, browser: Any, idp: Idp) -> None:
    """Sessions of a shopper and a member, an admin's, and FusionAuth in agreement."""
    store.log_in("shopper")
    forums.log_in("member")
    browser("admin").log_in("owner")


def test_where_all_agree(three: Any, run: Any, idp: Idp):
    idp.forget_calls()
    answer = run("drift")
    assert (answer.exit_code, answer.stdout) == (0, "The sessions and FusionAuth agree.\n")
    # Once for each user with a refreshable session, and no change.
    assert [call["method"] for call in idp.calls()] == ["GET", "GET"]


def test_a_token_that_is_gone_there(three: Any, run: Any, lines: Any, idp: Idp, sql: Any, apps: Any):
    [row] = sql("SELECT id, refresh_token_id FROM sessions WHERE site = 'store'")
    # Revoked there, and no webhook has come.
    apps["store"].services.idp.revoke("store", refresh_token_id=row["refresh_token_id"], user_id=None)
    [one] = lines("drift")
    assert (one["kind"], one["session_id"], one["site"]) == ("token_gone", str(row["id"]), "store")
    answer = run("drift")
    assert answer.exit_code == 1
    # The remedy works.
    command = one["remedy"].split()
    assert command[:3] == ["shopforum", "sessions", "revoke"]
    assert run("revoke", *command[4:], "--yes").exit_code in (0, 4)
    assert lines("drift") == []


def test_a_token_that_is_left_there(three: Any, run: Any, lines: Any, sql: Any, idp: Idp):
    idp.hook("fail", path="/api/jwt/refresh", method="DELETE", times=1, status=503)
    [row] = sql("SELECT id FROM sessions WHERE site = 'store'")
    assert run("revoke", "--session", row["id"], "--reason", "incident", "--yes").exit_code == 4
    # The worker has yet to tell FusionAuth: no drift.
    assert lines("drift") == []
    sql("UPDATE revocation_outbox SET done_at = now() RETURNING 1")
    [one] = lines("drift")
    assert (one["kind"], one["session_id"]) == ("token_left", str(row["id"]))
    assert one["remedy"] == f"DELETE /api/jwt/refresh/{one['token_id']}"


def test_a_token_without_a_session(three: Any, lines: Any, sql: Any, monkeypatch: Any):
    other = "UPDATE sessions SET refresh_token_id = gen_random_uuid() WHERE site = 'store' RETURNING 1"
    sql(other)
    # The token may be that of a login whose session is a moment away.
    assert [one["kind"] for one in lines("drift")] == ["token_gone"]
    monkeypatch.setattr(drift, "_LOGIN", timedelta(0))
    assert sorted(one["kind"] for one in lines("drift")) == ["token_gone", "token_unknown"]


def test_a_session_that_ends_between_two_looks_is_no_drift(three: Any, apps: Any, sql: Any, monkeypatch: Any):
    services, looks = apps["store"].services, []
    sql("UPDATE sessions SET refresh_token_id = gen_random_uuid() WHERE site = 'store' RETURNING 1")
    once = drift._look

    def look(*about: Any) -> Any:
        looks.append(about)
        found = once(*about)
        sql("UPDATE sessions SET ended_at = now(), end_reason = 'logout' RETURNING 1")
        return found

    monkeypatch.setattr(drift, "_look", look)
    [page] = drift.find(ReadOnlyDatabase(services.db), services.idp)
    assert page.found == []
    assert len(looks) == 2


def test_without_fusionauth_nothing_is_claimed(three: Any, run: Any, idp: Idp):
    idp.hook("fail", path="/", times=100, drop=True)
    answer = run("drift")
    assert answer.exit_code == 4
    assert "agree" not in answer.stdout
    assert "FusionAuth cannot be asked" in answer.stderr


def test_no_token_s_value_is_printed(three: Any, run: Any, store: Any, sql: Any):
    sql("UPDATE sessions SET refresh_token_id = gen_random_uuid() WHERE site = 'store' RETURNING 1")
    answer = run("drift", "--json")
    assert person("shopper").id in answer.stdout
    assert store.cookies["__Host-refresh"] not in answer.stdout + answer.stderr


def test_the_sample_data_agree_with_the_provider(run, write_ini, idp, sql, monkeypatch):
    """A newcomer finds no disagreement that nobody has made."""
    monkeypatch.setattr(sample.sessions, "COUNT", 400)
    sample.seed(Path(write_ini()), idp.database)
    assert len(sql("SELECT 1 FROM sessions WHERE ended_at IS NULL")) > 10
    answer = run("drift")
    assert (answer.exit_code, answer.stdout) == (0, "The sessions and FusionAuth agree.\n")
