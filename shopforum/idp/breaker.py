"""Keeps a FusionAuth that hangs from taking the sites with it.

Two limits, in each process. Only so many calls may be under way, so that there are always threads left for pages that
need no call. And after a few failures in a row nobody is asked for a while: a request then fails at once instead of
waiting for a time-out of its own, but for one that tries whether FusionAuth is back (ASVS 5.0 13.2.6, 16.5.2).

Only what speaks of the server is a failure. An error with a body may concern one account alone: counted, it would let
the owner of one broken account shut the login for everybody.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ..sessions import AuthorityUnavailable


class Unreachable(AuthorityUnavailable):
    """The server did not answer: no connection, a time-out, a 5xx without a body."""


class Breaker:
    """A guard around calls. Times in seconds, by the process's own monotonic clock: no rule of sessions hangs on it."""

    def __init__(
        self,
        failures: int = 5,
        rest: float = 5.0,
        most: int = 5,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limit = failures
        self._rest = rest
        self._clock = clock
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
        except Unreachable:
            self._note_failure()
            raise
        except Exception:
            # An answer, if not one we like.
            self.reset()
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
            now = self._clock()
            if now < self._try_at:
                raise AuthorityUnavailable("FusionAuth is not asked: it failed a moment ago")
            if probe:
                self._try_at = now + self._rest

    def _note_failure(self) -> None:
        with self._lock:
            self._failed += 1
            self._try_at = self._clock() + self._rest


class Breakers:
    """A breaker for each kind of call: a login that hangs keeps no session from being refreshed, and neither keeps
    FusionAuth from being told of a revocation. `most` calls of each kind may be under way.
    """

    def __init__(self, most: int) -> None:
        self.login = Breaker(most=most)
        self.refresh = Breaker(most=most)
        self.revoke = Breaker(most=most)

    def reset(self) -> None:
        """Forget the failures of all."""
        for breaker in (self.login, self.refresh, self.revoke):
            breaker.reset()
