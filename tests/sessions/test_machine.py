"""The rules of the heart under any history: browsers, thieves, admins, clocks, a provider with moods.

Hypothesis invents the histories; what is played is the real code on the real database. Time goes by in the database:
all instants move back together. A response that is longer under way than the grace counts as lost, which is the
promise that the rules are built on. SHOPFORUM_EXAMPLES=2000 looks longer.
"""

import os
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hearts import OWNER, THIEF, Heart, Provider
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from shopforum.sessions import AuthorityUnavailable, Reason, Refreshed, RefreshRefused, Scope, worker
from shopforum.sessions.audit import Client
from shopforum.sessions.model import Outcome, Pair

EXAMPLES = int(os.environ.get("SHOPFORUM_EXAMPLES", "40"))
GRACE = 60
# Seconds from the click to the arrival of the slowest response that is not lost.
SLOWEST = 55
ABSOLUTE = 9000.0
WHY = Reason("admin", "carol", "suspected_theft")
PEOPLE = ("ann", "bob")
# Three browsers of two people.
BROWSERS = st.integers(0, 2)
# Acts that end sessions are rare, or little else would be seen.
ENDS = 3
SCOPES = ("session", "user", "site", "everyone")


class MoodyProvider(Provider):
    """A provider whose grace for one-time tokens runs by the machine's clock, and which remembers its refusals."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = 0.0
        self.exchanged_at: dict[str, float] = {}
        self.refused = 0

    def refresh(self, refresh_token: str) -> Refreshed:
        old = [token for token, at in self.exchanged_at.items() if self.clock - at >= GRACE]
        for token in old:
            self.exchanged.pop(token, None)
        try:
            answer = super().refresh(refresh_token)
        except RefreshRefused:
            self.refused += 1
            raise
        if answer.refresh_token != refresh_token:
            self.exchanged_at.setdefault(refresh_token, self.clock)
        return answer


@dataclass
class Known:
    """What the machine knows of a session."""

    id: UUID
    person: str
    authenticated_at: Any
    stolen: bool = False
    # Why it is over for good, as far as a request can know.
    over: str | None = None
    # Every pair that was ever handed out, with its generation, and those that a refresh has brought.
    pairs: dict[Pair, int] = field(default_factory=dict)
    refreshed: set[Pair] = field(default_factory=set)


@dataclass
class Browser:
    """A cookie jar, an honest one's or a thief's copy."""

    client: Client
    person: str
    jar: Pair = field(default_factory=Pair)


@dataclass
class Flight:
    """A request under way: sent with the jar of its time, not answered yet, or answered and not yet back."""

    browser: Browser
    pair: Pair
    sent: float
    answer: Outcome | None = None


class Machine(RuleBasedStateMachine):
    def __init__(self, heart: Heart, provider: MoodyProvider) -> None:
        super().__init__()
        self.heart, self.provider = heart, provider
        provider.__init__()  # type: ignore[misc]
        for table in ("sessions", "revocation_gates", "revocations"):
            heart.sql(f"DELETE FROM {table}")
        self.clock = 0.0
        self.ends = 0
        self.browsers = [Browser(OWNER, PEOPLE[number % 2]) for number in range(3)]
        self.sessions: dict[UUID, Known] = {}
        self.flights: list[Flight] = []
        self.logins: list[tuple[Browser, Any, bool]] = []
        self.thieves: list[Browser] = []

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
        self.logins.append((self.browsers[number], self.heart.sessions.now(), False))

    @precondition(lambda self: self.logins)
    @rule()
    def a_login_under_way_is_done(self) -> None:
        browser, typed, beaten = self.logins.pop(0)
        known = self.log_in(browser, typed)
        if beaten:
            self.is_over(known, "gate")

    @rule(number=BROWSERS)
    def clicks(self, number: int) -> None:
        browser = self.signed_in(number)
        self.back(self.answered(Flight(browser, browser.jar, self.clock)))

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

    @rule(number=BROWSERS, pause=st.sampled_from([601, 1801]), later=st.sampled_from([2, 50, 61, 601]))
    def somebody_copies_the_jar_and_the_owner_moves_on(self, number: int, pause: int, later: int) -> None:
        self.somebody_copies_the_jar(number)
        self.time_goes_by(pause)
        self.clicks(number)
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
            outcome = self.heart.resume(pair, THIEF)
            assert (outcome.session, outcome.issue) == (None, None)
            assert len(self.provider.refreshes) == asked

    # Admins, the provider, the worker, time

    @precondition(lambda self: self.ends < ENDS)
    @rule(number=BROWSERS, spared=BROWSERS, what=st.sampled_from(["logout", *SCOPES, "spared"]))
    def somebody_ends_something(self, number: int, spared: int, what: str) -> None:
        self.ends += 1
        browser = self.browsers[number]
        known, keep = self.owner_of(browser.jar), self.owner_of(self.browsers[spared].jar)
        if what == "logout":
            flight = self.answered(Flight(browser, browser.jar, self.clock))
            if flight.answer and flight.answer.session:
                self.heart.sessions.logout(flight.answer.session, browser.client)
                self.is_over(known, "logout")
                browser.jar = Pair()
        elif what == "session":
            if known is not None:
                self.heart.sessions.revoke(Scope(sessions=(known.id,)), WHY, OWNER)
                self.is_over(known, "revoked")
        elif what == "user":
            self.gate(Scope(user_id=self.heart.users[browser.person]), {browser.person})
        else:
            scope = Scope(site="store") if what == "site" else Scope(everyone=True)
            self.gate(scope, set(PEOPLE), keep if what == "spared" else None)

    @rule(away=st.booleans())
    def the_provider_comes_and_goes(self, away: bool) -> None:
        self.provider.away = away

    @rule(number=BROWSERS)
    def the_provider_forgets_a_token(self, number: int) -> None:
        self.provider.live.pop(self.browsers[number].jar.refresh_token or "", None)

    @rule()
    def the_worker_works(self) -> None:
        worker.run_once(self.heart.sessions)

    @rule(seconds=st.sampled_from([2, 11, 25, 50, 61, 61, 300, 601, 601, 1801, 1801, 4000]))
    def time_goes_by(self, seconds: int) -> None:
        self.clock += seconds
        self.provider.clock = self.clock
        self.heart.pass_time(seconds)
        self.logins = [(b, typed - timedelta(seconds=seconds), beaten) for b, typed, beaten in self.logins]
        for known in self.sessions.values():
            known.authenticated_at -= timedelta(seconds=seconds)
        self.flights = [flight for flight in self.flights if self.clock - flight.sent <= SLOWEST]

    # What must hold

    @invariant()
    def the_password_s_time_and_the_absolute_end_never_move(self) -> None:
        for row in self.heart.sql("SELECT id, authenticated_at, absolute_end FROM sessions"):
            assert row["authenticated_at"] == self.sessions[row["id"]].authenticated_at
            assert row["absolute_end"] - row["authenticated_at"] == timedelta(seconds=ABSOLUTE)

    def answered(self, flight: Flight, *, touch: bool = True) -> Flight:
        """The server answers; everything that the rules promise of an answer is checked here."""
        known = self.owner_of(flight.pair)
        [row] = self.row(known) or [None]
        asked, refused = len(self.provider.refreshes), self.provider.refused
        try:
            outcome = self.heart.resume(flight.pair, flight.browser.client, touch=touch)
        except AuthorityUnavailable:
            assert self.provider.away or not touch
            assert known is not None
            assert known.over is None
            assert row["in_time"]
            assert not row["active"]
            return flight
        flight.answer = outcome
        calls = len(self.provider.refreshes) - asked
        assert calls <= 1
        if known is None or known.over or not row["in_time"]:
            assert (outcome.session, outcome.issue, calls) == (None, None, 0), known
            return flight
        assert not (calls and row["active"]) or self.provider.one_time
        generation = known.pairs[flight.pair]
        straggles = row["floor"] < generation <= row["previous"] and row["in_grace"]
        # A refresh whose answer was slow was repeated: the first answer is as good, in the same browser.
        beside = row["previous"] < generation and flight.pair in known.refreshed
        sibling = beside and flight.browser.client.agent == row["last_agent"]
        if generation < row["generation"] and not (straggles or sibling):
            assert known.stolen, "an honest browser was taken for a thief"
            assert (outcome.session, outcome.issue, outcome.ended) == (None, None, "replayed")
            self.is_over(known, "replayed")
        elif outcome.session is None:
            assert self.provider.refused > refused, outcome
            assert not row["active"]
            self.is_over(known, "refused")
        else:
            assert outcome.session.id == known.id
            assert outcome.session.user_name == known.person.title()
            assert not (straggles and outcome.issue), "a straggler got a cookie"
            self.note_issue(known, outcome, refreshed=calls > 0)
            [after] = self.row(known)
            assert after["generation"] == max(generation, row["generation"]), "what was shown is the newest"
        return flight

    def back(self, flight: Flight) -> None:
        """The response reaches the browser: only now does the jar change."""
        answer = flight.answer
        if answer is not None and answer.issue is not None:
            flight.browser.jar = answer.issue
        elif answer is not None and answer.ended:
            flight.browser.jar = Pair()

    def signed_in(self, number: int) -> Browser:
        """The browser; whoever finds himself signed out logs in."""
        browser = self.browsers[number]
        known = self.owner_of(browser.jar)
        if known is None or known.over:
            self.log_in(browser)
        return browser

    def log_in(self, browser: Browser, typed: Any = None) -> Known:
        flight = self.answered(Flight(browser, browser.jar, self.clock))
        held = flight.answer.session if flight.answer else None
        since = typed or self.heart.sessions.now()
        pair, outcome = self.heart.log_in(
            browser.person, browser.client, since=since, replaced=held.id if held else None
        )
        known = Known(outcome.session.id, browser.person, since, pairs={pair: 1})
        self.sessions[known.id] = known
        if held:
            self.is_over(self.sessions[held.id], "superseded")
        browser.jar = pair
        return known

    def gate(self, scope: Scope, people: set[str], spared: Known | None = None) -> None:
        alive = spared is not None and spared.over is None
        self.heart.sessions.revoke(scope, WHY, OWNER, spare=spared.id if alive else None)
        self.logins = [(b, typed, beaten or b.person in people) for b, typed, beaten in self.logins]
        for known in list(self.sessions.values()):
            if known.person in people and not (alive and known is spared):
                self.is_over(known, "gate")

    def is_over(self, known: Known, why: str) -> None:
        """From here on no pair that was ever handed out is good, and the provider is not asked."""
        known.over = known.over or why
        asked = len(self.provider.refreshes)
        for pair in known.pairs:
            outcome = self.heart.resume(pair, THIEF)
            assert (outcome.session, outcome.issue) == (None, None), (why, known)
        assert len(self.provider.refreshes) == asked

    def note_issue(self, known: Known, outcome: Outcome, *, refreshed: bool) -> None:
        if outcome.issue is not None:
            assert outcome.issue not in known.pairs
            [row] = self.row(known)
            known.pairs[outcome.issue] = row["issued"]
            known.refreshed |= {outcome.issue} if refreshed else set()

    def owner_of(self, pair: Pair) -> Known | None:
        return next((known for known in self.sessions.values() if pair in known.pairs), None)

    def row(self, known: Known | None) -> list[Any]:
        return self.heart.sql(
            "SELECT generation, previous, floor, issued, last_agent, idle_end > now() AS active, absolute_end > now() AS in_time, "
            "promoted_at > now() - :grace * interval '1 second' AS in_grace FROM sessions WHERE id = :id",
            id=known.id if known else None,
            grace=GRACE,
        )

    def teardown(self) -> None:
        self.provider.away = False
        for known in self.sessions.values():
            if known.over:
                self.is_over(known, known.over)


@pytest.fixture
def provider() -> MoodyProvider:
    return MoodyProvider()


def test_any_history(heart_of, provider):
    heart = heart_of("store", **{"sessions.absolute": str(ABSOLUTE)})
    run_state_machine_as_test(
        lambda: Machine(heart, provider),
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=50,
            deadline=None,
            database=None,
            derandomize="SHOPFORUM_EXAMPLES" not in os.environ,
            suppress_health_check=list(HealthCheck),
        ),
    )
