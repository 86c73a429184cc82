"""The lives that test_simulation.py plays: an owner's hours under a bad network, and the thieves who have copied the cookies.

A life goes by the session core on the database or by the one in memory (`memory_core.py`), which are called alike.
"""

import heapq
import random
from collections.abc import Callable
from itertools import count
from typing import Any

from memory_core import MemoryCore
from session_fixtures import OWNER, THIEF, SessionCore

from shopforum.sessions.model import Outcome, Pair, SessionBusy
from shopforum.sessions.rotation import Step, next_step

HOUR, DAY = 3600.0, 86400.0


class Life:
    """One session under a network that loses and delays: its agenda, and how it ended, if it did."""

    def __init__(
        self, core: SessionCore | MemoryCore, clock: Any, dice: random.Random, loss: float, hours: float
    ) -> None:
        self.core, self.clock, self.dice, self.loss = core, clock, dice, loss
        self.until = hours * HOUR
        self.order = count()
        self.agenda: list[tuple[float, int, Callable[[], None]]] = []
        self.ended: str | None = None
        self.requests = self.successors = 0
        clock.seconds = 0.0
        self.jar, _ = core.log_in(f"user{dice.random()}")
        self.disk = self.jar
        # Seconds in which the owner is active: the gaps between requests, each of two minutes at most.
        self.active, self.last = 0.0, 0.0
        self.on_click: Callable[[], None] = lambda: None

    def play(self) -> None:
        """Until nothing is left to happen, or the session has ended."""
        while self.agenda and self.ended is None:
            self.clock.seconds, _, act = heapq.heappop(self.agenda)
            self.core.provider.clock = self.clock.seconds
            if self.clock.seconds <= self.until:
                act()

    def after(self, seconds: float, act: Callable[[], None]) -> None:
        heapq.heappush(self.agenda, (self.clock.seconds + seconds, next(self.order), act))

    def resume(self, pair: Pair, *, thief: bool = False, quiet: bool = False) -> Outcome:
        self.requests += 1
        try:
            outcome = self.core.resume(pair, THIEF if thief else OWNER, touch=not quiet)
        except SessionBusy:
            # 503, and the cookies stay: a prefetch refreshes nothing.
            return Outcome()
        self.ended = outcome.ended
        self.successors += outcome.issue is not None
        return outcome

    def click(self) -> None:
        """Up to six requests at once, and a prefetch now and then. A cookie is there when the response is, if ever."""
        self.active += min(self.clock.seconds - self.last, 120)
        self.last = self.clock.seconds
        prefetch = [True] * (self.dice.random() < 0.05)
        for quiet in [False] * self.dice.choice([1, 1, 1, 2, 3, 6]) + prefetch:
            outcome = self.resume(self.jar, quiet=quiet)
            if self.ended:
                return
            if outcome.issue is not None and self.dice.random() >= self.loss * 1.5:
                slow = self.dice.random() < self.loss
                delay = self.dice.uniform(5, 120) if slow else self.dice.expovariate(1 / 0.08)
                self.after(delay, lambda pair=outcome.issue: self.store(pair))
        self.on_click()

    def store(self, pair: Pair) -> None:
        self.jar = pair
        self.after(30, lambda: setattr(self, "disk", self.jar))

    def crash(self) -> None:
        """The browser dies: what was under way is lost, and the cookie file is up to half a minute old."""
        self.agenda = [entry for entry in self.agenda if entry[2] in (self.steady, self.crash)]
        heapq.heapify(self.agenda)
        self.jar = self.disk

    def steady(self) -> None:
        """Clicks every other minute; now and then goes for a coffee."""
        self.click()
        self.after(2700 if self.dice.random() < 0.01 else self.dice.expovariate(1 / 120), self.steady)

    def bursty(self) -> None:
        """Clicks fast, then reads for long."""
        pauses = [self.dice.uniform(3, 25) for _ in range(self.dice.randint(3, 15))]
        for number in range(len(pauses)):
            self.after(sum(pauses[:number]), self.click)
        self.after(sum(pauses) + self.dice.uniform(600, 3000), self.bursty)

    def away(self) -> None:
        """A few clicks, then hours of nothing: each return is a refresh."""
        for number in range(self.dice.randint(4, 12)):
            self.after(number * self.dice.expovariate(1 / 60), self.click)
        self.after(self.dice.uniform(2 * HOUR, 5 * HOUR), self.away)

    def daily(self) -> None:
        self.click()
        self.after(self.dice.uniform(0.7 * DAY, 1.3 * DAY), self.daily)


class Thief:
    """Copies both cookies, and knows what no thief can: the row of the session. No loss, no delay."""

    def __init__(self, life: Life, when: float) -> None:
        self.life = life
        self.served_until = 0.0
        self.known: list[Pair] = []
        life.after(when, self.begin)

    def begin(self) -> None:
        self.began, self.stolen = self.life.active, self.life.jar
        self.jar = self.stolen
        self.known.append(self.jar)
        self.plan()

    def plan(self) -> None:
        raise NotImplementedError

    def ask(self, pair: Pair, *, quiet: bool = False, adopt: bool = False) -> Pair | None:
        if self.life.ended:
            return None
        outcome = self.life.resume(pair, thief=True, quiet=quiet)
        if outcome.session is not None:
            self.served_until = self.life.active - self.began
        if outcome.issue is not None:
            self.known.append(outcome.issue)
            self.jar = outcome.issue if adopt else self.jar
        return outcome.issue

    def after(self, seconds: float, act: Callable[[], None]) -> None:
        self.life.after(seconds, act)

    def good(self) -> list[Pair]:
        """His pairs that would be served."""
        self.known = [pair for pair in self.known if self.is_good(pair)]
        return self.known

    def is_good(self, pair: Pair) -> bool:
        facts = self.life.core.facts(pair, THIEF)
        step = facts and next_step(facts, self.life.core.sessions.config.timing)
        return step not in (None, Step.END, Step.QUARANTINE)

    def due_in(self) -> float:
        facts = self.life.core.facts(self.stolen)
        return max(0.0, facts.due_in if facts else 0.0)

    def unshown(self) -> int:
        facts = self.life.core.facts(self.stolen)
        return facts.unshown if facts else 0


class Poller(Thief):
    """A browser of his own, once a minute."""

    every, adopt, quiet = 60.0, True, False

    def plan(self) -> None:
        self.ask(self.jar, adopt=self.adopt, quiet=self.quiet)
        self.after(self.every, self.plan)


class Hourly(Poller):
    every = 3600.0


class FixedCookies(Poller):
    """`curl` in a shell loop."""

    adopt = False


class PrefetchOnly(Poller):
    adopt, quiet = False, True


class Silent(Thief):
    """At any time, and shows nothing of what he gets."""

    def plan(self) -> None:
        self.ask(self.stolen)
        self.after(self.life.dice.expovariate(1 / 300), self.plan)


class FirstAndSilent(Thief):
    """Asks in the instant in which a successor is due, and never shows one."""

    leave = 0

    def plan(self) -> None:
        if self.is_good(self.stolen):
            most = self.life.core.sessions.config.most_unshown - self.leave
            if not self.leave or self.unshown() < most:
                self.ask(self.stolen)
            self.after(max(self.due_in(), 15.0 if self.leave else 0.5) + 0.01, self.plan)


class AllButOne(FirstAndSilent):
    """Takes every successor that may be handed out but the last, so that the session is not quarantined."""

    leave = 1


class FirstAndShows(Thief):
    def plan(self) -> None:
        if self.is_good(self.jar):
            if self.ask(self.jar, adopt=True):
                self.ask(self.jar)
            self.after(min(60.0, max(self.due_in(), 0.5)), self.plan)


class RightAfterTheOwner(Thief):
    """Within a minute after each click, under the cover of the grace."""

    def plan(self) -> None:
        self.life.on_click = lambda: self.after(self.life.dice.uniform(1, 55), self.use)

    def use(self) -> None:
        if good := self.good():
            self.ask(good[-1])


class ManyAtOnce(Thief):
    shows = True

    def plan(self) -> None:
        got = [pair for pair in [self.ask(self.jar) for _ in range(10)] if pair]
        if got and self.shows:
            self.jar = self.life.dice.choice(got)
        self.after(max(1.0, min(300.0, self.due_in())), self.plan)


class ManyAtOnceSilent(ManyAtOnce):
    shows = False


class Alternates(Thief):
    """Any of his pairs that is good; he knows which are."""

    def plan(self) -> None:
        if good := self.good():
            self.ask(self.life.dice.choice(good))
            self.after(self.life.dice.expovariate(1 / 90), self.plan)


class TicketForLater(Thief):
    """Takes a successor, and comes back with it while the owner is away."""

    mine: Pair | None = None

    def plan(self) -> None:
        if self.mine is None:
            self.mine = self.ask(self.stolen) if self.is_good(self.stolen) else None
        elif self.life.clock.seconds - self.life.last > 1200 and self.is_good(self.mine):
            self.mine = self.ask(self.mine) or self.mine
        self.after(120.0 if self.mine else max(1.0, self.due_in()), self.plan)


class OnlyWhenQuiet(Thief):
    """Uses what is good while the owner has been away for ten minutes."""

    def plan(self) -> None:
        if self.life.clock.seconds - self.life.last > 600 and (good := self.good()):
            self.ask(good[-1])
        self.after(self.life.dice.uniform(60, 300), self.plan)


class Sleeper(Thief):
    """Copies the cookies, and comes hours later with the browser of his own."""

    def plan(self) -> None:
        self.after(self.life.dice.uniform(1, 3) * HOUR, self.use)

    def use(self) -> None:
        self.ask(self.jar, adopt=True)
        self.after(60, self.use)


class CopiesAgain(Thief):
    """Malware that copies the jar every ten minutes, and uses its copy each minute in between."""

    times = 0

    def plan(self) -> None:
        if self.times % 10 == 0:
            self.jar = self.life.jar
        self.times += 1
        self.ask(self.jar, adopt=True)
        self.after(60, self.plan)


class Anything(Thief):
    """Anything good, shown or not, at any rhythm, chosen anew for each thief."""

    def plan(self) -> None:
        self.rate = self.life.dice.choice((30, 61, 90, 300, 900))
        self.patient = self.life.dice.random()
        self.go()

    def go(self) -> None:
        if good := self.good():
            self.ask(self.life.dice.choice(good))
            due = self.life.dice.random() < self.patient
            wait = self.due_in() + 0.01 if due else self.life.dice.expovariate(1 / self.rate)
            self.after(max(0.5, wait), self.go)


THIEVES = [
    *(Poller, Hourly, FixedCookies, PrefetchOnly, Silent, FirstAndSilent, AllButOne, FirstAndShows),
    *(RightAfterTheOwner, ManyAtOnce, ManyAtOnceSilent, Alternates, TicketForLater, OnlyWhenQuiet, Anything),
    *(Sleeper, CopiesAgain),
]
