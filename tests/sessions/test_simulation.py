"""Hours of browsing against two-phase rotation: no honest session is lost, and a copied one is found soon.

The real code decides, on the real database; only the clock that the database goes by is the simulation's (`clocks.py`).
Clicks, delays and losses come from seeded dice, so that a run can be repeated. Each session is played on its own, from
its login to its end: sessions share nothing.

What it proves: with lost and slow responses (slow is up to 50 seconds, below the grace of 60) no owner is taken for a
thief, and of copied cookies that are polled every minute each fork is found, in the middle after less than 12 minutes.
What it does not: requests are played one after the other, so that races in the database are left to test_races.py; an
owner who never comes back shows no fork; and with few sessions a rare mistake could stay unseen.
SHOPFORUM_TEST_SESSIONS=2000 plays two thousand sessions of eight hours in each test, for a quarter of an hour each;
`-o log_cli=true -o log_cli_level=info` shows what came of it, and docs/sessions.md has it.
"""

import heapq
import logging
import os
import random
import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count

import pytest
from clocks import SimulatedClock
from session_fixtures import OWNER, THIEF, SessionCore

from shopforum.sessions.audit import Client
from shopforum.sessions.model import Pair

log = logging.getLogger(__name__)

SESSIONS = int(os.environ.get("SHOPFORUM_TEST_SESSIONS", "0"))
HOUR = 3600.0
LOSSES = [(0.01, 0.01), (0.05, 0.05)]


@dataclass
class Browser:
    """A cookie jar; `until` is when its holder stops, in seconds since the login."""

    jar: Pair
    client: Client
    until: float


class Life:
    """One session under a network that loses and delays: its agenda, and how it ended, if it did."""

    def __init__(
        self, core: SessionCore, clock: SimulatedClock, dice: random.Random, loss: tuple[float, float]
    ) -> None:
        self.core, self.clock, self.dice = core, clock, dice
        self.lost, self.slow = loss
        self.order = count()
        self.agenda: list[tuple[float, int, Callable[[], None]]] = []
        self.ended: str | None = None
        self.requests = self.successors = 0
        clock.seconds = 0.0

    def play(self) -> None:
        """Until nothing is left to happen, or the session has ended."""
        while self.agenda and self.ended is None:
            self.clock.seconds, _, act = heapq.heappop(self.agenda)
            act()

    def after(self, seconds: float, act: Callable[[], None]) -> None:
        heapq.heappush(self.agenda, (self.clock.seconds + seconds, next(self.order), act))

    def request(self, browser: Browser) -> None:
        """Sent with the jar of now; the cookie is there only when the response is, if ever."""
        self.requests += 1
        outcome = self.core.resume(browser.jar, browser.client)
        self.ended = outcome.ended
        if outcome.issue is None:
            return
        self.successors += 1
        fate = self.dice.random()
        if fate >= self.lost:
            slow = fate < self.lost + self.slow
            delay = self.dice.uniform(5, 50) if slow else self.dice.expovariate(1 / 0.08)
            self.after(delay, lambda: setattr(browser, "jar", outcome.issue))

    def owner(self, name: str, hours: float) -> Browser:
        """Clicks every other minute, in bursts of up to six requests; now and then goes for a coffee."""
        pair, _ = self.core.log_in(name)
        browser = Browser(pair, OWNER, hours * HOUR)

        def click() -> None:
            if self.clock.seconds > browser.until:
                return
            for _ in range(self.dice.choice([1, 1, 1, 2, 3, 6])):
                self.request(browser)
            away = self.dice.random() < 0.01
            self.after(2700 if away else self.dice.expovariate(1 / 120), click)

        self.after(self.dice.uniform(0, 600), click)
        return browser

    def thief(self, victim: Browser) -> float:
        """Copies both cookies within the first ten minutes, and polls every minute; returns when it happened."""
        stolen_at = self.dice.uniform(1, 600)

        def copy() -> None:
            mine = Browser(victim.jar, THIEF, victim.until)

            def poll() -> None:
                if self.clock.seconds <= mine.until:
                    self.request(mine)
                    self.after(60, poll)

            poll()

        self.after(stolen_at, copy)
        return stolen_at


@pytest.fixture
def clock(core: SessionCore, database_url: str) -> Iterator[SimulatedClock]:
    with SimulatedClock(database_url, core.sessions.db.engine) as clock:
        yield clock


@pytest.mark.parametrize(("lost", "slow"), LOSSES)
def test_no_honest_session_is_lost(core, clock, lost, slow):
    dice, requests, successors = random.Random(1), 0, 0
    number, hours = (SESSIONS, 8) if SESSIONS else (8, 8)
    for one in range(number):
        life = Life(core, clock, dice, (lost, slow))
        life.owner(f"user{one}", hours)
        life.play()
        assert life.ended is None, (one, clock.seconds)
        requests, successors = requests + life.requests, successors + life.successors
    assert successors > number * hours * 3
    log.info(
        "%d sessions of %d h: %d requests, %d successors, none lost", number, hours, requests, successors
    )


def test_every_fork_is_found_soon(core, clock):
    dice, minutes = random.Random(2), []
    number = SESSIONS or 40
    for one in range(number):
        life = Life(core, clock, dice, LOSSES[0])
        stolen_at = life.thief(life.owner(f"user{one}", 8))
        life.play()
        assert life.ended == "replayed", one
        minutes.append((clock.seconds - stolen_at) / 60)
    assert statistics.median(minutes) < 12
    log.info(
        "%d forks: %.1f minutes in the middle, %.1f at most", number, statistics.median(minutes), max(minutes)
    )
