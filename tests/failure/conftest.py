"""Fixtures that the tests of failures share."""

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest


class SilentProvider:
    """A FusionAuth that takes every request and answers none, until it is let go."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=100)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._held: list[socket.socket] = []
        self._thread = threading.Thread(target=self._take)
        self._thread.start()

    @property
    def asked(self) -> int:
        """The number of requests that have come; each has a connection of its own, since none is answered."""
        return len(self._held)

    def hang_up(self) -> None:
        """Close all connections, and take no more."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        for connection in self._held:
            connection.close()

    def _take(self) -> None:
        with suppress(OSError):
            while True:
                self._held.append(self._listener.accept()[0])


@pytest.fixture
def silent() -> Iterator[SilentProvider]:
    """A provider that hangs for as long as the test wants: no time has to be measured."""
    provider = SilentProvider()
    yield provider
    provider.hang_up()
