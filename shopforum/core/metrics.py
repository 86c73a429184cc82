"""The metrics of this process, for Prometheus: what each counts, its labels, and the address where they are read.

All metrics are declared here, in one registry; the package that knows of an event counts it. Counting is always on, and costs
microseconds. `serve` answers `GET /metrics` by a thread and on an address of its own: never by the sites, whose
visitors must not read them.

No label holds what a visitor can choose: no path, no user, no address. Each label has a few values, so that the number of
series stays bounded. docs/operations.md has the table.
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from wsgiref.simple_server import WSGIServer

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from sqlalchemy import Engine, QueuePool

from .settings import SettingsError, setting

# Otherwise each series has a second one with the instant of its first count.
prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]

REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)

_PAGES = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_STATEMENTS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1, 5)

REQUEST_SECONDS = Histogram(
    "shopforum_request_seconds",
    "Seconds from the start of a request's work to its response. Route: its name, or none. Status: 2xx, 3xx, 4xx, 5xx",
    ["site", "route", "status"],
    buckets=_PAGES,
    registry=REGISTRY,
)
REQUESTS_UNDER_WAY = Gauge(
    "shopforum_requests_under_way", "Requests that a thread works on", ["site"], registry=REGISTRY
)
REQUESTS_WAITING = Gauge(
    "shopforum_requests_waiting", "Requests in the queue of a site", ["site"], registry=REGISTRY
)
REQUESTS_REFUSED = Counter(
    "shopforum_requests_refused",
    "Requests that got 503 because too many were waiting (full) or because their turn came too late (late)",
    ["site", "why"],
    registry=REGISTRY,
)
ROUND_TRIP_SECONDS = Histogram(
    "shopforum_database_round_trip_seconds",
    "Seconds of a round trip to the database: a statement, a commit or a rollback",
    buckets=_STATEMENTS,
    registry=REGISTRY,
)
CONNECTION_WAIT_SECONDS = Histogram(
    "shopforum_database_connection_wait_seconds",
    "Seconds until a statement had a connection, from the pool or a new one; 5 and more: none was free",
    buckets=_STATEMENTS,
    registry=REGISTRY,
)
POOL_IN_USE = Gauge(
    "shopforum_database_pool_in_use", "Connections of the pool that are in use", ["site"], registry=REGISTRY
)
POOL_SIZE = Gauge(
    "shopforum_database_pool_size", "Connections that the pool may have", ["site"], registry=REGISTRY
)
FUSIONAUTH_SECONDS = Histogram(
    "shopforum_fusionauth_seconds",
    "Seconds that a request waited for FusionAuth. Outcome: answered, or unavailable (an open breaker included)",
    ["call", "outcome"],
    buckets=_PAGES,
    registry=REGISTRY,
)
BREAKER_OPEN = Gauge(
    "shopforum_fusionauth_breaker_open",
    "1 while calls of this kind fail at once because FusionAuth has failed several times in a row, else 0",
    ["site", "call"],
    registry=REGISTRY,
)
LOGINS = Counter(
    "shopforum_logins",
    "Logins by result: success, or the kind of the refusal, as in the audit log",
    ["site", "result"],
    registry=REGISTRY,
)
REFRESHES = Counter(
    "shopforum_session_refreshes",
    "Refreshes of dormant sessions by outcome: renewed, refused, unavailable (FusionAuth), lost (the session "
    "ended, or was refreshed elsewhere, while FusionAuth was asked)",
    ["site", "outcome"],
    registry=REGISTRY,
)
BINDINGS = Counter(
    "shopforum_session_bindings",
    "Acts of browsers on sessions that a device protects: bound, renewed, challenged (a proof was asked for), refused (a "
    "registration or a proof), ended (the session is over), without_key (used without its key, and not served)",
    ["site", "outcome"],
    registry=REGISTRY,
)
REVOCATIONS = Counter(
    "shopforum_revocations",
    "Revocations by their scope and by who began them",
    ["scope", "initiating_entity"],
    registry=REGISTRY,
)
FORM_REFUSALS = Counter(
    "shopforum_form_refusals",
    "Forms that were not made for their sender, by the code in the log",
    ["site", "why"],
    registry=REGISTRY,
)
THROTTLED = Counter(
    "shopforum_throttled",
    "Requests that were refused because too many came: login (tries and mails of an account or an address), api",
    ["limit"],
    registry=REGISTRY,
)
AUDIT_EVENTS = Counter(
    "shopforum_audit_events",
    "Rows that this process has written to the audit log; a transaction that was rolled back counts, too",
    ["event"],
    registry=REGISTRY,
)
AUDIT_ROWS_LOST = Counter(
    "shopforum_audit_rows_lost",
    "Rows of the audit log that a worker had seen and that the database has lost, by a failover or a restore",
    registry=REGISTRY,
)


def _address(text: str) -> tuple[str, int]:
    """Read `host:port`, the host of IPv6 in brackets. Raises ValueError."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or not 0 <= int(port) < 65536:
        raise ValueError("must be an address such as 127.0.0.1:9100")
    return host.strip("[]"), int(port)


@dataclass(frozen=True, kw_only=True)
class MetricsSettings:
    """The addresses at which the metrics are read. The web server and the worker are two processes, so each has an address of its own."""

    listen: tuple[str, int] | None = setting(
        "metrics.listen",
        None,
        "host:port where `pserve` answers GET /metrics for Prometheus, for nobody else to reach; empty: off",
        convert=_address,
        kind="host:port",
        optional=True,
    )
    worker_listen: tuple[str, int] | None = setting(
        "metrics.worker_listen",
        None,
        "the same for `shopforum worker`, with backlogs and heartbeats",
        convert=_address,
        kind="host:port",
        optional=True,
    )


class MetricsServer:
    """A thread that answers `GET /metrics`. It ends with the process, or by `close`."""

    def __init__(self, server: WSGIServer, thread: threading.Thread) -> None:
        self._server, self._thread = server, thread

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self._server.server_port)

    def close(self) -> None:
        """Stop answering, and free the address."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def serve(key: str, address: tuple[str, int], registry: CollectorRegistry = REGISTRY) -> MetricsServer:
    """Answer `GET /metrics` at an address. Raises SettingsError, with the setting's `key`, for an address that is taken or
    is not this machine's.
    """
    host, port = address
    try:
        return MetricsServer(*prometheus_client.start_http_server(port, host, registry))
    except OSError as error:
        raise SettingsError(
            f"{key}: cannot listen on {host}:{port} ({error.strerror}); choose a free address of this machine"
        ) from None


@contextmanager
def timed(observe: Callable[[float], None]) -> Iterator[None]:
    """Hand the seconds that the block takes to a histogram's `observe`, whether it raises or not."""
    started = time.monotonic()
    try:
        yield
    finally:
        observe(time.monotonic() - started)


def watch_pools(site: str, engines: Iterable[Engine]) -> None:
    """Show the connections of a site's engines, which have pools of a fixed size. They are counted when metrics are read."""
    pools = [engine.pool for engine in engines if isinstance(engine.pool, QueuePool)]
    POOL_IN_USE.labels(site).set_function(lambda: sum(pool.checkedout() for pool in pools))
    POOL_SIZE.labels(site).set(sum(pool.size() for pool in pools))
