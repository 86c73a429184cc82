"""Races of bound sessions: renewals, registrations and pages against each other and against whatever ends the session.

SHOPFORUM_TEST_RACES=2000 plays more rounds of each kind.
"""

import os
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from device_client import HERE, Bound, Device, over
from session_fixtures import OWNER, THIEF, SessionCore, together, withhold

from shopforum.sessions import Reason, Scope
from shopforum.sessions.binding import Binding
from shopforum.sessions.model import Outcome

RACES = int(os.environ.get("SHOPFORUM_TEST_RACES", "12"))
WHY = Reason("admin", "carol", "suspected_theft")


def revoke(core: SessionCore, **reach: Any) -> None:
    core.sessions.revoke(Scope(**reach), WHY, OWNER)


ENDS: dict[str, Callable[[SessionCore, Bound], object]] = {
    "session": lambda core, bound: revoke(core, sessions=(bound.id,)),
    "user": lambda core, bound: revoke(core, user_id=bound.login.session.user_id),
    "user on a site": lambda core, bound: revoke(core, user_id=bound.login.session.user_id, site="store"),
    "site": lambda core, _bound: revoke(core, site="store"),
    "everyone": lambda core, _bound: revoke(core, everyone=True),
    "logout": lambda core, bound: core.sessions.logout(bound.login.session, OWNER),
    "another login": lambda core, bound: core.log_in("somebody", replaced=bound.id),
}


@pytest.mark.parametrize("end", ENDS)
def test_every_end_of_a_session_beats_the_renewals_beside_it(core, end):
    """In either order of commits, nothing is served afterwards, and the browser hears that the binding is over."""
    for n in range(RACES):
        bound = Bound(core, f"user{n}")
        proof = bound.device.renewal(bound.next)
        *answers, _ = together(*[partial(bound.ask, proof)] * 2, partial(ENDS[end], core, bound))
        assert all(isinstance(answer, Binding) for answer in answers), answers
        cookies = [answer.cookie for answer in answers if answer.cookie]
        assert len(cookies) <= 1
        for cookie in [bound.cookie, *cookies]:
            bound.cookie = cookie
            assert bound.resume().session is None
        assert over(bound.ask())


@pytest.mark.parametrize("how", ["quarantined", "blocked"])
def test_a_session_that_is_withheld_beside_its_renewals_keeps_its_binding(core, how):
    """It is not served meanwhile, whichever bound cookie comes; afterwards it is, with the newest and the older one."""
    for n in range(RACES):
        bound = Bound(core, f"user{n}")
        proof = bound.device.renewal(bound.next)
        *answers, undo = together(
            *[partial(bound.ask, proof)] * 2, partial(withhold, core, bound.login.session, how)
        )
        assert callable(undo), undo
        assert sorted(bool(answer.cookie) for answer in answers) == [False, True]
        assert all(answer.challenge for answer in answers)
        cookies = [bound.cookie, *[answer.cookie for answer in answers if answer.cookie]]
        for bound.cookie in cookies:
            outcome = bound.resume()
            assert (outcome.session, outcome.issue, outcome.ended, outcome.spent) == (None, None, how, False)
        undo()
        for bound.cookie in cookies:
            assert bound.resume().session is not None
        assert bound.renew().cookie


def test_of_two_renewals_with_one_challenge_one_gets_the_cookie(core):
    for n in range(RACES):
        bound = Bound(core, f"user{n}")
        answers = together(*[partial(bound.ask, bound.device.renewal(bound.next))] * 4)
        assert sorted(bool(answer.cookie) for answer in answers) == [False, False, False, True]
        assert all(answer.challenge for answer in answers)


def test_renewals_that_overlap_never_fail(core):
    """Each of ten trims the others' challenges, and none waits for another's. One that finds its own gone gets a new one."""
    for n in range(RACES):
        bound = Bound(core, f"user{n}")
        challenges = [bound.next, *[bound.ask().challenge for _ in range(4)]]
        renewals = [partial(bound.ask, bound.device.renewal(challenge)) for challenge in challenges]
        answers = together(*renewals, *[bound.ask] * 5)
        assert all(isinstance(answer, Binding) for answer in answers), answers
        assert all(answer.challenge for answer in answers)
        for cookie in [bound.cookie, *[answer.cookie for answer in answers if answer.cookie]]:
            bound.cookie = cookie
            assert bound.resume().session is not None
        assert bound.renew().cookie


def test_two_renewals_with_a_challenge_each_are_both_good(core):
    """They run ahead of time, and overlap."""
    for n in range(RACES):
        bound = Bound(core, f"user{n}")
        challenges = [bound.next, bound.ask().challenge]
        renewals = [partial(bound.ask, bound.device.renewal(challenge)) for challenge in challenges]
        assert all(answer.cookie for answer in together(*renewals))


def test_of_two_registrations_one_binds(core):
    for n in range(RACES):
        pair, login = core.log_in(f"user{n}")
        owner, thief = Device(), Device()
        answers = together(
            *(
                partial(core.sessions.bind, pair, device.registration(login.challenge), HERE, client)
                for device, client in ((owner, OWNER), (thief, THIEF))
            )
        )
        assert sorted(bool(answer.cookie) for answer in answers) == [False, True]
        [row] = core.sql("SELECT count(*) AS n FROM session_keys WHERE session_id = :id", id=login.session.id)
        assert row["n"] == 1


def test_a_request_that_races_with_the_registration_is_judged_by_the_row_it_has_read_and_changes_nothing_later(
    core,
):
    """A page that has read the session before it was bound is served; it hands out no pair and extends nothing after."""
    for n in range(RACES):
        pair, login = core.log_in(f"user{n}")
        core.make_rotation_due()
        device = Device()
        bind = partial(core.sessions.bind, pair, device.registration(login.challenge), HERE, OWNER)
        *outcomes, answer = together(*[partial(core.resume, pair)] * 3, bind)
        assert answer.cookie
        assert all(isinstance(outcome, Outcome) for outcome in outcomes), outcomes
        assert {outcome.ended for outcome in outcomes} <= {None, "without_key"}
        for outcome in outcomes:
            assert core.resume(outcome.issue or pair).ended == "without_key"


def test_a_refresh_and_renewals_go_on_beside_each_other(core):
    for n in range(RACES):
        bound = Bound(core, f"user{n}")
        core.let_idle()
        proof = bound.device.renewal(bound.next)
        first, second, renewed, keyless = together(
            *[partial(core.resume, bound.jar())] * 2,
            partial(bound.ask, proof),
            partial(core.resume, bound.pair, THIEF),
        )
        assert [outcome.session.id for outcome in (first, second)] == [bound.id] * 2
        assert renewed.cookie
        assert (keyless.session, keyless.issue) == (None, None)
    assert len(core.provider.refreshes) == RACES


def test_a_rotation_and_renewals_go_on_beside_each_other(core):
    """One tab gets the successor, the renewal its cookie, and they are good together; the copied pair gets neither."""
    for n in range(RACES):
        bound = Bound(core, f"user{n}")
        core.make_rotation_due()
        *served, renewed, keyless = together(
            *[partial(core.resume, bound.jar())] * 3,
            partial(bound.ask, bound.device.renewal(bound.next)),
            partial(core.resume, bound.pair, THIEF),
        )
        assert [outcome.session.id for outcome in served] == [bound.id] * 3
        [bound.pair] = [outcome.issue for outcome in served if outcome.issue]
        assert (keyless.session, keyless.issue, keyless.ended) == (None, None, "without_key")
        assert core.resume(bound.jar()).session is not None
        bound.cookie = renewed.cookie
        assert bound.resume().session.id == bound.id
        assert core.sql("SELECT head FROM sessions WHERE id = :id", id=bound.id) == [{"head": 2}]
