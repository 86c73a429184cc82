"""Revocation: sessions end at once and stay ended, and the provider is told until it agrees."""

import random
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from session_fixtures import OWNER, THIEF, together
from waiting import eventually

from shopforum.sessions import Login, Reason, Scope, jobs, revocation
from shopforum.sessions.gate_sweep import STEP
from shopforum.sessions.live import STATE

WHY = Reason(
    "admin", "carol@example.com", "suspected_theft", "ticket 7", "We ended your session to protect you."
)

_WAITING = """SELECT count(*) AS waiting FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'"""


def test_a_session(core):
    ann, outcome = core.log_in("ann")
    bob, _ = core.log_in("bob")
    core.sessions.revoke(Scope(sessions=(outcome.session.id,)), WHY, OWNER)
    assert core.resume(ann).ended == "suspected_theft"
    assert core.resume(bob).session is not None
    [row] = core.sql("SELECT matched, reason_code, reason_user, actor FROM revocations")
    assert tuple(row.values()) == (1, "suspected_theft", WHY.user, "carol@example.com")


def test_a_user_everywhere_or_on_one_site(core_of):
    store, forums = core_of("store"), core_of("forums")
    in_store, outcome = store.log_in("ann")
    forums.users = store.users
    in_forums, _ = forums.log_in("ann")
    bob, _ = store.log_in("bob")
    store.sessions.revoke(Scope(user_id=outcome.session.user_id, site="forums"), WHY, OWNER)
    assert forums.resume(in_forums).session is None
    assert store.resume(in_store).session is not None
    store.sessions.revoke(Scope(user_id=outcome.session.user_id), WHY, OWNER)
    assert store.resume(in_store).session is None
    assert store.resume(bob).session is not None
    assert {told["site"] for told in store.provider.revoked} == {"store", "forums"}


def test_a_site_and_everyone(core_of):
    store, forums = core_of("store"), core_of("forums")
    in_store, _ = store.log_in()
    in_forums, kept = forums.log_in()
    store.sessions.revoke(Scope(site="store"), WHY, OWNER)
    assert store.resume(in_store).session is None
    assert forums.resume(in_forums).session is not None
    in_store, _ = store.log_in()
    store.sessions.revoke(Scope(everyone=True), WHY, OWNER, except_session=kept.session.id)
    assert store.resume(in_store).session is None
    assert forums.resume(in_forums).session is not None
    later, _ = store.log_in()
    assert store.resume(later).session is not None


def test_a_login_that_was_in_flight_loses(core):
    """The password was checked before the revoke and the session written after it: dead on arrival."""
    user_id = core.users.setdefault("ann", uuid.uuid4())
    typed = core.sessions.login_start()
    core.sessions.revoke(Scope(user_id=user_id), WHY, OWNER)
    pair, _ = core.log_in("ann", since=typed)
    assert core.resume(pair).session is None
    # The provider revoked before it issued this token: it is told of the token by its own id.
    jobs.run_once(core.sessions)
    jobs.run_once(core.sessions)
    assert core.provider.revoked[-1]["token"] is not None
    assert pair.refresh_token not in core.provider.live


def test_revoking_twice_changes_nothing(core):
    _, outcome = core.log_in()
    scope = Scope(sessions=(outcome.session.id,))
    core.sessions.revoke(scope, WHY, OWNER)
    before = core.sql("SELECT ended_at, revocation_id FROM sessions")
    core.sessions.revoke(scope, WHY, OWNER)
    assert core.sql("SELECT ended_at, revocation_id FROM sessions") == before
    assert core.sql("SELECT matched FROM revocations ORDER BY created_at")[1]["matched"] == 0
    assert len(core.provider.revoked) == 1


def test_with_the_provider_away_it_holds_here_and_is_told_later(core):
    pair, outcome = core.log_in()
    core.provider.away = True
    core.sessions.revoke(Scope(sessions=(outcome.session.id,)), WHY, OWNER)
    assert core.resume(pair).session is None
    [open_row] = core.sql(
        "SELECT attempts, done_at, last_error, next_try_at > now() AS later FROM revocation_outbox"
    )
    assert (open_row["attempts"], open_row["done_at"], open_row["later"]) == (1, None, True)
    assert open_row["last_error"] == "away"
    core.provider.away = False
    jobs.run_once(core.sessions)
    assert core.provider.revoked == []  # not due yet
    core.sql("UPDATE revocation_outbox SET next_try_at = now()")
    jobs.run_once(core.sessions)
    assert len(core.provider.revoked) == 1
    assert core.sql("SELECT 1 FROM revocation_outbox WHERE done_at IS NULL") == []


def test_two_revocations_of_one_session_at_the_same_time_count_it_once(core):
    _, outcome = core.log_in()
    ids = (outcome.session.id,)
    with core.sessions.db.transaction() as connection, ThreadPoolExecutor(2) as pool:
        revocation.lock(connection, ids)
        both = [pool.submit(core.sessions.revoke, Scope(sessions=ids), WHY, OWNER) for _ in range(2)]
        eventually(lambda: core.sql(_WAITING)[0]["waiting"] == len(both))
        connection.commit()
        receipts = {each.result() for each in both}
    assert len(receipts) == 2
    counted = core.sql(
        "SELECT r.matched, s.id FROM revocations r LEFT JOIN sessions s ON s.revocation_id = r.id"
    )
    assert sorted((row["matched"], row["id"] is not None) for row in counted) == [(0, False), (1, True)]


def test_several_workers_tell_the_provider_once(core):
    core.provider.away = True
    for _ in range(10):
        _, outcome = core.log_in()
        core.sessions.revoke(Scope(sessions=(outcome.session.id,)), WHY, OWNER)
    core.provider.away = False
    core.sql("UPDATE revocation_outbox SET next_try_at = now()")
    together(*[lambda: jobs.run_once(core.sessions)] * 4)
    assert len(core.provider.revoked) == 10


def test_a_worker_tells_the_provider_of_several_at_the_same_time(core):
    for _ in range(4):
        core.provider.away = True
        _, outcome = core.log_in()
        core.sessions.revoke(Scope(sessions=(outcome.session.id,)), WHY, OWNER)
    core.provider.away = False
    core.sql("UPDATE revocation_outbox SET next_try_at = now()")
    together_at_the_provider = threading.Barrier(4, timeout=30)
    revoke = core.provider.revoke
    core.provider.revoke = lambda *args, **names: (together_at_the_provider.wait(), revoke(*args, **names))
    assert jobs.deliver(core.sessions) == 4
    assert len(core.provider.revoked) == 4


def test_a_message_that_was_not_tried_after_a_failure_is_due_at_once(core):
    core.provider.away = True
    for _ in range(12):
        _, outcome = core.log_in()
        core.sessions.revoke(Scope(sessions=(outcome.session.id,)), WHY, OWNER)
    core.sql("UPDATE revocation_outbox SET next_try_at = now(), attempts = 0")
    tried = jobs.deliver(core.sessions)
    assert 1 <= tried <= 4
    due = core.sql("SELECT 1 FROM revocation_outbox WHERE next_try_at <= clock_timestamp() AND attempts = 0")
    assert len(due) == 12 - tried


def test_rows_behind_a_gate_are_marked_in_steps(core):
    pair, outcome = core.log_in()
    core.sql(
        "INSERT INTO sessions (site, user_id, user_name, roles, authenticated_at, absolute_end, idle_end, "
        "last_seen_at) SELECT site, user_id, 'x', roles, authenticated_at, "
        "absolute_end, idle_end, last_seen_at FROM sessions, generate_series(1, :n)",
        n=STEP + 20,
    )
    core.sessions.revoke(Scope(user_id=outcome.session.user_id), WHY, OWNER)
    assert core.resume(pair).session is None
    left = "SELECT count(*) AS n FROM sessions WHERE ended_at IS NULL"
    assert core.sql(left)[0]["n"] == 21
    jobs.run_once(core.sessions)
    assert core.sql(left)[0]["n"] == 0
    core.pass_time(61)  # until when a login may still be committing that did not see the gate
    jobs.run_once(core.sessions)
    assert core.sql("SELECT 1 FROM revocations WHERE marked_at IS NULL") == []


def test_logging_in_again_ends_the_session_this_browser_had(core):
    pair, outcome = core.log_in()
    token, token_id = core.provider.issue(outcome.session.user_id)
    login = Login(
        outcome.session.user_id, "Ann", "ann@example.com", (), token, token_id, core.sessions.login_start()
    )
    core.sessions.start(login, OWNER, replaced=outcome.session.id)
    assert core.resume(pair).ended == "superseded"


def test_logout_ends_the_session_and_its_token(core):
    pair, outcome = core.log_in()
    core.sessions.logout(outcome.session, OWNER)
    assert core.resume(pair).ended == "logout"
    assert pair.refresh_token not in core.provider.live
    assert "session_logout" in core.events()


def test_beyond_the_limit_the_session_idle_longest_makes_room(core_of):
    core = core_of("store", **{"sessions.max_per_user": "3"})
    pairs = [core.log_in("ann")[0] for _ in range(3)]
    other, _ = core.log_in("bob")
    core.pass_time(60)
    core.resume(pairs[0], THIEF)  # used from elsewhere: seen just now
    pairs.append(core.log_in("ann")[0])
    served = [core.resume(pair).session is not None for pair in pairs]
    assert served.count(False) == 1
    assert (served[0], served[3]) == (True, True)
    assert core.resume(other).session is not None
    assert "excess_sessions_exceeded" in core.events()


def test_a_gate_does_not_rename_what_was_over_before_it_closed(core):
    pair, _ = core.log_in()
    core.provider.live.clear()
    core.let_idle()
    core.resume(pair)
    core.sessions.revoke(Scope(everyone=True), WHY, OWNER)
    [row] = core.sql(f"SELECT {STATE} AS state FROM sessions s")
    assert row["state"] == "expired"
    assert core.resume(pair).ended == "refresh_refused"
    assert core.flags() == {}


def test_a_session_behind_a_gate_names_the_act_that_ended_it(core):
    pair, _ = core.log_in()
    core.sql("UPDATE revocations SET marked_at = now()")
    with core.sessions.db.transaction() as connection:
        act = revocation.revoke(connection, Scope(site="store"), WHY, OWNER, sites=("store",))
    outcome = core.resume(pair)  # the row itself is not marked yet
    assert (outcome.ended, outcome.ended_by) == ("revoked", act)


def test_a_spared_session_is_left_out_of_a_list_of_ids_too(core):
    ann, one = core.log_in("ann")
    bob, two = core.log_in("bob")
    core.sessions.revoke(
        Scope(sessions=(one.session.id, two.session.id)), WHY, OWNER, except_session=one.session.id
    )
    assert core.resume(ann).session is not None
    assert core.resume(bob).session is None


@pytest.mark.parametrize("fields", [{}, {"everyone": True, "site": "store"}])
def test_a_scope_that_is_not_one_thing_is_refused(fields):
    with pytest.raises(ValueError, match="scope"):
        Scope(**fields)


def test_more_ids_than_one_act_may_name_are_refused():
    with pytest.raises(ValueError, match="more than 100000"):
        Scope(sessions=(uuid.uuid4(),) * 100_001)


def test_the_provider_is_not_told_of_its_own_event_and_newer_logins_stay(core):
    old, _ = core.log_in("ann")
    [told] = core.sql("SELECT clock_timestamp() AS at")
    new, _ = core.log_in("ann")
    other, third = core.log_in("bob")
    scopes = (Scope(user_id=core.users["ann"]), Scope(sessions=(third.session.id,)))
    for scope in scopes:
        with core.sessions.db.transaction() as connection:
            revocation.revoke(
                connection, scope, WHY, OWNER, sites=("store",), upstream=False, before=told["at"]
            )
    assert core.resume(old).session is None
    assert core.resume(other).session is None
    assert core.resume(new).session is not None
    assert core.sql("SELECT 1 FROM revocation_outbox") == []
    assert [row["matched"] for row in core.sql("SELECT matched FROM revocations ORDER BY created_at")] == [
        1,
        1,
    ]


@pytest.mark.parametrize("what", ["session", "user", "site", "everyone", "logout"])
def test_races_of_an_end_and_a_refresh_leave_nothing_alive(core, what):
    """Every interleaving of refreshing tabs with an end: afterwards no pair that anybody holds is served."""
    dice = random.Random(what)
    for round_ in range(8):
        pair, outcome = core.log_in(f"user{round_}")
        core.let_idle()
        pause = dice.random() * 0.01
        core.provider.before_answer = partial(time.sleep, pause)
        tabs = [partial(core.resume, pair)] * 3
        *seen, _ = together(*tabs, partial(end, core, outcome.session, what))
        for presented in [pair, *(o.issue for o in seen if getattr(o, "issue", None))]:
            after = core.resume(presented)
            assert (after.session, after.issue) == (None, None), (round_, pause)


def end(core, session, what):
    if what == "logout":
        return core.sessions.logout(session, OWNER)
    scopes = {
        "session": Scope(sessions=(session.id,)),
        "user": Scope(user_id=session.user_id),
        "site": Scope(site="store"),
        "everyone": Scope(everyone=True),
    }
    return core.sessions.revoke(scopes[what], WHY, OWNER)
