"""A site that is flooded, or whose pages hang, takes no thread of another site and none of the health checks."""

import socket
import threading
from contextlib import ExitStack, contextmanager

import pytest
from session_fixtures import together
from sockets import request, send, served
from sqlalchemy import event

from shopforum.core import metrics
from shopforum.hosts import Sites


@pytest.fixture
def hanging(apps):
    """`with hanging() as begun:` the store's pages wait until the block ends; `begun` counts those that wait."""
    engine = apps["store"].services.db.engine
    go, begun = threading.Event(), threading.Semaphore(0)

    def wait(*_arguments):
        begun.release()
        go.wait(30)

    @contextmanager
    def hold():
        event.listen(engine, "before_cursor_execute", wait)
        try:
            yield begun
        finally:
            go.set()

    yield hold
    event.remove(engine, "before_cursor_execute", wait)


def test_the_console_and_the_health_checks_are_served_while_the_store_hangs(apps, hanging):
    everything = Sites(list(apps.values()))
    full = metrics.REQUESTS_REFUSED.labels("store", "full")._value
    refused_before = full.get()
    with served(everything, threads="2", waiting="3", wait_seconds="60") as port:
        results = []

        def visit():
            results.append(send(port, request("GET", "/products"), 60))

        visitors = [threading.Thread(target=visit) for _ in range(8)]
        with hanging() as begun:
            for visitor in visitors:
                visitor.start()
            for _ in range(2):
                assert begun.acquire(timeout=30)
            consoles = together(
                *[lambda: send(port, request("GET", "/login", host="admin.test")) for _ in range(4)]
            )
            assert [answer.status for answer in consoles] == [200] * 4
            assert send(port, request("GET", "/healthz")).status == 200
            for visitor in visitors[2:]:
                visitor.join(0.1)
            refused = [answer for answer in results if answer.status == 503]
        for visitor in visitors:
            visitor.join()
    assert sorted(answer.status for answer in results) == [200] * 5 + [503] * 3
    assert len(refused) == 3, "at once, and not when the pages stop hanging"
    assert full.get() - refused_before == 3
    assert refused[0].header("Retry-After") == "2"


def test_a_request_whose_turn_comes_too_late_is_refused(apps, hanging):
    with served(apps["store"], threads="1", wait_seconds="0.1") as port:
        results = []
        visitors = [
            threading.Thread(
                target=lambda: results.append(send(port, request("GET", "/products"), 60).status)
            )
            for _ in range(3)
        ]
        with hanging() as begun:
            visitors[0].start()
            assert begun.acquire(timeout=30)
            for visitor in visitors[1:]:
                visitor.start()
            visitors[2].join(0.5)
        for visitor in visitors:
            visitor.join()
    assert sorted(results) == [200, 503, 503]


def test_idle_connections_keep_nobody_out(apps):
    """waitress would stop at a hundred, for all sites and the health checks together."""
    with served(Sites(list(apps.values()))) as port, ExitStack() as stack:
        for _ in range(130):
            stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=60))
        assert send(port, request("GET", "/healthz")).status == 200
        assert send(port, request("GET", "/login", host="admin.test")).status == 200
