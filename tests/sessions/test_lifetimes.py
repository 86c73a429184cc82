"""Idle and absolute timeouts, by the database's clock alone."""

from datetime import timedelta

import pytest

from shopforum.sessions import LoginStart, config


def ends(core):
    [row] = core.sql(
        "SELECT authenticated_at, idle_end, absolute_end, idle_end - last_seen_at AS idle FROM sessions"
    )
    return row


def test_use_extends_the_idle_end_and_only_once_a_minute(core):
    pair, _ = core.log_in()
    core.pass_time(50)
    before = ends(core)
    core.resume(pair)
    assert ends(core) == before
    core.pass_time(11)
    core.resume(pair)
    after = ends(core)
    assert after["idle_end"] > before["idle_end"]
    assert after["idle"] == timedelta(minutes=30)


def test_use_never_extends_past_the_absolute_end(core_of):
    core = core_of(**{"sessions.absolute": "1900"})
    pair, _ = core.log_in()
    core.pass_time(600)
    assert core.resume(pair).session is not None
    assert ends(core)["idle_end"] == ends(core)["absolute_end"]


def test_nothing_is_served_or_refreshed_after_the_absolute_end(core):
    pair, _ = core.log_in()
    core.pass_time(30 * 86400)
    outcome = core.resume(pair)
    assert outcome.session is None
    assert outcome.ended == "expired"
    assert core.provider.refreshes == []


def test_the_absolute_end_counts_from_the_password(core):
    given = core.sessions.now() - timedelta(seconds=2)
    _, outcome = core.log_in(since=LoginStart(given, 0))
    assert outcome.max_age < 30 * 86400
    assert ends(core)["authenticated_at"] == given
    assert ends(core)["absolute_end"] - given == timedelta(days=30)


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({}, "sessions.site"),
        ({"sessions.site": "a", "sessions.secret": "short"}, "sessions.secret"),
        ({"sessions.site": "a"}, "sessions.secret"),
        ({"sessions.idle": "soon"}, "sessions.idle"),
        ({"sessions.idle": "nan"}, "sessions.idle"),
        ({"sessions.absolute": "-1"}, "sessions.absolute"),
        ({"sessions.absolute": "60", "sessions.idle": "61"}, "sessions.idle"),
        ({"sessions.idle": "60", "sessions.grace": "60"}, "sessions.grace"),
        ({"sessions.max_per_user": "0"}, "sessions.max_per_user"),
        ({"sessions.max_per_user": "many"}, "sessions.max_per_user"),
        ({"sessions.same_site": "None"}, "sessions.same_site"),
        ({"sessions.risk": "on"}, "sessions.risk"),
        ({"sessions.risk_signals": "other_browser moon_phase"}, "sessions.risk_signals"),
    ],
)
def test_settings_that_make_no_sense_stop_the_boot(settings, word):
    good = {"sessions.site": "a", "sessions.secret": "x" * 32}
    with pytest.raises(ValueError, match=word):
        config.parse(
            settings
            if not settings or "sessions.secret" in settings or "sessions.site" in settings
            else good | settings
        )
