"""The rules of the session core under any history: browsers, thieves, admins, clocks, a provider with moods.

Hypothesis invents the histories; what is played is the real code on the real database, whose clock is the machine's
(`clocks.py`). The rules of every answer are in `session_model.py`. SHOPFORUM_TEST_EXAMPLES=2000 looks longer, and shortens what
it finds, which takes minutes.
"""

import os
from typing import Any

import pytest
from clocks import SimulatedClock
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from session_fixtures import OWNER, THIEF, SessionCore
from session_model import ABSOLUTE, PEOPLE, WHY, Browser, Flight, History, MoodyProvider

from shopforum.sessions import Scope, jobs
from shopforum.sessions.model import Pair

LONGER = "SHOPFORUM_TEST_EXAMPLES" in os.environ
EXAMPLES = int(os.environ.get("SHOPFORUM_TEST_EXAMPLES", "25"))
# Three browsers of two people.
BROWSERS = st.integers(0, 2)
# Acts that end sessions are rare, or little else would be seen.
ENDS = 3
SCOPES = ("session", "user", "site", "everyone")


class Machine(History, RuleBasedStateMachine):
    """The acts that may happen, in any order."""

    def __init__(self, core: SessionCore, provider: MoodyProvider, clock: SimulatedClock) -> None:
        RuleBasedStateMachine.__init__(self)
        History.__init__(self, core, provider, clock)
        self.ends = 0

    @initialize(kind=st.sampled_from(["reusable", "one-time with grace", "one-time without"]))
    def everybody_logs_in(self, kind: str) -> None:
        self.provider.one_time, self.provider.grace = kind != "reusable", kind != "one-time without"
        for browser in self.browsers:
            self.log_in(browser)

    # Browsers

    @rule(number=BROWSERS)
    def logs_in_again(self, number: int) -> None:
        self.log_in(self.browsers[number])

    @rule(number=BROWSERS)
    def types_the_password(self, number: int) -> None:
        self.logins.append((self.browsers[number], self.core.sessions.login_start(), False))

    @precondition(lambda self: self.logins)
    @rule()
    def a_login_under_way_is_done(self) -> None:
        browser, typed, beaten = self.logins.pop(0)
        known = self.log_in(browser, typed)
        if beaten:
            self.is_over(known, "gate")

    @rule(number=BROWSERS)
    def somebody_clicks(self, number: int) -> None:
        self.clicks(number)

    @rule(number=BROWSERS, tabs=st.integers(1, 3))
    def clicks_and_the_response_is_slow(self, number: int, tabs: int) -> None:
        browser = self.signed_in(number)
        for _ in range(tabs):
            self.flights.append(self.answered(Flight(browser, browser.jar, self.clock)))

    @rule(number=BROWSERS, pause=st.sampled_from([601, 1801]), later=st.sampled_from([2, 11, 50]))
    def comes_back_and_the_response_is_slow(self, number: int, pause: int, later: int) -> None:
        """Other tabs go on with the old pair, while what has taken its place is under way."""
        browser = self.signed_in(number)
        self.time_goes_by(pause)
        slow = self.answered(Flight(browser, browser.jar, self.clock))
        self.time_goes_by(later)
        self.clicks(number)
        self.clicks(number)
        self.back(slow)
        self.clicks(number)
        self.time_goes_by(61)
        self.clicks(number)

    @rule(number=BROWSERS)
    def clicks_and_the_request_is_slow(self, number: int) -> None:
        browser = self.signed_in(number)
        self.flights.append(Flight(browser, browser.jar, self.clock))

    @precondition(lambda self: self.flights)
    @rule(data=st.data())
    def something_arrives(self, data: st.DataObject) -> None:
        flight = self.flights.pop(data.draw(st.integers(0, len(self.flights) - 1)))
        if flight.answer is None:
            self.answered(flight)
        self.back(flight)

    @precondition(lambda self: self.flights)
    @rule(data=st.data())
    def something_is_lost(self, data: st.DataObject) -> None:
        self.flights.pop(data.draw(st.integers(0, len(self.flights) - 1)))

    # Thieves

    @rule(number=BROWSERS)
    def somebody_copies_the_jar(self, number: int) -> None:
        browser = self.signed_in(number)
        thief = Browser(THIEF, browser.person, browser.jar)
        known = self.owner_of(browser.jar)
        assert known is not None
        known.stolen = True
        self.thieves.append(thief)

    @rule(
        number=BROWSERS,
        pause=st.sampled_from([601, 1801]),
        reading=st.sampled_from([0, 601]),
        later=st.sampled_from([2, 50, 61, 601]),
    )
    def somebody_copies_the_jar_and_the_owner_moves_on(
        self, number: int, pause: int, reading: int, later: int
    ) -> None:
        """With a long `reading`, the next change is due already when the owner shows the new pair."""
        self.somebody_copies_the_jar(number)
        self.time_goes_by(pause)
        self.clicks(number)
        self.time_goes_by(reading)
        self.clicks(number)
        self.time_goes_by(later)
        thief = self.thieves[-1]
        self.back(self.answered(Flight(thief, thief.jar, self.clock)))
        self.clicks(number)

    @precondition(lambda self: self.thieves)
    @rule(data=st.data(), keep=st.booleans(), touch=st.booleans())
    def a_thief_comes(self, data: st.DataObject, keep: bool, touch: bool) -> None:
        thief = data.draw(st.sampled_from(self.thieves))
        flight = self.answered(Flight(thief, thief.jar, self.clock), touch=touch)
        if keep:
            self.back(flight)

    @rule(
        one=BROWSERS,
        other=BROWSERS,
        which=st.sampled_from(["no token", "no id", "another's token", "made up"]),
    )
    def a_thief_tries_halves(self, one: int, other: int, which: str) -> None:
        mine, theirs = self.browsers[one].jar, self.browsers[other].jar
        pair = {
            "no token": Pair(mine.session_id, None),
            "no id": Pair(None, mine.refresh_token),
            "another's token": Pair(mine.session_id, theirs.refresh_token),
            "made up": Pair("z" * 43, mine.refresh_token),
        }[which]
        if self.owner_of(pair) is None:
            asked = len(self.provider.refreshes)
            outcome = self.core.resume(pair, THIEF)
            assert (outcome.session, outcome.issue) == (None, None)
            assert len(self.provider.refreshes) == asked

    # Admins, the provider, the worker, time

    @precondition(lambda self: self.ends < ENDS)
    @rule(
        number=BROWSERS,
        spared=BROWSERS,
        what=st.sampled_from(["logout", *SCOPES, "spared"]),
        marked=st.booleans(),
    )
    def somebody_ends_something(self, number: int, spared: int, what: str, marked: bool) -> None:
        self.ends += 1
        browser = self.browsers[number]
        known, keep = self.owner_of(browser.jar), self.owner_of(self.browsers[spared].jar)
        if what == "logout":
            flight = self.answered(Flight(browser, browser.jar, self.clock))
            if flight.answer and flight.answer.session:
                self.core.sessions.logout(flight.answer.session, browser.client)
                self.is_over(known, "logout")
                browser.jar = Pair()
        elif what == "session":
            if known is not None:
                self.core.sessions.revoke(Scope(sessions=(known.id,)), WHY, OWNER)
                self.is_over(known, "revoked")
        elif what == "user":
            self.gate(Scope(user_id=self.core.users[browser.person]), {browser.person}, marked=marked)
        else:
            scope = Scope(site="store") if what == "site" else Scope(everyone=True)
            self.gate(scope, set(PEOPLE), keep if what == "spared" else None, marked=marked)

    @rule(away=st.booleans())
    def the_provider_comes_and_goes(self, away: bool) -> None:
        self.provider.away = away

    @rule(number=BROWSERS)
    def the_provider_forgets_a_token(self, number: int) -> None:
        self.provider.live.pop(self.browsers[number].jar.refresh_token or "", None)

    @rule()
    def the_worker_works(self) -> None:
        jobs.run_once(self.core.sessions)

    @rule(seconds=st.sampled_from([2, 11, 25, 50, 61, 61, 300, 601, 601, 1801, 1801, 4000]))
    def nothing_happens_for(self, seconds: int) -> None:
        self.time_goes_by(seconds)

    @rule(number=BROWSERS)
    def a_session_gets_as_old_as_it_may(self, number: int) -> None:
        """And a second older, though its refresh token is still good."""
        browser = self.signed_in(number)
        known = self.owner_of(browser.jar)
        assert known is not None
        [row] = self.core.sql("SELECT absolute_end - now() AS rest FROM sessions WHERE id = :id", id=known.id)
        self.time_goes_by(max(0.0, row["rest"].total_seconds()) + 1)
        flight = self.answered(Flight(browser, browser.jar, self.clock))
        assert flight.answer is not None
        assert flight.answer.ended, "served beyond the absolute end"
        self.back(flight)

    # Invariants

    @invariant()
    def the_rows_are_right(self) -> None:
        self.rows_hold()

    def teardown(self) -> None:
        self.provider.away = False
        for known in self.sessions.values():
            if known.over:
                self.is_over(known, known.over)


@pytest.fixture
def provider() -> MoodyProvider:
    return MoodyProvider()


@pytest.fixture
def machine_core(core_of: Any) -> SessionCore:
    core: SessionCore = core_of("store", **{"sessions.absolute": str(ABSOLUTE)})
    return core


def test_any_history(machine_core, provider, clock):
    run_state_machine_as_test(
        lambda: Machine(machine_core, provider, clock),
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=50,
            deadline=None,
            database=None,
            derandomize=not LONGER,
            phases=[Phase.generate, Phase.shrink] if LONGER else [Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
