"""The database's clock steps an hour, forward or back, in the middle of everything: what is over stays over, and no login is
dead on arrival. test_revocation_counter.py and test_binding.py have the counter and the bound cookies.
"""

from typing import Any

import pytest
from device_client import Bound, over
from session_fixtures import OWNER, THIEF, SessionCore

from shopforum.sessions import Reason, Rule, Scope, SignInBlocked, revocation

WHY = Reason("admin", "carol@example.com", "incident")


@pytest.fixture(params=[3600, -3600], ids=["forward", "back"])
def jump(request: pytest.FixtureRequest) -> float:
    step: float = request.param
    return step


def served(core: SessionCore, *pairs: Any) -> list[bool]:
    return [core.resume(pair).session is not None for pair in pairs]


def announce(core: SessionCore, at: Any) -> None:
    """The provider tells of an event of Ann's at that instant, as `webhooks` does."""
    scope = Scope(user_id=core.users["ann"])
    with core.sessions.db.transaction() as connection:
        revocation.revoke(connection, scope, WHY, OWNER, sites=("store",), upstream=False, before=at)


def test_a_login_lives_and_goes_on_whatever_the_clock_does_after_it(core, clock, jump):
    pair, _ = core.log_in()
    for step in (jump, -jump, jump):
        clock.seconds += step
        outcome = core.resume(pair)
        assert outcome.session is not None
        pair = outcome.issue or pair


def test_a_login_under_way_and_its_rotation_live_whatever_the_clock_does_meanwhile(core, clock, jump):
    began = core.sessions.login_start()
    clock.seconds += jump
    pair, _ = core.log_in("ann", since=began)
    for step in (jump, -jump, -jump):
        core.make_rotation_due()
        successor = core.resume(pair).issue
        assert successor is not None
        clock.seconds += step
        # The response was under way while the clock stepped. Idle by the new clock, the session is refreshed.
        outcome = core.resume(successor)
        assert outcome.session is not None
        pair = outcome.issue or successor
        assert core.resume(pair).session is not None


def test_a_login_that_is_sent_again_with_the_same_cookies_is_not_beaten_by_the_one_before_the_step(
    core, clock, jump
):
    """The answer to the first got lost, as when the database fails over."""
    form = b"the visitor's cookie"
    first, _ = core.log_in("ann", login_form=form)
    clock.seconds += jump
    second, outcome = core.log_in("ann", login_form=form)
    assert outcome.session is not None
    assert served(core, first, second) == [False, True]


def test_the_lease_of_a_refresh_that_died_is_no_longer_than_it_was(core, clock, jump):
    """Its process died, and the database's clock was set back at once: nobody waits an hour for the session."""
    pair, _ = core.log_in("ann")
    core.let_idle()
    core.sql("UPDATE sessions SET lease = gen_random_uuid(), lease_until = now() + interval '5 seconds'")
    clock.seconds += jump
    core.let_idle()
    assert core.resume(pair).issue is not None


def test_a_refresh_in_flight_lives_unless_its_session_was_revoked(core, clock, jump):
    lives, _ = core.log_in("ann")
    core.let_idle()
    core.provider.before_answer = lambda: setattr(clock, "seconds", clock.seconds + jump)
    successor = core.resume(lives).issue
    assert successor is not None
    core.provider.before_answer = lambda: None
    clock.seconds -= jump
    dies, outcome = core.log_in("bob")
    core.let_idle()

    def step_and_revoke() -> None:
        clock.seconds += jump
        core.sessions.revoke(Scope(user_id=outcome.session.user_id), WHY, OWNER)

    core.provider.before_answer = step_and_revoke
    late = core.resume(dies)
    assert (late.session, late.issue) == (None, None)
    core.provider.before_answer = lambda: None
    for step in (0, -jump, -jump, jump):
        clock.seconds += step
        assert served(core, dies) == [False]
    assert served(core, successor) == [True]


def test_an_event_ends_what_is_older_and_nothing_that_begins_after_the_news(core, clock, jump):
    old, _ = core.log_in("ann")
    clock.seconds += 60
    changed = core.sessions.now()
    clock.seconds += jump
    announce(core, changed)
    new, _ = core.log_in("ann")
    for step in (0, -jump, -jump):
        clock.seconds += step
        assert served(core, old, new) == [False, True]


def test_a_session_in_quarantine_stays_there_and_the_next_login_is_free(core, clock, jump):
    pair, outcome = core.log_in("ann")
    core.sessions.quarantine([outcome.session.id], WHY, OWNER)
    clock.seconds += jump
    fresh, _ = core.log_in("ann")
    for step in (0, -jump, jump):
        clock.seconds += step
        assert served(core, pair, fresh) == [False, True]


def test_a_deny_rule_holds_until_it_is_lifted_or_over(core, clock, jump):
    pair, _ = core.log_in("ann")
    began = core.sessions.login_start()
    rule = core.sessions.add_rule(Rule(seconds=7200, network=THIEF.address), WHY, OWNER)
    clock.seconds += jump
    assert core.resume(pair, THIEF).ended == "blocked"
    with pytest.raises(SignInBlocked):
        core.log_in("bob", THIEF, since=began)
    assert served(core, pair) == [True]
    core.sessions.lift_rule(rule, "carol@example.com", OWNER)
    clock.seconds -= jump
    assert core.resume(pair, THIEF).session is not None


def test_a_bound_session_needs_its_key_and_ends_with_its_binding(core, clock, jump):
    ended, bound = Bound(core, "ann"), Bound(core, "bob")
    core.sessions.logout(ended.login.session, OWNER)
    for step in (jump, -jump, -jump):
        clock.seconds += step
        assert over(ended.ask())
        assert core.resume(bound.pair, THIEF).ended == "without_key"
        assert bound.renew().cookie
        assert bound.resume().session is not None


def test_a_revocation_of_everyone_by_the_old_clock_holds_under_the_new(core, clock, jump):
    in_flight = core.sessions.login_start()
    old, _ = core.log_in("ann")
    core.sessions.revoke(Scope(everyone=True), WHY, OWNER)
    clock.seconds += jump
    late, _ = core.log_in("ann", since=in_flight)
    new, _ = core.log_in("ann")
    clock.seconds -= jump
    assert served(core, old, late, new) == [False, False, True]
