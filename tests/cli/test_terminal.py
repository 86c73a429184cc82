"""Tables and times for people."""

from datetime import UTC, datetime, timedelta

import pytest

from shopforum.cli import terminal

NOW = datetime(2026, 11, 23, 21, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("gone", "age"),
    [
        (-5, "0s"),
        (0, "0s"),
        (59, "59s"),
        (60, "1m"),
        (3599, "59m"),
        (3600, "1h"),
        (86399, "23h"),
        (31 * 86400, "31d"),
    ],
)
def test_an_age_is_in_its_largest_unit(gone, age):
    assert terminal.age(timedelta(seconds=gone)) == age


def test_moments_say_how_far_they_are():
    assert terminal.full_moment(NOW - timedelta(hours=2), NOW) == "2026-11-23 19:00:00 (2h ago)"
    assert terminal.full_moment(NOW + timedelta(days=3), NOW) == "2026-11-26 21:00:00 (in 3d)"
    assert terminal.full_moment(None, NOW) == "-"


def test_columns_stand_below_each_other_whatever_is_in_them():
    shown = terminal.table((("A", 5), ("B", 4)), [("漢字漢字", "x"), ("abcdefgh", None), ("é", "\x1b[31m")])
    assert shown.splitlines() == ["A      B", "漢字…  x", "abcd…", "é      \ufffd[3…"]


def test_long_text_is_cut_quickly():
    assert terminal.columns(terminal.fit("界" * 100_000, 11)) <= 11
    assert terminal.many(1) == "1 session"
    assert terminal.many(1200, "user") == "1,200 users"
