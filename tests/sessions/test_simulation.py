"""Hours of browsing against two-phase rotation: no honest session is lost, and a copied one is found soon.

The real code decides, on the real database, whose instants move back as the simulated time goes by; clicks, delays
and losses are the simulation's. What it proves: with lost and slow responses (slow is up to 50 seconds, below the
grace of 60) no owner is taken for a thief, and of copied cookies that are polled every minute each fork is found, in
the middle after less than 12 minutes. What it does not: requests are played one after the other, so that races in the
database are left to test_races.py; an owner who never comes back shows no fork; and with few sessions a rare mistake
could stay unseen. SHOPFORUM_EXAMPLES=2000 plays two thousand sessions.
"""

import heapq
import os
import random
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from uuid import UUID

import pytest
from hearts import OWNER, THIEF, Heart

from shopforum.sessions.audit import Client
from shopforum.sessions.model import Pair

EXAMPLES = int(os.environ.get("SHOPFORUM_EXAMPLES", "40"))
HOUR = 3600.0
# The instants that the rules of rotation read; the others would only cost time.
MOVE = ", ".join(
    f"{name} = {name} - :seconds * interval '1 second'"
    for name in ("idle_end", "last_seen_at", "issued_at", "promoted_at", "lease_until")
)


@dataclass
class Browser:
    jar: Pair
    client: Client
    session_id: UUID
    until: float


class World:
    """A clock, a network that loses and delays, and what became of the sessions."""

    def __init__(self, heart: Heart, seed: int, lost: float, slow: float) -> None:
        self.heart, self.dice = heart, random.Random(seed)
        self.lost, self.slow = lost, slow
        self.clock = self.moved = 0.0
        self.order = count()
        self.agenda: list[tuple[float, int, Callable[[], None]]] = []
        self.ended: dict[UUID, tuple[float, str]] = {}
        self.requests = self.rotations = 0

    def after(self, seconds: float, act: Callable[[], None]) -> None:
        heapq.heappush(self.agenda, (self.clock + seconds, next(self.order), act))

    def run(self) -> None:
        while self.agenda:
            self.clock, _, act = heapq.heappop(self.agenda)
            act()

    def request(self, browser: Browser) -> None:
        """Sent with the jar of now; the cookie is there only when the response is, if ever."""
        if self.clock - self.moved > 0.2:
            self.heart.sql(
                f"UPDATE sessions SET {MOVE} WHERE ended_at IS NULL", seconds=self.clock - self.moved
            )
            self.moved = self.clock
        self.requests += 1
        outcome = self.heart.resume(browser.jar, browser.client)
        if outcome.ended:
            self.ended.setdefault(browser.session_id, (self.clock, outcome.ended))
        if outcome.issue is None:
            return
        self.rotations += 1
        fate = self.dice.random()
        if fate >= self.lost:
            slow = fate < self.lost + self.slow
            delay = self.dice.uniform(5, 50) if slow else self.dice.expovariate(1 / 0.08)
            self.after(delay, lambda: setattr(browser, "jar", outcome.issue))

    def owner(self, number: int, hours: float) -> Browser:
        """Clicks every other minute, in bursts of up to six requests; now and then goes for a coffee."""
        pair, outcome = self.heart.log_in(f"user{number}")
        browser = Browser(pair, OWNER, outcome.session.id, self.clock + hours * HOUR)

        def click() -> None:
            if self.clock > browser.until or browser.session_id in self.ended:
                return
            for _ in range(self.dice.choice([1, 1, 1, 2, 3, 6])):
                self.request(browser)
            away = self.dice.random() < 0.01
            self.after(2700 if away else self.dice.expovariate(1 / 120), click)

        self.after(self.dice.uniform(0, 600), click)
        return browser

    def thief(self, victim: Browser) -> float:
        """Copies both cookies within the first ten minutes, and polls every minute; returns when."""
        stolen_at = self.dice.uniform(1, 600)

        def copy() -> None:
            mine = Browser(victim.jar, THIEF, victim.session_id, victim.until)

            def poll() -> None:
                if self.clock <= mine.until and mine.session_id not in self.ended:
                    self.request(mine)
                    self.after(60, poll)

            poll()

        self.after(stolen_at, copy)
        return self.clock + stolen_at


@pytest.mark.parametrize(("lost", "slow"), [(0.01, 0.01), (0.05, 0.05)])
def test_no_honest_session_is_lost(heart, lost, slow):
    world = World(heart, seed=1, lost=lost, slow=slow)
    for number in range(EXAMPLES):
        # Two thousand whole days of eight hours where asked; else a busy half hour each.
        world.owner(number, hours=8 if EXAMPLES > 40 else 0.6)
    world.run()
    assert world.ended == {}
    assert world.rotations > EXAMPLES


def test_every_fork_is_found_soon(heart):
    world = World(heart, seed=2, lost=0.01, slow=0.01)
    stolen = {}
    for number in range(EXAMPLES):
        victim = world.owner(number, hours=8)
        stolen[victim.session_id] = world.thief(victim)
    world.run()
    assert {why for _, why in world.ended.values()} == {"replayed"}
    minutes = [(world.ended[i][0] - at) / 60 for i, at in stolen.items() if i in world.ended]
    assert len(minutes) == EXAMPLES
    assert statistics.median(minutes) < 12
