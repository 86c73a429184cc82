"""Races: a refresh or a rotation against everything that ends a session, and against other logins.

Every round lets the threads go at once, with a provider that takes a random while. SHOPFORUM_TEST_RACES=2000 plays more
rounds of each kind.
"""

import os
import random
import time
import uuid
from functools import partial

import pytest
from session_fixtures import OWNER, SessionCore, together, withhold

from shopforum.sessions import Login, Reason, Scope, Session, jobs
from shopforum.sessions.model import Outcome, Pair

RACES = int(os.environ.get("SHOPFORUM_TEST_RACES", "6"))
WHY = Reason("admin", "carol", "suspected_theft")
SCOPES = {
    "session": lambda session: Scope(sessions=(session.id,)),
    "user": lambda session: Scope(user_id=session.user_id),
    "user on a site": lambda session: Scope(user_id=session.user_id, site=session.site),
    "site": lambda session: Scope(site=session.site),
    "everyone": lambda session: Scope(everyone=True),
}


def end(core: SessionCore, session: Session, what: str) -> None:
    if what == "logout":
        core.sessions.logout(session, OWNER)
    elif what == "another login":
        core.log_in("somebody", replaced=session.id)
    else:
        core.sessions.revoke(SCOPES[what](session), WHY, OWNER)


def issued(outcomes: list[object]) -> list[Pair]:
    assert all(isinstance(outcome, Outcome) for outcome in outcomes), outcomes
    return [outcome.issue for outcome in outcomes if outcome.issue]


@pytest.mark.parametrize("one_time", [False, True], ids=["reusable", "one-time"])
@pytest.mark.parametrize("what", [*SCOPES, "logout", "another login"])
def test_every_end_of_a_session_beats_its_refresh(core, what, one_time):
    core.provider.one_time = one_time
    dice = random.Random(what)
    for round_ in range(RACES):
        pair, outcome = core.log_in(f"user{round_}")
        core.let_idle()
        core.provider.before_answer = partial(time.sleep, dice.random() * 0.008)
        head_start = dice.random() * 0.012
        asked = len(core.provider.refreshes)

        def later(session=outcome.session, pause=head_start):
            time.sleep(pause)
            end(core, session, what)

        *seen, failed = together(*[partial(core.resume, pair)] * 3, later)
        assert failed is None
        assert len(core.provider.refreshes) - asked <= 1
        core.provider.before_answer = lambda: None
        for presented in [pair, *issued(seen)]:
            after = core.resume(presented)
            assert (after.session, after.issue) == (None, None), (round_, what)
        assert len(core.provider.refreshes) - asked <= 1
        jobs.run_once(core.sessions)
        assert not [found for found in core.provider.live.values() if found[1] == outcome.session.user_id]


@pytest.mark.parametrize("what", [*SCOPES, "logout", "another login"])
def test_every_end_of_a_session_beats_its_rotation(core, what):
    """And of a tab that comes too late, no cookie is set or cleared: the browser may have logged in again."""
    for round_ in range(RACES):
        pair, outcome = core.log_in(f"user{round_}")
        core.make_rotation_due()
        *seen, failed = together(*[partial(core.resume, pair)] * 3, partial(end, core, outcome.session, what))
        assert failed is None
        assert len(issued(seen)) <= 1
        for late in seen:
            assert late.session is not None or not (late.issue or late.spent)
        for presented in [pair, *issued(seen)]:
            assert core.resume(presented).session is None, (round_, what)


@pytest.mark.parametrize("due", ["rotation", "reusable token", "one-time token"])
@pytest.mark.parametrize("how", ["quarantined", "blocked"])
def test_a_session_that_is_withheld_beside_its_rotation_or_refresh_is_served_again_afterwards_and_not_before(
    core, how, due
):
    """In either order of commits, no pair gets lost, and no tab's answer clears the cookies."""
    core.provider.one_time, core.provider.grace = due == "one-time token", False
    dice = random.Random(f"{how} {due}")
    for round_ in range(RACES):
        pair, outcome = core.log_in(f"user{round_}")
        if due == "rotation":
            core.make_rotation_due()
        else:
            core.let_idle()
            core.provider.before_answer = partial(time.sleep, dice.random() * 0.008)

        head_start = dice.random() * 0.012

        def later(session=outcome.session, pause=head_start):
            time.sleep(pause)
            return withhold(core, session, how)

        *seen, undo = together(*[partial(core.resume, pair)] * 3, later)
        assert callable(undo), undo
        given = issued(seen)
        assert len(given) <= 1
        for late in seen:
            assert not late.spent
            assert late.session is not None or late.ended == how
        for presented in [pair, *given]:
            after = core.resume(presented)
            assert (after.session, after.issue, after.ended) == (None, None, how), round_
        undo()
        assert core.resume(given[0] if given else pair).session is not None, round_


@pytest.mark.parametrize("scope", ["user", "site", "everyone"])
def test_a_login_whose_password_was_checked_before_a_revoke_is_dead_whichever_commits_first(core, scope):
    dice = random.Random(scope)
    for round_ in range(RACES):
        name = f"user{round_}"
        user_id = core.users.setdefault(name, uuid.uuid4())
        typed = core.sessions.login_start()
        session = Session(uuid.uuid4(), "store", user_id, name, "", frozenset(), 0.0, 0.0, 1.0)

        pause = dice.random() * 0.004

        def log_in(name=name, typed=typed, pause=pause):
            time.sleep(pause)
            return core.log_in(name, since=typed)[0]

        pair, failed = together(log_in, partial(end, core, session, scope))
        assert failed is None
        assert core.resume(pair).session is None, round_


def test_two_logins_in_one_browser_leave_the_old_session_dead_and_both_new_ones_whole(core):
    for round_ in range(RACES):
        pair, outcome = core.log_in(f"user{round_}")
        new = together(*[partial(core.log_in, f"user{round_}", replaced=outcome.session.id)] * 2)
        assert core.resume(pair).ended == "superseded"
        for fresh, _ in new:
            assert core.resume(fresh).session is not None
        [row] = core.sql(
            "SELECT count(*) AS n FROM revocation_outbox o JOIN sessions s ON s.refresh_token_id = o.refresh_token_id"
            " WHERE s.id = :id",
            id=outcome.session.id,
        )
        assert row["n"] == 1


def test_admins_who_revoke_overlapping_selections_do_not_lock_each_other_out(core):
    dice = random.Random(1)
    for round_ in range(RACES):
        ids = [core.log_in(f"user{round_}-{n}")[1].session.id for n in range(12)]

        def revoke(chosen):
            return core.sessions.revoke(Scope(sessions=tuple(chosen)), WHY, OWNER)

        failed = together(*[partial(revoke, dice.sample(ids, 9)) for _ in range(4)])
        assert all(isinstance(result, uuid.UUID) for result in failed), failed


def test_of_two_admins_who_end_everyone_s_sessions_but_their_own_never_both_stay(core_of):
    """Gates close one after the other: what one has ended, or is ending just now, the other cannot spare."""
    console = core_of("admin", **{"sessions.renewable": "false"})
    for _ in range(RACES * 3):
        admins = [console.log_in(name) for name in ("carol", "mallory")]

        def revoke(outcome):
            return console.sessions.revoke(
                Scope(everyone=True), WHY, OWNER, except_session=outcome.session.id
            )

        results = together(*[partial(revoke, outcome) for _, outcome in admins])
        assert all(isinstance(result, uuid.UUID) for result in results), results
        assert sum(console.resume(pair).session is not None for pair, _ in admins) <= 1


def test_owner_and_thief_race_for_the_successor_and_one_of_them_is_found(core):
    """One of them gets it: the other comes back with the older pair after the grace, and the session ends for both."""
    for round_ in range(RACES):
        pair, _ = core.log_in(f"user{round_}")
        core.make_rotation_due()
        seen = together(*[partial(core.resume, pair)] * 2)
        [successor] = issued(seen)
        assert core.resume(successor).session is not None
        core.pass_grace()
        # Used for longer than a browser could have lost it.
        assert core.resume(successor).session is not None
        assert core.resume(pair).ended == "replayed"
        assert core.resume(successor).session is None


def test_a_login_with_the_wrong_kind_of_token_makes_no_session(core):
    login = Login(uuid.uuid4(), "Ann", "", (), None, None, core.sessions.login_start())
    with pytest.raises(ValueError, match="refresh token"):
        core.sessions.start(login, OWNER)
    assert core.sql("SELECT 1 FROM sessions") == []
