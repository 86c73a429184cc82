"""A counter decides the order of a login and a revocation: no clock that steps changes it."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from session_fixtures import OWNER, SessionCore

from shopforum.sessions import LoginStart, Reason, Scope, revocation

WHY = Reason("admin", "carol@example.com", "incident")
HOUR = 3600.0


def event(core: SessionCore, scope: Scope, at: Any) -> None:
    """The provider tells of an event at that instant."""
    with core.sessions.db.transaction() as connection:
        revocation.revoke(connection, scope, WHY, OWNER, sites=("store",), upstream=False, before=at)


@pytest.mark.parametrize("jump", [-HOUR, HOUR])
def test_no_login_is_dead_on_arrival_and_no_revoked_session_lives(core, clock, jump):
    old, _ = core.log_in("ann")
    in_flight = core.sessions.login_start()
    clock.seconds += jump
    core.sessions.revoke(Scope(everyone=True), WHY, OWNER)
    clock.seconds += jump
    late, _ = core.log_in("ann", since=in_flight)
    new, _ = core.log_in("ann")
    assert core.resume(old).session is None
    assert core.resume(late).session is None
    clock.seconds -= jump
    assert core.resume(new).session is not None


def test_an_excepted_session_is_ended_by_an_older_event_that_comes_later(core, clock):
    mine, outcome = core.log_in("ann")
    clock.seconds += 60
    changed = core.sessions.now()
    clock.seconds += 60
    everyone = Scope(everyone=True)
    core.sessions.revoke(everyone, WHY, OWNER, except_session=outcome.session.id)
    newer, _ = core.log_in("ann")
    assert core.resume(mine).session is not None
    event(core, Scope(user_id=core.users["ann"]), changed)
    assert core.resume(mine).session is None
    assert core.resume(newer).session is not None


def test_a_login_in_flight_that_began_after_an_event_outlives_the_news_of_it(core, clock):
    changed = core.sessions.now()
    clock.seconds += 2
    began = core.sessions.login_start()
    core.users["ann"] = core.log_in("ann")[1].session.user_id
    event(core, Scope(user_id=core.users["ann"]), changed)
    pair, _ = core.log_in("ann", since=began)
    assert core.resume(pair).session is not None


def test_neither_of_two_events_hides_the_other(core, clock):
    first, _ = core.log_in("ann")
    user = Scope(user_id=core.users["ann"])
    older = core.sessions.now()
    clock.seconds += 60
    second, _ = core.log_in("ann")
    newer = core.sessions.now()
    event(core, user, newer)
    clock.seconds += 60
    third, _ = core.log_in("ann")
    event(core, user, older)
    assert [bool(core.resume(pair).session) for pair in (first, second, third)] == [False, False, True]


def test_an_event_does_not_open_the_gate_of_an_admin(core, clock):
    pair, _ = core.log_in("ann")
    user = Scope(user_id=core.users["ann"])
    with core.sessions.db.transaction() as connection:
        revocation.revoke(connection, user, WHY, OWNER, sites=("store",))
    event(core, user, core.sessions.now() - timedelta(hours=1))
    assert core.resume(pair).session is None


def test_a_number_that_a_failover_has_lost_ends_the_next_gate_s_sessions_all_the_same(core):
    """The login has read a number that the new primary does not know: it keeps the number that there is."""
    read = core.sessions.login_start()
    pair, outcome = core.log_in("ann", since=LoginStart(read.at, read.epoch + 5))
    assert core.resume(pair).session is not None
    core.sessions.revoke(Scope(user_id=outcome.session.user_id), WHY, OWNER)
    assert core.resume(pair).session is None


ACTS = st.lists(
    st.sampled_from(
        ["begin", "finish", "log in", "everyone", "site", "user", "spare", "back", "forth", "refresh"]
    ),
    max_size=25,
)


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(acts=ACTS)
def test_in_any_order_only_a_login_that_began_after_the_last_gate_lives(core, clock, acts):
    clock.seconds = 0
    # The end of everyone's sessions revokes the excepted session's token, too, at the provider. Here only the gates count.
    core.provider.revoke = lambda _site, **_token: None
    for table in ("sessions", "revocation_gates", "revocations"):
        core.sql(f"DELETE FROM {table}")
    begun: list[LoginStart] = []
    alive: dict[Any, Any] = {}
    dead: list[Any] = []
    beaten: set[int] = set()
    for act in acts:
        if act == "begin":
            begun.append(core.sessions.login_start())
        elif act in ("finish", "log in"):
            started = begun.pop() if act == "finish" and begun else core.sessions.login_start()
            pair, outcome = core.log_in("ann", since=started)
            lives = id(started) not in beaten
            (alive.__setitem__(outcome.session.id, pair) if lives else dead.append(pair))
        elif act in ("back", "forth"):
            clock.seconds += HOUR if act == "forth" else -HOUR
        elif act == "refresh":
            core.sql("UPDATE sessions SET idle_end = last_seen_at")
            alive = {key: core.resume(pair).issue or pair for key, pair in alive.items()}
        elif act == "spare" and alive:
            kept = next(iter(alive))
            with core.sessions.db.transaction() as connection:
                # The provider is not told, or it would end the excepted session's token with the others.
                everyone = Scope(everyone=True)
                revocation.revoke(
                    connection, everyone, WHY, OWNER, sites=(), except_session=kept, upstream=False
                )
            beaten |= set(map(id, begun))
            dead += [pair for key, pair in alive.items() if key != kept]
            alive = {kept: alive[kept]}
        elif "ann" in core.users:
            scopes = {"site": Scope(site="store"), "user": Scope(user_id=core.users["ann"])}
            core.sessions.revoke(scopes.get(act, Scope(everyone=True)), WHY, OWNER)
            beaten |= set(map(id, begun))
            dead += alive.values()
            alive = {}
    assert all(core.resume(pair).session is None for pair in dead)
    assert all(core.resume(pair).session is not None for pair in alive.values())
