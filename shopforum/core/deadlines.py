"""A deadline on this side for each round trip to the database.

The server's own limits (`statement_timeout`) end a statement on a server that works. A server that is frozen, or a network
that swallows packets without a reset, sends nothing: the driver would wait for ever, its thread with it, and its place in
the pool would never come back. One thread of the process therefore shuts down the socket of a connection whose round trip
has exceeded its deadline. The waiting thread then gets an error as from any broken connection.
"""

import os
import socket
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from itertools import count
from typing import Any

import structlog
from psycopg2 import Error, OperationalError
from psycopg2.extensions import connection, cursor

from . import metrics

# Seconds between two looks at the round trips under way.
_TICK = 0.25

log = structlog.get_logger("shopforum")


class DeadlineExceeded(OperationalError):
    """The database has not answered in time, and the connection was closed. A COMMIT may have taken effect or not."""


class _Watchdog:
    """The round trips under way: by number, the instant of the deadline (monotonic seconds) and a copy of the socket.

    A round trip belongs to the thread that takes it out of the dict, which is one step: the thread that has its answer, or the
    watchdog. The copy of the file descriptor keeps its number from being given to another file meanwhile.
    """

    def __init__(self) -> None:
        self._under_way: dict[int, tuple[float, int]] = {}
        self._numbers = count()
        self._start = threading.Lock()
        self._thread: threading.Thread | None = None
        os.register_at_fork(after_in_child=self._forget)

    def begin(self, descriptor: int, seconds: float) -> int:
        """Watch a round trip on a socket; return its number."""
        if self._thread is None:
            self._run()
        number = next(self._numbers)
        self._under_way[number] = (time.monotonic() + seconds, os.dup(descriptor))
        return number

    def end(self, number: int) -> bool:
        """Stop watching a round trip; return False if its socket was shut down."""
        taken = self._under_way.pop(number, None)
        if taken is None:
            return False
        os.close(taken[1])
        return True

    def _run(self) -> None:
        with self._start:
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="database deadlines", daemon=True)
                self._thread.start()

    def _watch(self) -> None:
        while True:
            time.sleep(_TICK)
            now = time.monotonic()
            late = [number for number, (deadline, _) in list(self._under_way.items()) if deadline < now]
            for number in late:
                taken = self._under_way.pop(number, None)
                if taken is not None:
                    _shut_down(taken[1])
            if late:
                log.warning("database.deadline_exceeded", connections=len(late))

    def _forget(self) -> None:
        """Forget the parent's round trips and its thread, which a forked child does not have."""
        self.__init__()  # type: ignore[misc]


def _shut_down(descriptor: int) -> None:
    with suppress(OSError), socket.socket(fileno=descriptor) as copy:
        copy.shutdown(socket.SHUT_RDWR)


_watchdog = _Watchdog()


class LimitedConnection(connection):
    """A connection of the driver with a deadline for each round trip. `seconds` may be changed between two statements."""

    def __init__(self, dsn: str, *, seconds: float) -> None:
        self.seconds = seconds
        super().__init__(dsn)
        self.cursor_factory = _LimitedCursor

    def commit(self) -> None:
        """Commit. Raises DeadlineExceeded; the transaction may have been committed then."""
        with self.round_trip():
            super().commit()

    def rollback(self) -> None:
        """Roll back. Raises DeadlineExceeded."""
        with self.round_trip():
            super().rollback()

    @contextmanager
    def round_trip(self) -> Iterator[None]:
        """Limit what is asked of the server within the block. Raises DeadlineExceeded."""
        if self.closed:
            # The driver says so itself.
            yield
            return
        number = _watchdog.begin(self.fileno(), self.seconds)
        try:
            with metrics.timed(metrics.ROUND_TRIP_SECONDS.observe):
                yield
        except Error as error:
            if not _watchdog.end(number):
                raise DeadlineExceeded(
                    f"no answer from the database within {self.seconds:g} seconds"
                ) from error
            raise
        finally:
            _watchdog.end(number)


class _LimitedCursor(cursor):
    connection: LimitedConnection

    def execute(self, query: Any, vars: Any = None) -> None:  # noqa: A002  the driver's name
        with self.connection.round_trip():
            super().execute(query, vars)

    def executemany(self, query: Any, vars_list: Iterable[Any]) -> None:
        with self.connection.round_trip():
            super().executemany(query, vars_list)


def limited(seconds: float) -> partial[LimitedConnection]:
    """Return a `connection_factory` for psycopg2.connect: connections with a deadline of so many seconds."""
    return partial(LimitedConnection, seconds=seconds)


@contextmanager
def deadline_of(driver: connection, seconds: float | None) -> Iterator[None]:
    """Change the deadline of a connection's round trips within the block, where it has one. None: leave it as it is."""
    if seconds is None or not isinstance(driver, LimitedConnection):
        yield
        return
    usual, driver.seconds = driver.seconds, seconds
    try:
        yield
    finally:
        driver.seconds = usual
