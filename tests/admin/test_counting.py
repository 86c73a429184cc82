"""Counts stop somewhere, and a list does without those that take too long."""

import pytest
from sqlalchemy import text

from shopforum.admin import counting, queries, words
from shopforum.admin.reading import Reading


def test_counts_stop_where_nobody_reads_on(reading: Reading, monkeypatch: pytest.MonkeyPatch):
    assert counting.count(reading, [], 100) == 101
    flagged = counting.count(reading, queries.in_state(reading, "flagged"))
    monkeypatch.setattr(counting, "LOOKED_AT", 100)
    counts = counting.on_tabs(reading, [])
    assert counts is not None
    assert counts[""] == "101+"
    assert all(
        int(counts[state].removesuffix("+")) <= 101 and counts[state][-1] == "+" for state in words.STATES
    )
    assert counts["flagged"][-1] == "+", "many are flagged"
    monkeypatch.setattr(counting, "LOOKED_AT", 2 * flagged)
    assert counting.on_tabs(reading, [])["flagged"] == str(flagged), "few are, and are counted in full"


def test_a_list_does_without_counts_that_take_too_long(reading: Reading, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(counting, "_PATIENCE", 50)
    slow = [text("pg_sleep(1) IS NOT NULL")]
    assert counting.on_tabs(reading, slow) is None
    assert counting.count(reading, slow) is None
