"""Flags: counted, dismissed by who has looked, and back when it happens again."""

from hearts import OWNER

from shopforum.sessions.model import Pair


def test_a_dismissed_flag_comes_back_when_it_counts_anew(heart):
    pair, started = heart.log_in()
    heart.resume(Pair(pair.session_id))
    dismissed = (
        started.session.id,
        "session_without_refresh_token",
        "a test of ours",
        "ann@example.com",
        OWNER,
    )
    assert heart.sessions.dismiss_flag(*dismissed)
    assert not heart.sessions.dismiss_flag(*dismissed)
    [row] = heart.sql(
        "SELECT dismissed_by, dismissed_reason, dismissed_at IS NOT NULL AS off FROM session_flags"
    )
    assert tuple(row.values()) == ("ann@example.com", "a test of ours", True)
    [row] = heart.sql(
        "SELECT site, session_id, user_id, detail FROM audit_log WHERE event = 'flag_dismissed'"
    )
    assert row["session_id"] == started.session.id
    assert row["detail"] == {"flag": "session_without_refresh_token", "reason_admin": "a test of ours"}
    heart.resume(Pair(pair.session_id))
    assert heart.sql("SELECT 1 FROM session_flags WHERE dismissed_at IS NOT NULL") == []
    assert not heart.sessions.dismiss_flag(started.session.id, "no_such_kind", "", "ann@example.com", OWNER)


def test_a_session_id_can_be_replaced_at_the_next_request(heart):
    pair, started = heart.log_in()
    heart.sessions.replace_id(started.session)
    successor = heart.resume(pair).issue
    assert successor is not None
    # One that was handed out already is not overtaken by another.
    heart.sessions.replace_id(started.session)
    assert heart.resume(pair).issue is None
    assert heart.resume(successor).session is not None
