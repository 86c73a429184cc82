"""A FusionAuth that hangs or fails is left alone for a while, and found again when it is back."""

import time

import pytest
from hearts import together

from shopforum.idp.breaker import Breaker
from shopforum.sessions import AuthorityMisconfigured, AuthorityUnavailable


def fail(breaker, error=AuthorityUnavailable):
    with pytest.raises(error), breaker.guard():
        raise error("no")


def admitted(breaker):
    try:
        with breaker.guard():
            return True
    except AuthorityUnavailable:
        return False


def test_after_a_few_failures_nobody_is_asked_until_one_finds_it_back():
    breaker = Breaker(failures=3, rest=0.2)
    for _ in range(3):
        fail(breaker)
    assert not admitted(breaker)
    time.sleep(0.25)
    assert together(*[lambda: admitted(breaker)] * 1) == [True]
    assert all(admitted(breaker) for _ in range(5))


def test_while_it_rests_one_at_a_time_tries():
    breaker = Breaker(failures=1, rest=0.2)
    fail(breaker)
    time.sleep(0.25)
    tries = []

    def attempt():
        with breaker.guard():
            tries.append(1)
            time.sleep(0.05)
            raise AuthorityUnavailable("still away")

    results = together(*[attempt] * 8)
    assert len(tries) == 1
    assert all(isinstance(result, AuthorityUnavailable) for result in results)


def test_a_success_or_a_refusal_of_ours_is_an_answer():
    breaker = Breaker(failures=2)
    fail(breaker)
    assert admitted(breaker)
    fail(breaker)
    fail(breaker, AuthorityMisconfigured)
    fail(breaker)
    assert admitted(breaker)


def test_only_so_many_calls_are_under_way():
    breaker = Breaker(most=2)

    def hang():
        with breaker.guard():
            time.sleep(1)

    results = together(*[hang] * 4)
    assert sum(isinstance(result, AuthorityUnavailable) for result in results) == 2
    assert admitted(breaker)
