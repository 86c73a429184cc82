"""Counts stop somewhere, and a list does without those that take too long."""

import pytest
from sqlalchemy import text

from shopforum.core.read_only_database import ReadOnlyDatabase
from shopforum.operations import counts, labels, session_queries


def test_counts_stop_where_nobody_reads_on(read_db: ReadOnlyDatabase, monkeypatch: pytest.MonkeyPatch):
    assert counts.count(read_db, [], 100) == 101
    flagged = counts.count(read_db, session_queries.in_state(read_db, "flagged"))
    monkeypatch.setattr(counts, "LOOKED_AT", 100)
    shown = counts.on_tabs(read_db, [])
    assert shown is not None
    assert shown[""] == "101+"
    assert all(
        int(shown[state].removesuffix("+")) <= 101 and shown[state][-1] == "+" for state in labels.STATES
    )
    assert shown["flagged"][-1] == "+", "many are flagged"
    monkeypatch.setattr(counts, "LOOKED_AT", 2 * flagged)
    assert counts.on_tabs(read_db, [])["flagged"] == str(flagged), "few are, and are counted in full"


def test_a_list_does_without_counts_that_take_too_long(
    read_db: ReadOnlyDatabase, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(counts, "_PATIENCE", 50)
    slow = [text("pg_sleep(1) IS NOT NULL")]
    assert counts.on_tabs(read_db, slow) is None
    assert counts.count(read_db, slow) is None
