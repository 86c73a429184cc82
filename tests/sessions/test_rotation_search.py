"""Both exhaustive searches over the rules that run: no thief is served for long, no honest browser is ever ended.

Small numbers here, in which all the same situations occur; `make searches` takes the real ones.
"""

import os
from typing import Any

import honest_search
import pytest
import thief_search
from rotation_model import Rules

from shopforum.sessions.rotation import Facts, PairStatus, Step, Timing, next_step, pair_status

LARGE = bool(os.environ.get("SHOPFORUM_TEST_SEARCHES"))
large = pytest.mark.skipif(not LARGE, reason="make searches")


def rules(rotate_every: int, cap: int, idle_after: int, *, grace: int = 1, **other: Any) -> Rules:
    return Rules(Timing(rotate_every, grace=grace, cap=cap), idle_after, **other)


@pytest.mark.parametrize(
    ("rotate_every", "cap", "idle_after", "ticks"),
    [(2, 2, 4, 8), (3, 2, 5, 10), (3, 3, 5, 13), pytest.param(4, 3, 6, 15, marks=large)],
)
def test_a_thief_is_locked_out_or_found_soon(rotate_every: int, cap: int, idle_after: int, ticks: int):
    assert thief_search.longest(rules(rotate_every, cap, idle_after)) == ticks


@large
@pytest.mark.parametrize(("rotate_every", "idle_after", "minutes"), [(20, 60, 27), (10, 30, 17)])
def test_the_real_numbers_for_a_thief(rotate_every: int, idle_after: int, minutes: int):
    """A tick is 30 seconds: the sites rotate every 10 minutes, the console every 5."""
    assert thief_search.longest(rules(rotate_every, 8, idle_after, grace=2)) == 2 * minutes


@pytest.mark.parametrize(
    ("rotate_every", "idle_after", "response_ticks", "cap"),
    [
        (4, 6, 1, 3),
        (4, 6, 2, 3),
        *(pytest.param(*case, marks=large) for case in ((5, 7, 3, 3), (5, 7, 3, 5), (6, 8, 4, 3))),
    ],
)
def test_no_honest_browser_is_ended(rotate_every: int, idle_after: int, response_ticks: int, cap: int):
    """While a request and its response together take less time than a rotation."""
    found = honest_search.shortest_end(rules(rotate_every, cap, idle_after), response_ticks=response_ticks)
    assert found.way is None
    assert found.quarantined == {cap}, "the password is asked for only when every successor was lost"


@large
def test_the_real_numbers_for_a_browser():
    """A tick is a minute: a request takes at most one, a response at most eight."""
    found = honest_search.shortest_end(rules(10, 8, 30), response_ticks=8)
    assert found.way is None
    assert found.quarantined == {8}


@pytest.mark.parametrize(("rotate_every", "response_ticks"), [(3, 2), pytest.param(6, 5, marks=large)])
def test_a_response_that_takes_as_long_as_a_rotation_is_a_fork(rotate_every: int, response_ticks: int):
    """The promise has an end. The search would be blind if it found nothing here."""
    rule = rules(rotate_every, 3, rotate_every + 2)
    assert honest_search.shortest_end(rule, response_ticks=response_ticks).way is not None


@pytest.mark.parametrize("response_ticks", [0, 1])
def test_a_crash_costs_a_password_at_most(response_ticks: int):
    found = honest_search.shortest_end(
        rules(4, 3, 6), request_ticks=0, response_ticks=response_ticks, crashes=True
    )
    assert found.way is None
    assert -1 in found.quarantined, "the way back is through the password"


def without_cap(facts: Facts, timing: Timing, *, quiet: bool = False) -> Step:
    step = next_step(facts, timing, quiet=quiet)
    if step is Step.QUARANTINE and pair_status(facts, timing) is PairStatus.HEAD:
        return Step.HAND_OUT if facts.active else Step.REFRESH
    return step


def with_a_free_way_back(facts: Facts, timing: Timing, *, quiet: bool = False) -> Step:
    if pair_status(facts, timing) is PairStatus.FALLBACK:
        return Step.TAKE_OVER if facts.n != facts.head else Step.SERVE
    return next_step(facts, timing, quiet=quiet)


def with_every_sibling_at_once(facts: Facts, timing: Timing, *, quiet: bool = False) -> Step:
    """A late response takes over as soon as it comes."""
    if not facts.seen and facts.parent == facts.head_parent and facts.n != facts.head:
        return Step.TAKE_OVER
    return next_step(facts, timing, quiet=quiet)


@pytest.mark.parametrize("judge", [without_cap, with_a_free_way_back])
def test_without_one_rule_a_thief_stays_for_ever(judge: Any):
    assert thief_search.longest(rules(2, 1, 4, judge=judge)) is None


def test_without_one_rule_an_honest_browser_is_ended():
    found = honest_search.shortest_end(rules(5, 3, 7, judge=with_every_sibling_at_once), response_ticks=3)
    assert found.way is not None
