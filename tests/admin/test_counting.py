"""Counts stop somewhere, and a list does without those that take too long."""

from typing import Any

import pytest
from sqlalchemy import text

from shopforum.core.read_only_database import ReadOnlyDatabase, TooSlow
from shopforum.operations import counts, labels, session_queries
from shopforum.operations.progress import Progress
from shopforum.sessions import live


def test_counts_stop_where_nobody_reads_on_and_say_so(
    read_db: ReadOnlyDatabase, monkeypatch: pytest.MonkeyPatch
):
    assert counts.count(read_db, [], 100) == 101
    all_of_them = counts.on_tabs(read_db, [])
    assert all_of_them.exact
    flagged = counts.count(read_db, session_queries.in_state(read_db, "flagged"))
    unended = counts.count(read_db, [live.condition(live.UNENDED)])
    monkeypatch.setattr(counts, "LOOKED_AT", 100)
    assert counts.on_tabs(read_db, []) == all_of_them, "a small table is counted whole"
    monkeypatch.setattr(counts, "SMALL", -2)
    shown = counts.on_tabs(read_db, [])
    assert shown[""] == "101+"
    assert shown.bounds == {*labels.STATES, "flagged", ""}, "many are flagged"
    assert all(shown.numbers[tab] <= all_of_them.numbers[tab] for tab in shown.numbers)
    monkeypatch.setattr(counts, "LOOKED_AT", 2 * flagged)
    assert counts.on_tabs(read_db, [])["flagged"] == str(flagged), "few are, and are counted in full"
    monkeypatch.setattr(counts, "LOOKED_AT", unended)
    shown = counts.on_tabs(read_db, [])
    assert (shown["active"], shown["dormant"]) == (all_of_them["active"], all_of_them["dormant"])
    assert shown["revoked"].endswith("+")
    assert counts.exactly_on_tabs(read_db, []) == all_of_them


@pytest.mark.parametrize(
    ("done", "total", "seconds", "words"),
    [
        (0, 7006, 1, "0 of 7,006"),
        (4000, 7006, 16, "4,000 of 7,006, about 12 s to go"),
        (10, 130, 10, "10 of 130, about 2 min to go"),
        (1, 7201, 1, "1 of 7,201, about 2 h to go"),
        (12_000, None, 2, "12,000 so far, about 6,000 a second"),
    ],
)
def test_a_long_act_says_how_far_it_is(done: int, total: int | None, seconds: float, words: str):
    assert str(Progress(done, total, seconds)) == words


def test_a_list_does_without_counts_that_take_too_long(
    read_db: ReadOnlyDatabase, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(counts, "_PATIENCE", 50)
    slow = [text("pg_sleep(1) IS NOT NULL")]
    assert counts.on_tabs(read_db, slow) is None
    assert counts.count(read_db, slow) is None


def test_numbers_prove_something(console: Any, sql: Any, monkeypatch: pytest.MonkeyPatch):
    """After everybody was ended the tab says how many are active, and not "1+"; a bound has a way to count now."""
    sql(
        """INSERT INTO sessions (site, user_id, user_name, roles, created_at, authenticated_at, absolute_end, idle_end,
          last_seen_at, ended_at, end_reason)
        SELECT 'store', gen_random_uuid(), 'Ann', '{}', now() - n * interval '1 second', now(), now() + interval '1 day',
          now() + interval '1 hour', now(), now(), 'incident' FROM generate_series(1, 60) n"""
    )
    monkeypatch.setattr(counts, "LOOKED_AT", 20)
    monkeypatch.setattr(counts, "SMALL", -2)
    client = console("responder")
    tabs = {a.contents[0].strip(): a.span.string for a in client.get("/sessions").html.select(".tabs a")}
    assert tabs["Active"] == "1"
    assert tabs["Expired"] == "20+"
    page = client.get("/sessions").click("Count them all")
    tabs = {a.contents[0].strip(): a.span.string for a in page.html.select(".tabs a")}
    assert tabs == {
        "Active": "1",
        "Dormant": "0",
        "Flagged": "0",
        "Revoked": "0",
        "Expired": "60",
        "All": "61",
    }
    assert "Count them all" not in page
    monkeypatch.setattr(counts, "exactly_on_tabs", too_slow)
    assert "took too long" in client.get("/sessions?count=exact")


def too_slow(*_: Any) -> None:
    raise TooSlow


def test_a_receipt_is_red_only_for_what_failed(console: Any, started: Any, sql: Any):
    one = started()
    client = console("responder")
    form = client.get(f"/sessions/{one.id}").forms
    form = next(f for f in form.values() if f.action == "/sessions/revoke")
    form["reason"] = "test"
    path = form.submit(status=303).location
    for changes, shown, hidden in (
        ("attempts = 1", "being sent", "retrying"),
        ("attempts = 1, last_error = 'FusionAuth did not answer'", "retrying", "being sent"),
    ):
        sql(f"UPDATE revocation_outbox SET done_at = NULL, {changes}")
        page = client.get(path)
        assert shown in page
        assert hidden not in page
    assert "has not confirmed" in client.get("/")
    sql("UPDATE revocation_outbox SET last_error = NULL")
    assert "has not confirmed" not in client.get("/")
    # Everything is marked, and a login may still be under way: nothing is "still being marked".
    sql("UPDATE revocations SET marked_at = NULL, scope = 'user'")
    page = client.get(path)
    assert "All 1 are listed below" in page
    assert "1 of 1" not in page
    sql("UPDATE revocations SET matched = 9")
    assert "1 of 9, about" in client.get(path)
