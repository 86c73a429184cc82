"""The invariants of a history of browsers, thieves and admins; test_machine.py checks them after every act.

A `History` knows every pair that was ever handed out, whose it is, and why its session is over, where it is; so it can
say of each answer whether it is the one that the rules promise. A response that is longer under way than the grace
counts as lost, which is the promise that the rules are built on.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from typing import Any
from uuid import UUID

from clocks import SimulatedClock
from session_fixtures import OWNER, THIEF, Provider, SessionCore

from shopforum.sessions import AuthorityUnavailable, Reason, Refreshed, RefreshRefused, Scope, revocation
from shopforum.sessions.audit import Client
from shopforum.sessions.live import STATE
from shopforum.sessions.model import Outcome, Pair
from shopforum.sessions.rotation import Step, after_take_over, next_step
from shopforum.sessions.vocabulary import TRANSITIONS, State

GRACE = 60
# Seconds from the click to the arrival of the slowest response that is not lost.
SLOWEST = 55
ABSOLUTE = 9000.0
WHY = Reason("admin", "carol", "suspected_theft")
PEOPLE = ("ann", "bob")

# True where a session's row and pairs fit together: the head is the one pair that was shown and not replaced, its parent is
# the row's, and `unshown` counts what was handed out for it.
_IS_TREE = """(SELECT array_agg((c.number, c.parent)) FROM session_credentials c
    WHERE c.session_id = s.id AND c.seen_at IS NOT NULL AND c.replaced_at IS NULL) IS NOT DISTINCT FROM
    ARRAY[(s.head, s.head_parent)]
  AND s.unshown = (SELECT count(*) FROM session_credentials c WHERE c.session_id = s.id AND c.parent = s.head)
  AND s.issued = (SELECT max(c.number) FROM session_credentials c WHERE c.session_id = s.id)"""
_ROWS = f"""SELECT s.id, {STATE} AS state, s.authenticated_at, s.absolute_end, {_IS_TREE} AS is_tree
  FROM sessions s"""


class MoodyProvider(Provider):
    """A provider whose grace for one-time tokens runs by the machine's clock, and which remembers its refusals."""

    # Seconds of its grace.
    lasts = float(GRACE)

    def __init__(self) -> None:
        super().__init__()
        self.clock = 0.0
        self.exchanged_at: dict[str, float] = {}
        self.refused = 0

    def refresh(
        self, refresh_token: str, user_id: UUID | None = None, client: Client | None = None
    ) -> Refreshed:
        old = [token for token, at in self.exchanged_at.items() if self.clock - at >= self.lasts]
        for token in old:
            self.exchanged.pop(token, None)
        try:
            answer = super().refresh(refresh_token, user_id)
        except RefreshRefused:
            self.refused += 1
            raise
        if answer.refresh_token != refresh_token:
            self.exchanged_at.setdefault(refresh_token, self.clock)
        return answer


@cache
def reachable(before: State | None) -> set[State | None]:
    """The states that may follow a state within one step of the machine, which may be several acts."""
    found: set[State | None] = {before}
    while more := {after for (start, after) in TRANSITIONS if start in found} - found:
        found |= more
    return found


@dataclass
class Known:
    """The machine's knowledge of a session."""

    id: UUID
    person: str
    authenticated_at: Any
    stolen: bool = False
    # Why it is over for good, as far as a request can know.
    over: str | None = None
    # As the lists would have called it after the last step.
    state: State | None = None
    # Every pair that was ever handed out, with its number.
    pairs: dict[Pair, int] = field(default_factory=dict)


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


class History:
    """Three browsers of two people at one site, what is under way, and what is known of every session."""

    def __init__(self, core: SessionCore, provider: MoodyProvider, clock: SimulatedClock) -> None:
        self.core, self.provider, self.database_clock = core, provider, clock
        self.timing = core.sessions.config.timing
        provider.__init__()  # type: ignore[misc]
        for table in ("sessions", "revocation_gates", "revocations"):
            core.sql(f"DELETE FROM {table}")
        self.clock = clock.seconds = 0.0
        self.browsers = [Browser(OWNER, PEOPLE[number % 2]) for number in range(3)]
        self.sessions: dict[UUID, Known] = {}
        self.flights: list[Flight] = []
        self.logins: list[tuple[Browser, Any, bool]] = []
        self.thieves: list[Browser] = []

    def time_goes_by(self, seconds: float) -> None:
        """For the database, the provider and whatever is under way."""
        self.clock += seconds
        self.provider.clock = self.database_clock.seconds = self.clock
        self.flights = [flight for flight in self.flights if self.clock - flight.sent <= SLOWEST]

    def clicks(self, number: int) -> None:
        """A request whose response is quick."""
        browser = self.signed_in(number)
        self.back(self.answered(Flight(browser, browser.jar, self.clock)))

    def rows_hold(self) -> None:
        """No session takes a way that `TRANSITIONS`, and so the drawing in the documents, does not have. Nothing ever moves the
        password's time or the absolute end. A row agrees with its pairs.
        """
        for row in self.core.sql(_ROWS):
            known, state = self.sessions[row["id"]], State(row["state"])
            assert state in reachable(known.state), (known, state)
            known.state = state
            assert row["authenticated_at"] == known.authenticated_at
            assert row["absolute_end"] - row["authenticated_at"] == timedelta(seconds=ABSOLUTE)
            assert row["is_tree"], known

    def answered(self, flight: Flight, *, touch: bool = True) -> Flight:
        """The server answers; everything that the rules promise of an answer is checked here."""
        known = self.owner_of(flight.pair)
        facts = self.core.facts(flight.pair, flight.browser.client)
        asked, refused = len(self.provider.refreshes), self.provider.refused
        try:
            outcome = self.core.resume(flight.pair, flight.browser.client, touch=touch)
        except AuthorityUnavailable:
            assert self.provider.away or not touch
            assert known is not None
            assert known.over is None
            assert facts is not None
            assert not facts.active
            return flight
        flight.answer = outcome
        calls = len(self.provider.refreshes) - asked
        assert calls <= 1
        if known is None or known.over or facts is None:
            assert (outcome.session, outcome.issue, calls) == (None, None, 0), known
            return flight
        assert not (calls and facts.active) or self.provider.one_time
        step = next_step(facts, self.timing, quiet=not touch)
        if step is Step.TAKE_OVER:
            facts = after_take_over(facts, self.timing)
            step = next_step(facts, self.timing, quiet=not touch)
            [after] = self.row(known)
            assert after["head"] == facts.n, "a pair that was shown holds"
        if step is Step.END:
            assert known.stolen, "an honest browser was taken for a thief"
            assert (outcome.session, outcome.issue, outcome.ended) == (None, None, "replayed")
            self.is_over(known, "replayed")
        elif step is Step.QUARANTINE:
            starved = facts.unshown == self.timing.cap and facts.n == facts.head
            assert known.stolen or starved, "an honest browser was asked for the password"
            assert (outcome.session, outcome.issue, outcome.ended) == (None, None, "quarantined")
            self.is_over(known, "quarantined")
        elif outcome.session is None:
            assert step is Step.REFRESH
            assert self.provider.refused > refused, outcome
            self.is_over(known, "refused")
        else:
            assert outcome.session.id == known.id
            assert outcome.session.user_name == known.person.title()
            handed = step in (Step.HAND_OUT, Step.REFRESH)
            assert handed or outcome.issue is None, "a cookie that was not due"
            self.note_issue(known, outcome)
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
        since = typed or self.core.sessions.login_start()
        pair, outcome = self.core.log_in(
            browser.person, browser.client, since=since, replaced=held.id if held else None
        )
        known = Known(outcome.session.id, browser.person, since.at, pairs={pair: 1})
        self.sessions[known.id] = known
        if held:
            self.is_over(self.sessions[held.id], "superseded")
        browser.jar = pair
        return known

    def gate(
        self, scope: Scope, people: set[str], spared: Known | None = None, *, marked: bool = True
    ) -> None:
        """A gate closes. Where it is not `marked`, the rows behind it look alive for now: a process that died, or
        more of them than one step marks.
        """
        alive = spared is not None and spared.over is None
        except_session = spared.id if spared is not None and alive else None
        if marked:
            self.core.sessions.revoke(scope, WHY, OWNER, except_session=except_session)
        else:
            with self.core.sessions.db.transaction() as connection:
                revocation.revoke(
                    connection, scope, WHY, OWNER, sites=("store", "forums"), except_session=except_session
                )
        self.logins = [(b, typed, beaten or b.person in people) for b, typed, beaten in self.logins]
        for known in list(self.sessions.values()):
            # Those that were over before are asked again at the end of the history.
            if known.person in people and not known.over and not (alive and known is spared):
                self.is_over(known, "gate")

    def is_over(self, known: Known, why: str) -> None:
        """From here on no pair that was ever handed out is good, and the provider is not asked."""
        known.over = known.over or why
        asked = len(self.provider.refreshes)
        for pair in known.pairs:
            outcome = self.core.resume(pair, THIEF)
            assert (outcome.session, outcome.issue) == (None, None), (why, known)
        assert len(self.provider.refreshes) == asked

    def note_issue(self, known: Known, outcome: Outcome) -> None:
        if outcome.issue is not None:
            assert outcome.issue not in known.pairs
            [row] = self.row(known)
            known.pairs[outcome.issue] = row["issued"]

    def owner_of(self, pair: Pair) -> Known | None:
        return next((known for known in self.sessions.values() if pair in known.pairs), None)

    def row(self, known: Known | None) -> list[Any]:
        return self.core.sql("SELECT * FROM sessions WHERE id = :id", id=known.id if known else None)
