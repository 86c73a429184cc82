"""Idle and absolute timeouts, by the database's clock alone."""

import pytest

from shopforum.sessions import LoginStart, config


def seconds(core, column):
    [row] = core.sql(f"SELECT extract(epoch FROM {column} - now())::float AS left FROM sessions")
    return row["left"]


def test_use_extends_the_idle_end_and_only_once_a_minute(core):
    pair, _ = core.log_in()
    core.sql(
        "UPDATE sessions SET idle_end = now() + interval '10 minutes', last_seen_at = now() - interval '59 seconds'"
    )
    core.resume(pair)
    assert seconds(core, "idle_end") == pytest.approx(600, abs=5)
    core.sql("UPDATE sessions SET last_seen_at = now() - interval '61 seconds'")
    core.resume(pair)
    assert seconds(core, "idle_end") == pytest.approx(1800, abs=5)


def test_use_never_extends_past_the_absolute_end(core):
    pair, _ = core.log_in()
    core.sql(
        "UPDATE sessions SET idle_end = now() + interval '2 minutes', absolute_end = now() + interval '3 minutes', "
        "last_seen_at = now() - interval '10 minutes'"
    )
    assert core.resume(pair).session is not None
    assert seconds(core, "idle_end") == pytest.approx(180, abs=5)


def test_nothing_is_served_or_refreshed_after_the_absolute_end(core):
    pair, _ = core.log_in()
    core.sql(
        "UPDATE sessions SET idle_end = now() - interval '1 second', absolute_end = now() - interval '1 second'"
    )
    outcome = core.resume(pair)
    assert outcome.session is None
    assert outcome.ended == "expired"
    assert core.provider.refreshes == []


def test_the_absolute_end_counts_from_the_password(core):
    now = core.sql("SELECT clock_timestamp() - interval '2 seconds' AS at")[0]["at"]
    _, outcome = core.log_in(since=LoginStart(now, 0))
    assert outcome.max_age == pytest.approx(30 * 86400 - 2, abs=1)


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
