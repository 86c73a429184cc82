"""The time that calls of FusionAuth take: in the metrics, and of each request for its line in the log."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from ..core import metrics
from ..sessions import AuthorityUnavailable

# Seconds that this thread has waited since `begin`.
_waited: ContextVar[float] = ContextVar("seconds of waiting for FusionAuth", default=0.0)


def begin() -> None:
    """Count anew: a request begins."""
    _waited.set(0.0)


def waited() -> float:
    """Return the seconds that this thread has waited for FusionAuth since `begin`."""
    return _waited.get()


@contextmanager
def measured(call: str) -> Iterator[None]:
    """Measure a call of this kind, or several that are made as one. The wait for a place counts, too."""
    started, outcome = time.monotonic(), "answered"
    try:
        yield
    except AuthorityUnavailable:
        outcome = "unavailable"
        raise
    finally:
        seconds = time.monotonic() - started
        _waited.set(_waited.get() + seconds)
        metrics.FUSIONAUTH_SECONDS.labels(call, outcome).observe(seconds)
