"""A deadline for a whole exchange over the network.

A socket's own timeout begins anew with every byte. A peer whose greeting, headers or body drip in would hold the thread for
ever, and outlast the lease under which it works.
"""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_thread = threading.local()


class _Exchange:
    """The connections of one exchange. Each is held by a descriptor of its own: a socket gives its one away to TLS, and a
    descriptor that is closed meanwhile may be another connection's by the time it is shut down.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: list[socket.socket] = []
        self._over = False

    def add(self, connection: socket.socket) -> None:
        with self._lock:
            self._held.append(socket.socket(fileno=os.dup(connection.fileno())))
            if self._over:
                self._shut()

    def end(self) -> None:
        with self._lock:
            self._over = True
            self._shut()

    def close(self) -> None:
        with self._lock:
            for one in self._held:
                one.close()
            self._held.clear()

    def check(self) -> None:
        with self._lock:
            if self._over:
                raise TimeoutError

    def _shut(self) -> None:
        for one in self._held:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


@contextmanager
def ended_after(seconds: float) -> Iterator[None]:
    """Shut down, after so many seconds, the connections that this thread has named by `watch`.

    A reader that waits for a byte then sees the end of the stream, and raises its own error. Some readers take an end
    as regular, as Python's client does after the headers of HTTP: `check` raises for these.
    """
    exchange = _thread.exchange = _Exchange()
    timer = threading.Timer(seconds, exchange.end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        _thread.exchange = None
        exchange.close()


def watch(connection: socket.socket) -> None:
    """Name a connection on which this thread is going to wait. Without a deadline around it, nothing happens."""
    exchange: _Exchange | None = getattr(_thread, "exchange", None)
    if exchange:
        exchange.add(connection)


def check() -> None:
    """Raise TimeoutError if this thread's deadline is over."""
    exchange: _Exchange | None = getattr(_thread, "exchange", None)
    if exchange:
        exchange.check()
