"""The models that are searched and simulated agree with the code and the statements that run, in every answer and every row.

Histories come from seeded dice. SHOPFORUM_TEST_SEARCHES plays more of them.
"""

import os
import random
from typing import Any

import pytest
from clocks import SimulatedClock
from memory_core import MemoryCore
from rotation_model import Rules
from session_fixtures import OWNER, THIEF, SessionCore
from session_model import MoodyProvider

from shopforum.sessions import AuthorityUnavailable
from shopforum.sessions.audit import Client
from shopforum.sessions.model import Outcome, Pair
from shopforum.sessions.rotation import Step

HISTORIES = 400 if "SHOPFORUM_TEST_SEARCHES" in os.environ else 12
ACTS = 60
# Seconds: before and after each border of the rules.
PAUSES = (0.0, 0.2, 2.0, 9.0, 11.0, 29.0, 31.0, 59.0, 61.0, 299.0, 598.0, 602.0, 1790.0, 1810.0)


@pytest.fixture
def provider() -> MoodyProvider:
    return MoodyProvider()


def returned(core: SessionCore | MemoryCore, pair: Pair, client: Client, touch: bool) -> Any:
    """The outcome of a request, or the class of what it raises."""
    try:
        return core.resume(pair, client, touch=touch)
    except AuthorityUnavailable as error:
        return type(error)


def shape(outcome: Any) -> Any:
    """The parts that an outcome has; their values differ from core to core."""
    if not isinstance(outcome, Outcome):
        return outcome
    return (outcome.session is not None, outcome.ended, outcome.issue is not None)


def rows_of(core: SessionCore, clock: SimulatedClock) -> Any:
    """The session's row and its pairs, in seconds of the clock."""
    [row] = core.sql("SELECT * FROM sessions")
    pairs = core.sql("SELECT * FROM session_credentials ORDER BY number")

    def at(instant: Any) -> Any:
        return None if instant is None else (instant - clock.start).total_seconds()

    numbers = (
        row["head"],
        row["head_parent"],
        row["issued"],
        row["unshown"],
        row["quarantined_at"] is not None,
    )
    times = [at(row[name]) for name in ("head_since", "due_at", "last_seen_at", "idle_end")]
    return (
        numbers,
        times,
        [(pair["number"], pair["parent"], pair["seen_at"] is not None) for pair in pairs],
        [at(pair["replaced_at"]) for pair in pairs],
    )


def rows_in_memory(core: MemoryCore) -> Any:
    pairs = sorted(core.pairs.values(), key=lambda pair: pair.n)
    return (
        (core.head, core.head_parent, core.issued, core.unshown, core.quarantined),
        [core.head_since, core.due_at, core.last_seen, core.idle_end],
        [(pair.n, pair.parent, pair.seen) for pair in pairs],
        [pair.replaced_at for pair in pairs],
    )


def assert_same_rows(core: SessionCore, clock: SimulatedClock, memory: MemoryCore) -> None:
    numbers, times, pairs, replaced = rows_of(core, clock)
    assert (numbers, pairs) == (rows_in_memory(memory)[0], rows_in_memory(memory)[2])
    # Each statement takes ten microseconds of the database's simulated clock.
    assert times == pytest.approx(rows_in_memory(memory)[1], abs=0.05)
    assert replaced == pytest.approx(rows_in_memory(memory)[3], abs=0.05)


@pytest.mark.parametrize("one_time", [False, True], ids=["reusable", "one-time"])
def test_the_core_in_memory_does_what_the_statements_do(core_of, provider, clock, one_time):
    core = core_of("store", **{"sessions.refresh_wait": "0.01"})
    memory = MemoryCore(core.sessions.config, MoodyProvider(), clock)
    providers = (provider, memory.provider)
    seen = set()
    for number in range(HISTORIES):
        dice = random.Random(f"{number} {one_time}")
        clock.seconds, clock.statements = 0.0, 0
        core.sql("DELETE FROM sessions")
        for one in providers:
            one.one_time, one.grace, one.clock = one_time, dice.random() < 0.8, 0.0
        memory.provider.grace = provider.grace
        known = [(core.log_in(f"user{number}")[0], memory.log_in()[0])]
        for _ in range(ACTS):
            clock.seconds += dice.choice(PAUSES) + dice.random() / 2
            provider.clock = memory.provider.clock = clock.seconds
            # Mostly the newest pairs, or each history would end soon.
            pair, twin = known[-1 - min(int(dice.expovariate(1.2)), len(known) - 1)]
            client, touch = dice.choice([OWNER, OWNER, OWNER, THIEF]), dice.random() < 0.9
            outcome, expected = returned(core, pair, client, touch), returned(memory, twin, client, touch)
            assert shape(outcome) == shape(expected), (number, clock.seconds)
            seen.add(shape(outcome))
            assert_same_rows(core, clock, memory)
            if isinstance(outcome, Outcome) and outcome.issue:
                known.append((outcome.issue, expected.issue))
    served = [(True, None, True), (True, None, False)]
    assert {*served, (False, "replayed", False), (False, "quarantined", False)} <= seen


def test_the_model_of_the_searches_does_what_the_statements_do(core_of, clock):
    """It goes by whole ticks, here of 30 seconds; it writes each use down, and knows no prefetch and no token."""
    core = core_of("store", **{"sessions.grace": "61", "sessions.touch_every": "0"})
    timing = core.sessions.config.timing
    rules = Rules(type(timing)(timing.rotate_every // 30, grace=2, cap=timing.cap, retry=1), 60)
    steps = set()
    for number in range(HISTORIES):
        dice = random.Random(number)
        clock.seconds, clock.statements = 0.0, 0
        core.sql("DELETE FROM sessions")
        row, pairs = rules.login(), {1: core.log_in(f"user{number}")[0]}
        for _ in range(ACTS):
            for _ in range(dice.choice((0, 0, 1, 1, 2, 3, 19, 20, 21, 60, 61))):
                row, clock.seconds = rules.tick(row), clock.seconds + 30
            n = list(pairs)[-1 - min(int(dice.expovariate(1.2)), len(pairs) - 1)]
            new = len(pairs) + 1
            step, row, given = rules.present(row, n, new)
            steps.add(step)
            outcome = returned(core, pairs[n], OWNER, touch=True)
            if step in (Step.END, Step.QUARANTINE):
                assert outcome.ended == {Step.END: "replayed", Step.QUARANTINE: "quarantined"}[step]
                break
            assert outcome.session is not None, (number, step)
            assert (outcome.issue is not None) == given
            [found] = core.sql("SELECT head, head_parent, unshown FROM sessions")
            assert tuple(found.values()) == (row.head, row.head_parent, row.unshown), number
            if given:
                pairs[new] = outcome.issue
    assert steps == {Step.SERVE, Step.HAND_OUT, Step.REFRESH, Step.QUARANTINE, Step.END}
