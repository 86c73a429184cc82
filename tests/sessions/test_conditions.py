"""Each write repeats its conditions: what has changed since the session was read leaves it untouched, and every other
session as well. `make mutants` breaks the conditions one at a time.
"""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from session_fixtures import OWNER, THIEF, SessionCore

from shopforum.sessions import Reason, Refreshed, Scope, jobs, lookup, records, revocation
from shopforum.sessions.audit import Client
from shopforum.sessions.keyring import new_session_id
from shopforum.sessions.model import Pair
from shopforum.sessions.rows import FoundSession
from shopforum.sessions.vocabulary import EventName, InitiatingEntity

WHY = Reason("admin", "carol@example.com", "incident")
LEASE = uuid.uuid4()

CHANGES = {
    "ended": "ended_at = now(), end_reason = 'logout'",
    "over": "absolute_end = now(), idle_end = least(idle_end, now())",
    "quarantined": "quarantined_at = now(), quarantine_reason = 'doubt'",
    "idle": "idle_end = now()",
    "another head": "head = issued + 1, head_parent = head, issued = issued + 1",
    "another successor": "issued = issued + 1",
    "as many successors as there may be": "unshown = 8",
    "not due": "due_at = now() + interval '1 hour'",
    "the lease of another": "lease = gen_random_uuid(), lease_until = now() + interval '1 minute'",
    "bound": "bound_at = now()",
    "its roles were read": "roles_read_at = now()",
}


def read(core: SessionCore, pair: Pair) -> FoundSession:
    found = lookup.find(core.sessions.context, pair, OWNER)
    assert found is not None
    return found


def write(core: SessionCore, act: str, found: FoundSession) -> Any:
    """One of the writes to a session, by what was read of it."""
    db, context = core.sessions.db, core.sessions.context
    fresh = context.credential(Pair(new_session_id(), "the-token-of-the-answer"))
    event = context.event(EventName.SESSION_RENEWED, OWNER, found.id, found.user_id, InitiatingEntity.USER)
    match act:
        case "touch":
            return records.touch(db, found, OWNER, idle=1800, touch_every=60)
        case "take over":
            return records.take_over(db, found, OWNER, idle=1800, rotate_every=600)
        case "hand out":
            return records.hand_out(db, found, fresh, OWNER, retry=30, cap=8)
        case "claim":
            return records.claim(db, found, uuid.uuid4(), 5, 8)
        case "renew":
            values = {
                "id": found.id,
                "lease": LEASE,
                "idle": 1800,
                "retry": 30,
                "roles": ["shopper"],
                "with_key": found.with_key,
            }
            names = {"refresh_token_id": None, "user_name": "Ann", "user_email": None}
            return records.renew(db, event, fresh, **values, **names)
        case "release":
            return records.release(db, found.id, LEASE)
        case "expire":
            return records.expire(db, event, LEASE, "refresh_refused")
        case "rotate soon":
            return records.rotate_soon(db, found.id)
        case "claim roles":
            return records.claim_roles(db, found.id, 60)
    raise AssertionError(act)


def stored(core: SessionCore, but: uuid.UUID | None = None) -> list[Any]:
    """All rows that a write may change, but for those of one session."""
    tables = {"sessions": "id", "session_credentials": "session_id", "session_places": "session_id"}
    return [
        core.sql(
            f"SELECT * FROM {table} WHERE {key} IS DISTINCT FROM CAST(:but AS uuid) ORDER BY 1, 2, 3", but=but
        )
        for table, key in tables.items()
    ]


@pytest.fixture
def ready(core: SessionCore) -> Callable[[str], FoundSession]:
    """`ready("touch")`: two sessions that are ready for that write; the first as it was read."""

    def make(act: str) -> FoundSession:
        pairs = [core.log_in(name)[0] for name in ("ann", "bob")]
        if act == "take over":
            core.make_rotation_due()
            pairs = [core.resume(pair).issue or pair for pair in pairs]
        # The session has been unused for long, and has not idled out.
        core.pass_time(29 * 60)
        if act in ("renew", "release", "expire"):
            core.sql(
                "UPDATE sessions SET lease = :lease, lease_until = now() + interval '1 minute'", lease=LEASE
            )
        if act == "rotate soon":
            core.sql("UPDATE sessions SET due_at = now() + interval '1 hour'")
        return read(core, pairs[0])

    return make


WRITES = {
    "touch": ("ended", "over", "quarantined", "bound", "idle", "another head"),
    "take over": ("ended", "over", "quarantined", "bound", "another head"),
    "hand out": (
        *("ended", "over", "quarantined", "bound", "another head", "another successor", "not due"),
        "as many successors as there may be",
    ),
    "claim": (
        *("ended", "over", "bound", "another head", "another successor", "the lease of another"),
        "as many successors as there may be",
    ),
    "renew": ("ended", "over", "bound", "the lease of another"),
    "release": ("the lease of another",),
    "expire": ("ended", "the lease of another"),
    "rotate soon": ("ended",),
    "claim roles": ("ended", "its roles were read"),
}


@pytest.mark.parametrize("act", WRITES)
def test_a_write_changes_its_session_and_no_other(core, ready, act):
    found = ready(act)
    before, others = stored(core), stored(core, found.id)
    write(core, act, found)
    assert stored(core) != before
    assert stored(core, found.id) == others


@pytest.mark.parametrize(("act", "change"), [(act, change) for act in WRITES for change in WRITES[act]])
def test_a_write_changes_nothing_where_the_session_has_changed(core, ready, act, change):
    found = ready(act)
    core.sql(f"UPDATE sessions SET {CHANGES[change]} WHERE id = :id", id=found.id)
    before = stored(core)
    write(core, act, found)
    assert stored(core) == before


def test_a_pair_of_an_older_branch_never_takes_over(core):
    pair, _ = core.log_in()
    for _ in range(2):
        core.make_rotation_due()
        successor = core.resume(pair).issue
        core.resume(successor)
        old, pair = pair, successor
    core.sql("UPDATE session_credentials SET parent = 0 WHERE number = 2")
    before = stored(core)
    assert not records.take_over(core.sessions.db, read(core, old), OWNER, idle=1800, rotate_every=600)
    assert stored(core) == before


def close_gate(core: SessionCore, scope: Scope) -> None:
    """Close a gate, and mark none of the rows behind it."""
    with core.sessions.db.transaction() as connection:
        revocation.revoke(connection, scope, WHY, OWNER, sites=("store",))


def test_a_gate_that_closes_during_a_refresh_wins_before_any_row_is_marked(core):
    pair, outcome = core.log_in()
    core.let_idle()
    core.provider.before_answer = lambda: close_gate(core, Scope(user_id=outcome.session.user_id))
    late = core.resume(pair)
    assert (late.session, late.issue, late.ended) == (None, None, "revoked")
    assert "session_renewed" not in core.events()
    assert core.sql("SELECT refresh_count FROM sessions") == [{"refresh_count": 0}]


def test_an_answer_with_another_token_s_id_ends_the_session(core, monkeypatch):
    """The user is right and the token is not: its revocation would not reach what the browser holds."""
    pair, outcome = core.log_in()
    core.let_idle()
    other = Refreshed("some-other-token", uuid.uuid4(), outcome.session.user_id, ("shopper",))
    monkeypatch.setattr(core.provider, "refresh", lambda _token, _user_id, _client: other)
    late = core.resume(pair)
    assert (late.session, late.issue, late.ended) == (None, None, "expired")
    assert core.resume(pair).ended == "identity_mismatch"


def test_a_gate_never_moves_back_where_a_failover_has_lost_the_counter(core):
    """The number of a new gate is then below an older gate's: what that one has ended stays ended."""
    core.users["ann"] = core.log_in("ann")[1].session.user_id
    scope = Scope(user_id=core.users["ann"])
    close_gate(core, scope)
    between, _ = core.log_in("ann")
    close_gate(core, scope)
    assert core.resume(between).session is None
    core.sql("UPDATE revocation_counter SET n = 0")
    close_gate(core, scope)
    assert core.resume(between).session is None


def test_a_replaced_pair_in_its_grace_extends_nothing(core):
    pair, _ = core.log_in()
    core.make_rotation_due()
    core.resume(core.resume(pair).issue)
    # The pair was replaced within the minute.
    core.age("sessions.last_seen_at", 300)
    before = core.sql("SELECT idle_end, last_seen_at, head, issued FROM sessions")
    assert core.resume(pair, THIEF).session is not None
    assert core.sql("SELECT idle_end, last_seen_at, head, issued FROM sessions") == before


def test_a_revocation_counts_the_sessions_of_its_reach_alone(core_of):
    """Neither those on another site nor the one that is excepted."""
    store, forums = core_of("store"), core_of("forums")
    forums.users = store.users
    kept = store.log_in("ann")[1].session
    store.log_in("ann")
    forums.log_in("ann")
    scope = Scope(user_id=kept.user_id, site="store")
    act = store.sessions.revoke(scope, WHY, OWNER, except_session=kept.id)
    assert store.sql("SELECT matched FROM revocations WHERE id = :id", id=act) == [{"matched": 1}]


def test_an_excepted_session_that_has_ended_is_left_as_it_is(core):
    pair, outcome = core.log_in()
    core.sessions.logout(outcome.session, OWNER)
    before = core.sql("SELECT * FROM sessions")
    core.sessions.revoke(Scope(everyone=True), WHY, OWNER, except_session=outcome.session.id)
    assert core.sql("SELECT * FROM sessions") == before
    assert core.resume(pair).session is None


def test_the_places_of_one_session_push_out_none_of_another_s(core):
    ann, first = core.log_in("ann")
    _, second = core.log_in("bob")
    core.sql("DELETE FROM session_places")
    for session, kept, at in ((first.session, 3, "now() - interval '1 hour'"), (second.session, 60, "now()")):
        core.sql(
            "INSERT INTO session_places (session_id, address, agent, first_at, last_at)"
            f" SELECT :id, '192.0.2.1', 'agent ' || n, {at}, {at} FROM generate_series(1, :kept) n",
            id=session.id,
            kept=kept,
        )
    core.resume(ann, THIEF)
    counted = core.sql("SELECT session_id, count(*) AS n FROM session_places GROUP BY session_id")
    assert {row["session_id"]: row["n"] for row in counted} == {first.session.id: 4, second.session.id: 60}


def test_a_client_without_an_address_is_served_and_leaves_no_place(core):
    nowhere = Client(None, "an agent behind a socket file")
    pair, _ = core.log_in(client=nowhere)
    assert core.resume(pair, Client(None, "another")).session is not None
    assert core.sql("SELECT 1 FROM session_places") == []


def test_the_sweep_behind_an_event_s_gate_marks_only_what_is_older_than_the_event(core):
    old, outcome = core.log_in("ann")
    changed = core.sessions.now()
    new, _ = core.log_in("ann")
    scope = Scope(user_id=outcome.session.user_id)
    with core.sessions.db.transaction() as connection:
        revocation.revoke(connection, scope, WHY, OWNER, sites=("store",), upstream=False, before=changed)
    jobs.run_once(core.sessions)
    assert core.sql("SELECT id FROM sessions WHERE ended_at IS NOT NULL") == [{"id": outcome.session.id}]
    assert [core.resume(pair).session is not None for pair in (old, new)] == [False, True]


def test_the_provider_is_told_nothing_of_a_session_without_a_token(core_of):
    console = core_of("admin", **{"sessions.renewable": "false"})
    _, outcome = console.log_in("carol")
    console.sessions.logout(outcome.session, OWNER)
    assert console.sql("SELECT 1 FROM revocation_outbox") == []
