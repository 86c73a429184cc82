"""Hours of browsing against the rules of rotation: no honest session is lost, and no careful thief stays.

Clicks, delays and losses come from seeded dice, so that a run can be repeated. Each session is played on its own, from
its login to its end: sessions share nothing. Each test plays a few sessions on the real code and database, where only the clock
that the database goes by is the simulation's (`clocks.py`), and many on the core in memory, which
test_memory_core.py holds against the real one.

It proves that with lost, late (up to two minutes) and aborted responses no owner is taken for a thief, and of each strategy
a thief is locked out, found or starved before the owner has been active for half an hour, which is three rotations. The
exhaustive searches (test_rotation_search.py) prove the same of the rules alone, for every strategy. It does not prove races in the
database, because it plays requests one after the other: test_races.py does. `make searches` plays two thousand
sessions of eight hours in memory. SHOPFORUM_TEST_SESSIONS=2000 plays as many on the database, for a quarter of an hour each test.
`-o log_cli=true -o log_cli_level=info` shows what came of it.
"""

import logging
import os
import random
import statistics
from collections import Counter
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
from memory_core import MemoryCore
from session_fixtures import SECRET, SessionCore
from session_model import MoodyProvider
from simulated_lives import HOUR, THIEVES, Hourly, Life, ManyAtOnce, Poller, Silent

from shopforum.sessions import config

log = logging.getLogger(__name__)

# Sessions on the database; 0: as few as each test says.
SESSIONS = int(os.environ.get("SHOPFORUM_TEST_SESSIONS", "0"))
LARGE = "SHOPFORUM_TEST_SEARCHES" in os.environ
# The longest that any strategy of a thief is served, in minutes in which the owner is active.
LONGEST = 28


@dataclass
class World:
    """A session core with its clock. `many`: sessions to play; 0: as few as the test says. `thieves`: the same of each thief."""

    core: SessionCore | MemoryCore
    clock: Any
    many: int
    thieves: int


@pytest.fixture
def provider() -> MoodyProvider:
    return MoodyProvider()


@pytest.fixture(params=["on the database", "in memory"])
def world(request: pytest.FixtureRequest, provider: MoodyProvider) -> World:
    if request.param == "on the database":
        core, clock = (request.getfixturevalue(name) for name in ("core", "clock"))
        return World(core, clock, SESSIONS, SESSIONS)
    parsed = config.parse({"sessions.secret": SECRET, "sessions.sites": "store", "sessions.site": "store"})
    clock = SimpleNamespace(seconds=0.0)
    return World(MemoryCore(parsed, provider, clock), clock, *((2000, 300) if LARGE else (20, 5)))


@pytest.mark.parametrize("loss", [0.01, 0.05])
@pytest.mark.parametrize("kind", ["steady", "bursty"])
def test_no_honest_session_is_lost(world, loss, kind):
    dice, requests, successors = random.Random(f"{kind} {loss}"), 0, 0
    number, hours = (world.many, 8) if world.many else (2, 5)
    for one in range(number):
        life = Life(world.core, world.clock, dice, loss, hours)
        life.after(dice.uniform(0, 600), getattr(life, kind))
        life.play()
        assert life.ended is None, (one, world.clock.seconds)
        requests, successors = requests + life.requests, successors + life.successors
    assert successors > number * hours
    log.info("%d of %d h: %d requests, %d successors, none lost", number, hours, requests, successors)


@pytest.mark.parametrize("one_time", [False, True], ids=["reusable", "one-time"])
def test_an_owner_who_is_away_for_hours_is_never_taken_for_a_thief(world, one_time):
    """A one-time token whose answer was lost beyond the provider's grace costs a login, and no more than that."""
    world.core.provider.one_time = one_time
    # As docs/fusionauth.md asks.
    world.core.provider.lasts = 300.0
    dice, endings = random.Random(3), Counter()
    number = world.many or 3
    for _ in range(number):
        life = Life(world.core, world.clock, dice, 0.05, 48)
        life.away()
        life.play()
        endings[life.ended] += 1
    assert set(endings) <= ({None, "expired"} if one_time else {None})
    assert endings["expired"] <= max(1, number // 20)
    log.info("%s", dict(endings))


def test_a_crash_costs_a_password_at_most(world):
    dice, endings = random.Random(4), Counter()
    number = world.many or 5
    for _ in range(number):
        life = Life(world.core, world.clock, dice, 0.01, 4)
        life.steady()
        for _ in range(3):
            life.after(dice.uniform(0, 4 * HOUR), life.crash)
        life.play()
        endings[life.ended] += 1
    assert set(endings) <= {None, "quarantined"}
    assert endings[None] >= number * 0.8
    log.info("%s", dict(endings))


@pytest.mark.parametrize("strategy", THIEVES, ids=lambda strategy: strategy.__name__)
def test_no_thief_is_served_for_long(world, strategy):
    """However he goes about it: while the owner is active he has less than half an hour."""
    dice, served, endings = random.Random(strategy.__name__), [], Counter()
    for one in range(world.thieves or 1):
        life = Life(world.core, world.clock, dice, 0.01, 8 if world.thieves else 2.5)
        life.steady()
        thief = strategy(life, dice.uniform(1, 600))
        life.play()
        served.append(thief.served_until / 60)
        endings[life.ended] += 1
        assert life.ended in (None, "replayed", "quarantined")
        assert served[-1] <= LONGEST, one
    if issubclass(strategy, (Poller, Silent, ManyAtOnce)) and strategy is not Hourly:
        assert endings[None] == 0, "a thief who goes on is found, and not locked out alone"
    log.info(
        "%s: %.0f minutes in the middle, %.0f at most; %s",
        strategy.__name__,
        statistics.median(served),
        max(served),
        dict(endings),
    )


@pytest.mark.parametrize("hours_later", [0.5, 6])
def test_a_thief_who_leapfrogs_an_owner_of_one_visit_a_day_is_found(world, hours_later):
    """He shows everything that he is given, some time after each visit."""
    dice = random.Random(hours_later)
    for _ in range(world.thieves or 2):
        life = Life(world.core, world.clock, dice, 0, 24 * 12)
        life.daily()
        thief = Poller(life, 5)
        thief.plan = lambda life=life, thief=thief: setattr(
            life,
            "on_click",
            lambda: life.after(hours_later * HOUR, lambda: thief.ask(thief.jar, adopt=True)),
        )
        life.play()
        assert life.ended in ("replayed", "quarantined")
