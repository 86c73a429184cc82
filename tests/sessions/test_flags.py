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


def test_of_many_flags_only_those_of_the_chosen_kind_and_sessions_are_dismissed(core):
    ids = []
    for name in ("ann", "bob", "carol"):
        pair, started = core.log_in(name)
        ids.append(started.session.id)
        core.resume(Pair(pair.session_id))
        core.resume(Pair(None, pair.refresh_token))
    kind, reason = "session_without_refresh_token", "a test of ours"

    def opened() -> list[tuple[int, str]]:
        rows = core.sql("SELECT session_id, kind FROM session_flags WHERE dismissed_at IS NULL")
        return sorted((ids.index(row["session_id"]), row["kind"]) for row in rows)

    def told() -> list[list[str]]:
        rows = core.sql("SELECT detail FROM audit_log WHERE event = 'flag_dismissed' ORDER BY id")
        return [row["detail"].get("sessions", []) for row in rows]

    assert core.sessions.dismiss_flag(ids[0], kind, reason, "ann@example.com", OWNER)
    others = [(number, "refresh_without_session") for number in range(3)]
    assert opened() == sorted([*others, (1, kind), (2, kind)])
    assert core.sessions.dismiss_flags(ids[:2], kind, "another", "ann@example.com", OWNER) == 1
    assert opened() == sorted([*others, (2, kind)])
    dismissed = core.sql("SELECT dismissed_reason AS why FROM session_flags WHERE dismissed_at IS NOT NULL")
    assert sorted(row["why"] for row in dismissed) == [reason, "another"]
    assert told() == [[], [str(ids[1])]]
    assert core.sessions.dismiss_flags(ids[:2], kind, reason, "ann@example.com", OWNER) == 0
    assert len(told()) == 2
