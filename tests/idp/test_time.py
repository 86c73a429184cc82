"""A FusionAuth that answers a byte at a time: no single read times out, and the call ends all the same."""

import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
from support import person

from shopforum import configuration
from shopforum.idp import FusionAuth
from shopforum.sessions import AuthorityUnavailable
from shopforum.sessions.audit import Client

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@pytest.fixture
def dripping() -> Iterator[Callable[[bytes], str]]:
    """`dripping(begin)`: the address of a server that sends these bytes and then one each tenth of a second."""
    over = threading.Event()
    threads = []
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(begin: bytes) -> None:
        # Nobody may ever come: where a test fails before it asks, the server is ended by its own connection.
        connection, _ = listener.accept()
        with connection, suppress(OSError):
            connection.recv(65536)
            connection.sendall(begin)
            while not over.wait(0.1):
                connection.sendall(b"x")

    def start(begin: bytes) -> str:
        threads.append(threading.Thread(target=serve, args=(begin,)))
        threads[0].start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}"

    yield start
    over.set()
    socket.create_connection(listener.getsockname()).close()
    for thread in threads:
        thread.join()
    listener.close()


@pytest.mark.parametrize(
    "begin",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nX-Slow: ",
        HEAD + b"Content-Length: 9000\r\n\r\n",
        HEAD + b"Connection: close\r\n\r\n",
    ],
    ids=["status", "headers", "body", "body without an end"],
)
def test_an_answer_that_drips_in_ends_in_time(settings, idp, dripping, begin):
    """Sooner than the lease of a refresh, or a second request would ask for the same token."""
    slow = {"idp.url": dripping(begin), "idp.connect_timeout": "0.2", "idp.read_timeout": "0.3"}
    client = FusionAuth(configuration.load({**settings("store"), **slow}).idp)
    started = time.monotonic()
    with pytest.raises(AuthorityUnavailable):
        client.refresh("a-refresh-token", uuid.uuid4())
    # It drips for ever.
    assert time.monotonic() - started < 5


def test_a_refresh_takes_no_longer_for_asking_twice(settings, idp):
    """It asks for the user, then for a token; each is slow, and both together end before the lease does."""
    slow = {"idp.connect_timeout": "0.2", "idp.read_timeout": "1.6"}
    client = FusionAuth(configuration.load({**settings("store"), **slow}).idp)
    login = client.login(person("shopper").email, person("shopper").password, Client(), "")
    for path in ("/api/user", "/api/jwt/refresh"):
        idp.hook("fail", path=path, times=1, delay_seconds=1.5)
    started = time.monotonic()
    with pytest.raises(AuthorityUnavailable):
        client.refresh(login.refresh_token, login.user_id)
    assert time.monotonic() - started < 2.9, "each had the time of both"


def test_the_defaults_leave_a_refresh_time_to_be_written(settings):
    """Whoever waits for a place, connects and reads is done before the lease is anybody else's."""
    parsed = configuration.load(settings("store")).idp
    assert 0.5 + parsed.connect_timeout + parsed.read_timeout < 5
