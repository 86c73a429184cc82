"""Quarantine: nothing is served before the password is given again, nothing is lost, and nothing ends."""

import uuid

import pytest
from session_fixtures import OWNER, together

from shopforum.sessions import Reason, Scope, revocation

DOUBT = Reason("admin", "ann@example.com", "suspected_theft", admin="two browsers")


def test_nothing_is_served_extended_or_refreshed_until_it_is_released(core):
    pair, started = core.log_in()
    assert core.sessions.quarantine([started.session.id], DOUBT, OWNER) == 1
    before = core.sql("SELECT idle_end, last_seen_at, issued, ended_at FROM sessions")
    core.make_rotation_due()
    for _ in range(2):
        outcome = core.resume(pair)
        assert (outcome.session, outcome.ended, outcome.withheld_session) == (
            None,
            "quarantined",
            started.session.id,
        )
        assert outcome.issue is None
    assert core.sql("SELECT idle_end, last_seen_at, issued, ended_at FROM sessions") == before
    core.let_idle()
    assert core.resume(pair).ended == "quarantined"
    assert (core.provider.refreshes, core.provider.revoked) == ([], [])

    assert core.sessions.release([started.session.id], DOUBT, OWNER) == 1
    assert core.resume(pair).session is not None


def test_both_acts_count_what_is_new_and_leave_one_row(core):
    ids = [core.log_in(name)[1].session.id for name in ("ann", "ben")]
    assert core.sessions.quarantine([*ids, uuid.uuid4()], DOUBT, OWNER) == 2
    assert core.sessions.quarantine(ids, DOUBT, OWNER) == 0
    assert core.sessions.release(ids[:1], DOUBT, OWNER) == 1
    assert core.sessions.release(ids[:1], DOUBT, OWNER) == 0
    rows = core.sql(
        "SELECT event, session_id, user_id, detail FROM audit_log WHERE event LIKE 'session_%d' ORDER BY id"
    )
    rows = [row for row in rows if row["event"] != "session_created"]
    assert [(row["event"], row["detail"]["count"]) for row in rows] == [
        ("session_quarantined", 2),
        ("session_released", 1),
    ]
    assert (rows[0]["session_id"], rows[1]["session_id"]) == (None, ids[0])
    assert (rows[0]["user_id"], rows[1]["user_id"]) == (None, core.users["ann"])
    assert rows[0]["detail"]["reason_admin"] == "two browsers"


def test_one_act_on_two_sites_names_no_single_site(core, core_of):
    ids = [made.log_in()[1].session.id for made in (core, core_of("forums"))]
    assert core.sessions.quarantine(ids[:1], DOUBT, OWNER) == 1
    assert core.sessions.release(ids[:1], DOUBT, OWNER) == 1
    assert core.sessions.quarantine(ids, DOUBT, OWNER, detail={"note": "kept"}) == 2
    rows = core.sql("SELECT site, detail FROM audit_log WHERE event = 'session_quarantined' ORDER BY id")
    assert [(row["site"], row["detail"].get("note")) for row in rows] == [("store", None), ("all", "kept")]


def test_an_ended_session_is_not_put_into_quarantine(core):
    """Nor one behind a gate that its row does not know of yet."""
    ended, gated = (core.log_in(name)[1].session for name in ("ann", "bob"))
    core.sessions.revoke(Scope(sessions=(ended.id,)), DOUBT, OWNER)
    with core.sessions.db.transaction() as connection:
        revocation.revoke(connection, Scope(user_id=gated.user_id), DOUBT, OWNER, sites=("store",))
    core.sql(
        "UPDATE sessions SET ended_at = NULL, end_reason = NULL, revocation_id = NULL WHERE id = :id",
        id=gated.id,
    )
    assert core.sessions.quarantine([ended.id, gated.id], DOUBT, OWNER) == 0
    assert core.sql("SELECT 1 FROM sessions WHERE quarantined_at IS NOT NULL") == []


def test_its_owner_can_still_end_it_and_an_admin_too(core):
    pair, started = core.log_in()
    core.sessions.quarantine([started.session.id], DOUBT, OWNER)
    assert core.resume(pair, end=True).session is not None
    # The page of a refused form shows nothing of it.
    assert core.resume(pair, touch=False, refresh=False).session is None
    core.sessions.revoke(Scope(sessions=(started.session.id,)), DOUBT, OWNER)
    assert core.resume(pair).ended == "suspected_theft"
    assert core.sessions.quarantine([started.session.id], DOUBT, OWNER) == 0
    assert core.sessions.release([started.session.id], DOUBT, OWNER) == 0


def test_a_replay_is_found_in_quarantine_as_well(core):
    pair, started = core.log_in()
    core.make_rotation_due()
    successor = core.resume(pair).issue
    core.resume(successor)
    core.pass_grace()
    # Used for longer than a browser could have lost it.
    core.resume(successor)
    core.sessions.quarantine([started.session.id], DOUBT, OWNER)
    assert core.resume(pair).ended == "replayed"


def test_a_refresh_in_flight_keeps_its_new_pair_and_shows_no_page(core):
    core.provider.one_time = True
    pair, started = core.log_in()
    core.let_idle()
    core.provider.before_answer = lambda: core.sessions.quarantine([started.session.id], DOUBT, OWNER)
    outcome = core.resume(pair)
    assert (outcome.session, outcome.ended) == (None, "quarantined")
    assert outcome.issue is not None
    core.provider.before_answer = lambda: None
    assert core.resume(outcome.issue).ended == "quarantined"
    core.sessions.release([started.session.id], DOUBT, OWNER)
    assert core.resume(outcome.issue).session is not None


def test_two_admins_on_the_same_selection_do_not_lock_each_other_out(core):
    ids = [core.log_in(f"user{n}")[1].session.id for n in range(40)]
    counted = together(
        *[
            lambda: core.sessions.quarantine(ids, DOUBT, OWNER),
            lambda: core.sessions.quarantine(ids[::-1], DOUBT, OWNER),
        ]
        * 3
    )
    assert sorted(counted) == [0, 0, 0, 0, 0, 40]


def test_bulk_revocations_of_the_same_sessions_do_not_deadlock(core):
    ids = tuple(core.log_in(f"user{n}")[1].session.id for n in range(40))
    acts = [lambda: core.sessions.revoke(Scope(sessions=ids, filter_text="ip=192.0.2.10"), DOUBT, OWNER)]
    acts.append(lambda: core.sessions.revoke(Scope(sessions=ids[::-1]), DOUBT, OWNER))
    results = together(*acts * 2)
    assert all(isinstance(result, uuid.UUID) for result in results), results
    rows = core.sql("SELECT count(*) AS n FROM sessions WHERE ended_at IS NULL")
    assert rows[0]["n"] == 0
    typed = {row["typed"]: row["scope"] for row in core.sql("SELECT typed, scope FROM revocations")}
    assert typed == {"ip=192.0.2.10": "filter", "": "session"}


def test_neither_act_touches_another_session_or_one_that_is_over(core):
    (first, _), (_, second), (gone, _) = core.log_in("ann"), core.log_in("ben"), core.log_in("cid")
    ids = [core.resume(pair).session.id for pair in (first, gone)]
    core.sessions.logout(core.resume(gone).session, OWNER)
    assert core.sessions.quarantine(ids, DOUBT, OWNER) == 1
    [row] = core.sql("SELECT id, quarantine_reason FROM sessions WHERE quarantined_at IS NOT NULL")
    assert (row["id"], row["quarantine_reason"]) == (ids[0], DOUBT.code)
    core.sessions.quarantine([second.session.id], DOUBT, OWNER)
    assert core.sessions.release(ids, DOUBT, OWNER) == 1
    [row] = core.sql("SELECT id FROM sessions WHERE quarantined_at IS NOT NULL")
    assert row["id"] == second.session.id


def test_one_behind_a_gate_is_not_quarantined(core):
    _, started = core.log_in()
    core.sessions.revoke(Scope(everyone=True), DOUBT, OWNER)
    core.sql("UPDATE sessions SET ended_at = NULL, end_reason = NULL, revocation_id = NULL")
    assert core.sessions.quarantine([started.session.id], DOUBT, OWNER) == 0


def test_the_row_of_an_act_names_the_site_and_the_user_where_there_is_one(core_of):
    store, forums = core_of("store"), core_of("forums")
    ann, again, ben = (store.log_in(name)[1].session for name in ("ann", "ann", "ben"))
    forums.users = store.users
    elsewhere = forums.log_in("ann")[1].session

    def row(*sessions):
        store.sessions.quarantine([one.id for one in sessions], DOUBT, OWNER, detail={"plan": "7"})
        store.sessions.release([one.id for one in sessions], DOUBT, OWNER)
        found, _ = store.sql(
            "SELECT site, user_id, session_id, detail FROM audit_log"
            " WHERE event IN ('session_quarantined', 'session_released') ORDER BY id DESC LIMIT 2"
        )[::-1]
        assert found["detail"]["plan"] == "7"
        return found["site"], found["user_id"], found["session_id"]

    assert row(ann) == ("store", ann.user_id, ann.id)
    assert row(ann, again) == ("store", ann.user_id, None)
    assert row(ann, ben) == ("store", None, None)
    assert row(ann, elsewhere) == ("all", ann.user_id, None)


def test_a_claim_that_raises_undoes_either_act(core):
    pair, started = core.log_in()
    ids = [started.session.id]

    def refuse(_connection, made):
        assert made is None
        raise LookupError

    with pytest.raises(LookupError):
        core.sessions.quarantine(ids, DOUBT, OWNER, claim=refuse)
    assert core.resume(pair).session is not None
    core.sessions.quarantine(ids, DOUBT, OWNER)
    with pytest.raises(LookupError):
        core.sessions.release(ids, DOUBT, OWNER, claim=refuse)
    assert core.resume(pair).ended == "quarantined"
