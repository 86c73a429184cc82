"""Keeps a FusionAuth that hangs from taking the sites with it.

Two limits, in each process. Only so many calls may be under way, so that there are always threads left for pages that
need no call. And after a few failures in a row nobody is asked for a while: a request then fails at once instead of
waiting for a time-out of its own, but for one that tries whether FusionAuth is back (ASVS 5.0 13.2.6, 16.5.2).
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from ..sessions.authority import AuthorityMisconfigured, AuthorityUnavailable


class Breaker:
    """A guard around calls. Times in seconds, by the process's own monotonic clock: no rule of sessions hangs on it."""

    def __init__(self, failures: int = 5, rest: float = 5.0, most: int = 10) -> None:
        self._limit = failures
        self._rest = rest
        self._places = threading.BoundedSemaphore(most)
        self._lock = threading.Lock()
        self.reset()

    def reset(self) -> None:
        """Forget the failures."""
        with self._lock:
            self._failed = 0
            self._try_at = 0.0

    @contextmanager
    def guard(self) -> Iterator[None]:
        """Around one call. Raises AuthorityUnavailable instead of letting it happen; counts how it ends."""
        self._admit(probe=False)
        if not self._places.acquire(timeout=0.5):
            raise AuthorityUnavailable("FusionAuth is not asked: too many calls are under way")
        try:
            # Once more: it may have failed while this call waited for its place.
            self._admit(probe=True)
            yield from self._counted()
        finally:
            self._places.release()

    def _counted(self) -> Iterator[None]:
        try:
            yield
        except AuthorityMisconfigured:
            # An answer, if not one we like.
            self.reset()
            raise
        except AuthorityUnavailable:
            self._note_failure()
            raise
        else:
            self.reset()

    def _admit(self, *, probe: bool) -> None:
        """Raise AuthorityUnavailable while nobody is to be asked. `probe`: whoever passes after a rest is the one who
        tries.
        """
        with self._lock:
            if self._failed < self._limit:
                return
            now = time.monotonic()
            if now < self._try_at:
                raise AuthorityUnavailable("FusionAuth is not asked: it failed a moment ago")
            if probe:
                self._try_at = now + self._rest

    def _note_failure(self) -> None:
        with self._lock:
            self._failed += 1
            self._try_at = time.monotonic() + self._rest
