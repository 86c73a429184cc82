"""Refused requests are written down with the facts that decided, and no flood fills the table."""

from collections import Counter
from dataclasses import replace

from session_fixtures import OWNER, THIEF, together

from shopforum.core import purge
from shopforum.sessions import Reason, Rule, Scope, jobs, refusals
from shopforum.sessions.audit import Client
from shopforum.sessions.keyring import new_session_id
from shopforum.sessions.model import Pair

ADMIN = Reason("admin", "ada", "incident")


def rows(core):
    return core.sql("SELECT * FROM refused_requests ORDER BY id")


def test_each_half_and_a_cookie_of_another_site(core_of):
    store, forums = core_of("store"), core_of("forums")
    pair, outcome = store.log_in()
    store.resume(Pair(pair.session_id), THIEF)
    store.resume(Pair(None, pair.refresh_token), THIEF)
    store.resume(Pair(new_session_id(), pair.refresh_token), Client("203.0.113.67", "", "request-3"))
    forums.resume(Pair(pair.session_id), THIEF)
    found = rows(store)
    assert [row["why"] for row in found] == [
        "session_without_refresh_token",
        "refresh_without_session",
        "refresh_without_session",
        "cross_app_token",
    ]
    assert {row["session_id"] for row in found} == {outcome.session.id}
    assert [row["request_id"] for row in found] == ["request-2", "request-2", "request-3", "request-2"]
    assert [row["site"] for row in found] == ["store", "store", "store", "forums"]
    assert found[0]["detail"]["pair"] == 1
    # Served requests, and cookies that nobody was given, leave nothing.
    store.resume(pair)
    store.resume(Pair(new_session_id(), new_session_id()), THIEF)
    assert len(rows(store)) == 4


def test_a_replay_tells_the_pairs_their_age_and_the_last_place(core):
    first, _ = core.log_in()
    core.make_rotation_due()
    second = core.resume(first).issue
    core.resume(second)
    core.pass_grace()
    core.resume(first, THIEF)
    core.resume(second)
    replay, later = rows(core)
    assert replay["why"] == later["why"] == "replayed"
    assert replay["detail"]["pair"] == 1
    assert replay["detail"]["head"] == 2
    assert 61 <= replay["detail"]["replaced_seconds"] <= 70
    assert (replay["detail"]["last_address"], replay["detail"]["last_agent"]) == (OWNER.address, OWNER.agent)
    assert "ended_by" not in replay["detail"]
    assert later["detail"]["ended_by"]


def test_a_rule_a_quarantine_a_revocation_and_a_timeout(core):
    pair, outcome = core.log_in()
    rule = core.sessions.add_rule(Rule(60, network="192.0.2.0/24"), ADMIN, OWNER)
    core.resume(pair)
    core.sessions.lift_rule(rule, "ada", OWNER)
    core.sessions.quarantine([outcome.session.id], ADMIN, OWNER)
    core.resume(pair)
    core.sessions.revoke(Scope(sessions=(outcome.session.id,)), ADMIN, OWNER)
    core.resume(pair)
    other, _ = core.log_in("bob")
    core.pass_time(40 * 86400)
    core.resume(other)
    assert [row["why"] for row in rows(core)] == ["blocked", "quarantined", "incident", "expired"]
    assert rows(core)[0]["detail"]["rule"] == str(rule)


def test_a_flood_is_one_row_a_second_and_a_hundred_rows(core):
    pair, _ = core.log_in()
    half = Pair(pair.session_id)
    for _ in range(5):
        core.resume(half, THIEF)
    together(*[lambda: core.resume(half, THIEF)] * 4)
    [row, *more] = rows(core)
    assert row["more"] + sum(1 + each["more"] for each in more) == 8
    assert len(more) <= 1
    core.pass_time(60)
    for number in range(refusals.MOST + 5):
        core.resume(half, Client(f"198.51.100.{number}", "", f"r{number}"))
    found = rows(core)
    assert len(found) == refusals.MOST
    assert found[-1]["request_id"] == f"r{refusals.MOST + 4}"
    # Counting goes on at the bound, and crowds nothing out.
    core.resume(half, Client(f"198.51.100.{refusals.MOST + 4}", "", "again"))
    assert rows(core)[0]["id"] == found[0]["id"]
    assert rows(core)[-1]["more"] == 1


def test_each_session_and_each_kind_of_client_is_counted_apart(core, clock):
    halves = [Pair(core.log_in(name)[0].session_id) for name in ("ann", "bob")]
    ann, bob = halves
    first = core.sql("SELECT id FROM sessions WHERE user_name = 'Ann'")[0]["id"]

    def counted() -> list[tuple[bool, int]]:
        return [(row["session_id"] == first, row["more"]) for row in rows(core)]

    other = replace(THIEF, agent="curl/8.5.0")
    for half, client in ((ann, THIEF), (ann, THIEF), (bob, THIEF), (ann, THIEF), (ann, other)):
        core.resume(half, client)
    clock.seconds += 2
    core.resume(ann, other)
    assert counted() == [(True, 2), (False, 0), (True, 0), (True, 0)]
    # A flood on one session crowds no row of another out.
    for number in range(refusals.MOST):
        core.resume(bob, Client(f"198.51.100.{number}", "", "flood"))
    core.resume(ann, Client("203.0.113.1", "", "last"))
    assert Counter(is_first for is_first, _ in counted()) == {True: 4, False: refusals.MOST}


def test_they_are_deleted_after_a_month_and_with_their_session(core):
    pair, _ = core.log_in()
    core.resume(Pair(pair.session_id), THIEF)
    core.pass_time(29 * 86400)
    purge.run(jobs.PURGES, core.sessions.db)
    assert len(rows(core)) == 1
    core.pass_time(2 * 86400)
    purge.run(jobs.PURGES, core.sessions.db)
    assert rows(core) == []
    core.resume(Pair(pair.session_id), THIEF)
    core.sql("DELETE FROM sessions")
    assert rows(core) == []


def test_a_refusal_that_cannot_be_written_down_is_one_all_the_same(core, caplog):
    pair, _ = core.log_in()
    core.sql("ALTER TABLE refused_requests RENAME TO elsewhere")
    try:
        assert core.resume(Pair(pair.session_id), THIEF).session is None
    finally:
        core.sql("ALTER TABLE elsewhere RENAME TO refused_requests")
    assert "could not be written down" in caplog.text
    assert core.resume(pair).session is not None
    assert core.flags() == {"session_without_refresh_token": 1}


def test_each_session_counts_for_itself_and_keeps_its_own(core):
    """Another session's refusals, another client's and those of a second ago neither count here nor are crowded out."""
    halves = [Pair(core.log_in(name)[0].session_id) for name in ("ann", "ben")]
    for half in (*halves, *halves):
        core.resume(half, THIEF)
    core.resume(halves[0], Client(THIEF.address, "another browser"))
    assert [row["more"] for row in rows(core)] == [1, 1, 0]
    core.pass_time(2)
    core.resume(halves[0], Client(THIEF.address, "another browser"))
    assert [row["more"] for row in rows(core)] == [1, 1, 0, 0]
    [before] = [row for row in rows(core) if row["session_id"] != rows(core)[0]["session_id"]]
    for number in range(refusals.MOST + 5):
        core.resume(halves[0], Client(f"198.51.100.{number}"))
    others = [row for row in rows(core) if row["session_id"] == before["session_id"]]
    assert [row["id"] for row in others] == [before["id"]]
    for number in range(3):
        core.resume(halves[1], Client(f"198.51.100.{number}"))
    core.resume(halves[0], THIEF)
    assert len(rows(core)) == refusals.MOST + 4


def test_a_fact_that_there_is_none_of_is_left_out(core):
    pair, outcome = core.log_in(client=Client())
    core.sessions.quarantine([outcome.session.id], ADMIN, OWNER)
    core.resume(pair)
    [row] = rows(core)
    assert row["detail"] == {"pair": 1, "head": 1, "last_agent": ""}
    core.sessions.revoke(Scope(sessions=(outcome.session.id,)), ADMIN, OWNER)
    core.resume(pair)
    [revoked] = core.sql("SELECT id FROM revocations")
    assert rows(core)[-1]["detail"]["ended_by"] == str(revoked["id"])
