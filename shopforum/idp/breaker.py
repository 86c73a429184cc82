"""Circuit breakers: a FusionAuth that hangs does not take the sites down with it.

Two limits in each process. A bulkhead: only so many calls may be under way, so that threads are left for pages that need
no call. And a breaker: after a few failures in a row no call is made for a while. A request then fails at once instead of
waiting for its own timeout, except for one probe that tries whether FusionAuth is back (ASVS 5.0 13.2.6, 16.5.2).

Only a failure of the server counts. An error with a body may concern one account alone: if it counted, the owner of one
broken account could close the login for everybody.
"""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from ..core import metrics
from ..sessions import AuthorityUnavailable

# Seconds that a call waits for its place among those under way.
PATIENCE = 0.5


class Unreachable(AuthorityUnavailable):
    """The server did not answer: no connection, a timeout, or a 5xx without a body."""


class Breaker:
    """A breaker and a bulkhead around one kind of call.

    `name` is the kind, for the metrics. `failures` in a row open the breaker for `rest` seconds; at most `most` calls are under way. Times are by the process's
    monotonic clock: no rule of the sessions depends on it.
    """

    def __init__(
        self,
        name: str = "",
        failures: int = 5,
        rest: float = 5.0,
        most: int = 5,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self._limit = failures
        self._rest = rest
        self._clock = clock
        self._places = threading.BoundedSemaphore(most)
        self._lock = threading.Lock()
        self.reset()

    def reset(self) -> None:
        """Close the breaker and forget the failures."""
        with self._lock:
            self._failed = 0
            self._try_at = 0.0

    @property
    def failed(self) -> int:
        """The failures in a row so far."""
        return self._failed

    @property
    def open(self) -> bool:
        """Return whether calls fail at once, but for a probe now and then."""
        return self._failed >= self._limit

    @contextmanager
    def guard(self) -> Iterator[None]:
        """Guard one call. Raises AuthorityUnavailable instead of making it where a limit is reached; counts its result."""
        self._admit(probe=False)
        if not self._places.acquire(timeout=PATIENCE):
            raise AuthorityUnavailable("FusionAuth is not called: too many calls are under way")
        try:
            # Checked again: FusionAuth may have failed while this call waited for its place.
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
            # The server has answered, though with an error.
            self.reset()
            raise
        else:
            self.reset()

    def _admit(self, *, probe: bool) -> None:
        """Raise AuthorityUnavailable while the breaker is open. With `probe` the first call after the rest is let through as
        the probe, and the rest begins anew for the others.
        """
        with self._lock:
            if self._failed < self._limit:
                return
            now = self._clock()
            if now < self._try_at:
                raise AuthorityUnavailable("FusionAuth is not called: it failed a moment ago")
            if probe:
                self._try_at = now + self._rest

    def _note_failure(self) -> None:
        with self._lock:
            self._failed += 1
            self._try_at = self._clock() + self._rest


class Breakers:
    """A breaker for each kind of call, by its name: logins that hang do not stop refreshes, and neither stops revocations. At most `most`
    calls of each kind are under way.
    """

    def __init__(self, most: int) -> None:
        self.login = Breaker("login", most=most)
        self.refresh = Breaker("refresh", most=most)
        self.revoke = Breaker("revoke", most=most)
        # Never opens: it is there to find out, and an open breaker would answer for FusionAuth.
        self.probe = Breaker("probe", failures=sys.maxsize, most=most)

    def reset(self) -> None:
        """Close all breakers and forget their failures."""
        for breaker in self._all():
            breaker.reset()

    def watch(self, site: str) -> None:
        """Show in the metrics whether each breaker is open."""
        for breaker in self._all():
            metrics.BREAKER_OPEN.labels(site, breaker.name).set_function(partial(getattr, breaker, "open"))

    def _all(self) -> tuple[Breaker, ...]:
        return self.login, self.refresh, self.revoke
