"""Quarantine: the password first; nothing served, nothing lost, and nothing ended."""

import uuid

from hearts import OWNER, together

from shopforum.sessions import Reason, Scope

DOUBT = Reason("admin", "ann@example.com", "suspected_theft", admin="two browsers")


def test_nothing_is_served_extended_or_refreshed_until_it_is_released(heart):
    pair, started = heart.log_in()
    assert heart.sessions.quarantine([started.session.id], DOUBT, OWNER) == 1
    before = heart.sql("SELECT idle_end, last_seen_at, issued, ended_at FROM sessions")
    heart.make_rotation_due()
    for _ in range(2):
        outcome = heart.resume(pair)
        assert (outcome.session, outcome.ended, outcome.held) == (None, "quarantined", started.session.id)
        assert outcome.issue is None
    assert heart.sql("SELECT idle_end, last_seen_at, issued, ended_at FROM sessions") == before
    heart.let_idle()
    assert heart.resume(pair).ended == "quarantined"
    assert (heart.provider.refreshes, heart.provider.revoked) == ([], [])

    assert heart.sessions.release([started.session.id], DOUBT, OWNER) == 1
    assert heart.resume(pair).session is not None


def test_both_acts_count_what_is_new_and_leave_one_row(heart):
    ids = [heart.log_in(name)[1].session.id for name in ("ann", "ben")]
    assert heart.sessions.quarantine([*ids, uuid.uuid4()], DOUBT, OWNER) == 2
    assert heart.sessions.quarantine(ids, DOUBT, OWNER) == 0
    assert heart.sessions.release(ids[:1], DOUBT, OWNER) == 1
    assert heart.sessions.release(ids[:1], DOUBT, OWNER) == 0
    rows = heart.sql(
        "SELECT event, session_id, user_id, detail FROM audit_log WHERE event LIKE 'session_%d' ORDER BY id"
    )
    rows = [row for row in rows if row["event"] != "session_created"]
    assert [(row["event"], row["detail"]["count"]) for row in rows] == [
        ("session_quarantined", 2),
        ("session_released", 1),
    ]
    assert (rows[0]["session_id"], rows[1]["session_id"]) == (None, ids[0])
    assert rows[0]["detail"]["reason_admin"] == "two browsers"


def test_its_owner_can_still_end_it_and_an_admin_too(heart):
    pair, started = heart.log_in()
    heart.sessions.quarantine([started.session.id], DOUBT, OWNER)
    assert heart.resume(pair, refresh=False).session is not None
    heart.sessions.revoke(Scope(sessions=(started.session.id,)), DOUBT, OWNER)
    assert heart.resume(pair).ended == "suspected_theft"
    assert heart.sessions.quarantine([started.session.id], DOUBT, OWNER) == 0
    assert heart.sessions.release([started.session.id], DOUBT, OWNER) == 0


def test_a_replay_is_found_in_quarantine_as_well(heart):
    pair, started = heart.log_in()
    heart.make_rotation_due()
    successor = heart.resume(pair).issue
    heart.resume(successor)
    heart.pass_grace()
    heart.sessions.quarantine([started.session.id], DOUBT, OWNER)
    assert heart.resume(pair).ended == "replayed"


def test_a_refresh_in_flight_keeps_its_new_pair_and_shows_no_page(heart):
    heart.provider.one_time = True
    pair, started = heart.log_in()
    heart.let_idle()
    heart.provider.before_answer = lambda: heart.sessions.quarantine([started.session.id], DOUBT, OWNER)
    outcome = heart.resume(pair)
    assert (outcome.session, outcome.ended) == (None, "quarantined")
    assert outcome.issue is not None
    heart.provider.before_answer = lambda: None
    assert heart.resume(outcome.issue).ended == "quarantined"
    heart.sessions.release([started.session.id], DOUBT, OWNER)
    assert heart.resume(outcome.issue).session is not None


def test_two_admins_on_the_same_selection_do_not_lock_each_other_out(heart):
    ids = [heart.log_in(f"user{n}")[1].session.id for n in range(40)]
    counted = together(
        *[
            lambda: heart.sessions.quarantine(ids, DOUBT, OWNER),
            lambda: heart.sessions.quarantine(ids[::-1], DOUBT, OWNER),
        ]
        * 3
    )
    assert sorted(counted) == [0, 0, 0, 0, 0, 40]


def test_bulk_revocations_of_the_same_sessions_do_not_deadlock(heart):
    ids = tuple(heart.log_in(f"user{n}")[1].session.id for n in range(40))
    acts = [lambda: heart.sessions.revoke(Scope(sessions=ids, typed="ip=192.0.2.10"), DOUBT, OWNER)]
    acts.append(lambda: heart.sessions.revoke(Scope(sessions=ids[::-1]), DOUBT, OWNER))
    results = together(*acts * 2)
    assert all(isinstance(result, uuid.UUID) for result in results), results
    rows = heart.sql("SELECT count(*) AS n FROM sessions WHERE ended_at IS NULL")
    assert rows[0]["n"] == 0
    typed = {row["typed"]: row["scope"] for row in heart.sql("SELECT typed, scope FROM revocations")}
    assert typed == {"ip=192.0.2.10": "filter", "": "session"}
