"""The circuit breaker: a FusionAuth that hangs or fails is not called for a while, and found again when it is back."""

import threading

import pytest
from session_fixtures import together

from shopforum.idp import AccountFault
from shopforum.idp.breaker import Breaker, Unreachable
from shopforum.sessions import AuthorityMisconfigured, AuthorityUnavailable


class Clock:
    """Seconds that go by when the test says so."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def fail(breaker, error=Unreachable):
    with pytest.raises(error), breaker.guard():
        raise error("no")


def admitted(breaker):
    try:
        with breaker.guard():
            return True
    except AuthorityUnavailable:
        return False


def test_after_a_few_failures_nobody_is_asked_until_one_finds_it_back(clock):
    breaker = Breaker(failures=3, rest=5, clock=clock)
    for _ in range(3):
        fail(breaker)
    clock.now += 4.9
    assert not admitted(breaker)
    clock.now += 0.2
    assert all(admitted(breaker) for _ in range(5))


def test_while_it_rests_one_at_a_time_tries(clock):
    breaker = Breaker(failures=1, rest=5, clock=clock)
    fail(breaker)
    clock.now += 5
    tries, all_asked = [], threading.Barrier(8)

    def attempt():
        try:
            with breaker.guard():
                tries.append(1)
                all_asked.wait(10)
                raise Unreachable("still away")
        except AuthorityUnavailable as error:
            if "failed a moment ago" in str(error):
                all_asked.wait(10)
            raise

    results = together(*[attempt] * 8)
    assert len(tries) == 1
    assert all(isinstance(result, AuthorityUnavailable) for result in results)


@pytest.mark.parametrize(
    "answer", [AuthorityMisconfigured, AccountFault, AuthorityUnavailable, ZeroDivisionError]
)
def test_every_response_opens_no_breaker_and_closes_an_open_one(answer):
    breaker = Breaker(failures=2)
    for _ in range(5):
        fail(breaker, answer)
    fail(breaker)
    fail(breaker, answer)
    fail(breaker)
    assert admitted(breaker)
    fail(breaker)
    fail(breaker)
    assert not admitted(breaker)


def test_only_so_many_calls_are_under_way():
    breaker, over = Breaker(most=2), threading.Event()

    def hang():
        with breaker.guard():
            over.wait(10)

    def refused():
        try:
            return admitted(breaker)
        finally:
            over.set()

    with_a_place = [threading.Thread(target=hang) for _ in range(2)]
    for thread in with_a_place:
        thread.start()
    while breaker._places._value:
        over.wait(0.001)
    assert refused() is False
    for thread in with_a_place:
        thread.join()
    assert admitted(breaker)
