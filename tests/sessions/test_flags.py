"""Flags: counted by kind, dismissed by an admin, open again at the next suspicious use."""

from session_fixtures import OWNER

from shopforum.sessions.model import Pair


def test_a_dismissed_flag_comes_back_when_it_counts_anew(core):
    pair, started = core.log_in()
    core.resume(Pair(pair.session_id))
    dismissed = (
        started.session.id,
        "session_without_refresh_token",
        "a test of ours",
        "ann@example.com",
        OWNER,
    )
    assert core.sessions.dismiss_flag(*dismissed)
    assert not core.sessions.dismiss_flag(*dismissed)
    [row] = core.sql(
        "SELECT dismissed_by, dismissed_reason, dismissed_at IS NOT NULL AS off FROM session_flags"
    )
    assert tuple(row.values()) == ("ann@example.com", "a test of ours", True)
    [row] = core.sql("SELECT site, session_id, user_id, detail FROM audit_log WHERE event = 'flag_dismissed'")
    assert row["session_id"] == started.session.id
    assert row["detail"] == {"flag": "session_without_refresh_token", "reason_admin": "a test of ours"}
    core.resume(Pair(pair.session_id))
    assert core.sql("SELECT 1 FROM session_flags WHERE dismissed_at IS NOT NULL") == []
    assert not core.sessions.dismiss_flag(started.session.id, "no_such_kind", "", "ann@example.com", OWNER)


def test_a_session_id_can_be_replaced_at_the_next_request(core):
    pair, started = core.log_in()
    core.sessions.replace_id(started.session)
    successor = core.resume(pair).issue
    assert successor is not None
    assert core.resume(pair).issue is None
    assert core.resume(successor).session is not None
    core.sessions.replace_id(started.session)
    assert core.resume(successor).issue is not None
