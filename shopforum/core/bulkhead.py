"""A bulkhead: a bound on how many threads may wait for the same thing, so that the others serve everybody else."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Full(Exception):
    """As many threads wait as may wait."""


class Bulkhead:
    """A number of places. `with bulkhead.place():` takes one, or raises Full if all are taken. It never waits."""

    def __init__(self, most: int) -> None:
        self._places = threading.BoundedSemaphore(most)

    @contextmanager
    def place(self) -> Iterator[None]:
        """Hold a place for the length of the block. Raises Full."""
        if not self._places.acquire(blocking=False):
            raise Full
        try:
            yield
        finally:
            self._places.release()
