"""The server of `pserve`: waitress, with a work queue for each site and an orderly end.

    [server:main]
    use = egg:shopforum#main

waitress has one queue and one set of threads for all requests. Here each site has its own, so that a flood of requests to the
store or the forums takes no thread of the console, and the health checks have theirs. A site's queue is bounded: a request
that finds it full gets 503 with Retry-After at once, instead of waiting until nobody waits for its response any more.

On SIGTERM the process first says at `/readyz` that it is ending, and goes on serving for `leave_seconds`, so that the load
balancer can take it out. Then it accepts no connections, finishes the requests that it has, and ends. SIGINT (Ctrl-C)
does the same without the wait. SIGHUP, which a closed terminal sends, is ignored.

With `processes` above 1 so many serve from the same sockets, each with all of the above, and a supervisor watches over them
(core/supervisor.py). gunicorn, which has such a supervisor, has one queue for all requests, so one site could starve another.
"""

import signal
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from types import FrameType
from typing import Any

import structlog
from sqlalchemy.exc import SQLAlchemyError
from waitress import create_server, wasyncore
from waitress.channel import HTTPChannel
from waitress.server import Adjustments, BaseWSGIServer
from waitress.task import ThreadedTaskDispatcher
from waitress.utilities import Error

from .core import garbage, metrics, processes
from .core.metrics import MetricsServer, MetricsSettings
from .core.settings import SettingsError, read, setting, settings_of
from .core.supervisor import Supervisor
from .hosts import WSGIApp, by_host
from .web import health, proxies

log = structlog.get_logger("shopforum")

# The health checks' threads: one may wait for the database, the other says that the process lives.
_HEALTH_THREADS = 2
# Seconds after which a client that was refused may try again.
_RETRY_AFTER = 2
_BUSY = "Too many requests are waiting. Nothing was changed: try again in a moment."
_TICK_SECONDS = 0.2
# waitress's own limit of 100 connections is one for all sites: those of one site would keep out the others, and the health checks.
# More file descriptors than select() can watch need poll().
_DEFAULTS = {"connection_limit": "2000", "asyncore_use_poll": "true"}


@dataclass(frozen=True, kw_only=True)
class ServerSettings:
    """The keys of [server:main] that are not waitress's."""

    processes: int = setting("processes", 1, "processes that serve, about one a core", least=1, most=256)
    threads: int = setting("threads", 16, "threads of each site in a process", least=1, most=1000)
    waiting: int = setting(
        "waiting", 200, "requests of each site that may wait for a thread", least=1, most=100_000
    )
    wait_seconds: float = setting(
        "wait_seconds", 10.0, "seconds that a request may wait for a thread", least=0, most=600
    )
    leave_seconds: float = setting(
        "leave_seconds",
        0.0,
        "seconds between SIGTERM and the end of accepting connections",
        least=0,
        most=600,
    )
    drain_seconds: float = setting(
        "drain_seconds", 20.0, "seconds that requests have to finish then", least=0, most=600
    )


# waitress's keys that say where it listens.
_ADDRESS_KEYS = {"listen", "host", "port", "ipv4", "ipv6"}
# Seconds beyond its own waits that a process may take to end.
_TO_END_SECONDS = 10.0

_OWN_KEYS = {each.key for each in settings_of(ServerSettings)}


class Busy(Error):
    """The response to a request whose site has too many waiting."""

    code = 503
    reason = "Service Unavailable"

    def to_response(self, ident: str | None = None) -> tuple[str, list[tuple[str, str]], bytes]:
        """Return status, headers and body."""
        status, headers, body = super().to_response(ident)
        return status, [*headers, ("Retry-After", str(_RETRY_AFTER))], body


class Waiting:
    """A request in a queue. It is refused if its turn comes too late: its client may have gone, or has asked again."""

    def __init__(self, channel: HTTPChannel, site: str, seconds: float) -> None:
        self._channel = channel
        self._site = site
        self._until = time.monotonic() + seconds

    def service(self) -> None:
        """Respond to the request; a thread of the queue calls it."""
        if time.monotonic() > self._until:
            metrics.REQUESTS_REFUSED.labels(self._site, "late").inc()
            self._channel.requests[0].error = Busy(_BUSY)
        self._channel.service()

    def cancel(self) -> None:
        """Close the connection without a response."""
        self._channel.cancel()


class Queues:
    """waitress's dispatcher of tasks: to the queue of the site that the request's Host names."""

    def __init__(self, sites: Mapping[str, str], settings: ServerSettings) -> None:
        """`sites` has the name of the site for each Host. Any other Host is refused by the first site."""
        self._sites = sites
        self._first = next(iter(sites.values()))
        self._settings = settings
        self._health = _with_threads(_HEALTH_THREADS)
        self._queues = {site: _with_threads(settings.threads) for site in sites.values()}
        for site, queue in self._queues.items():
            metrics.REQUESTS_WAITING.labels(site).set_function(partial(len, queue.queue))
            # An alert sees the first refusal only where the count was 0 before.
            for why in ("full", "late"):
                metrics.REQUESTS_REFUSED.labels(site, why)

    def add_task(self, channel: HTTPChannel) -> None:
        """Queue the next request of a connection."""
        request = channel.requests[0]
        if processes.ending.is_set():
            # Said in the response, so that a proxy sends nothing more on a connection that is about to be closed.
            request.headers["CONNECTION"] = "close"
        if request.error or request.path in health.PATHS:
            self._health.add_task(channel)
            return
        host = request.headers.get("HOST", "").lower()
        site = self._sites.get(host, self._first)
        queue = self._queues[site]
        idle = len(queue.threads) - queue.active_count
        if len(queue.queue) < self._settings.waiting + idle:
            queue.add_task(Waiting(channel, site, self._settings.wait_seconds))
            return
        metrics.REQUESTS_REFUSED.labels(site, "full").inc()
        request.error = Busy(_BUSY)
        self._health.add_task(channel)

    def shutdown(self, cancel_pending: bool = True, timeout: float = 5) -> bool:
        """End all threads; return whether waiting requests were cancelled."""
        every = [self._health, *self._queues.values()]
        for each in every:
            each.set_thread_count(0)
        cancelled = [each.shutdown(cancel_pending, timeout) for each in every]
        return any(cancelled)


class Server:
    """A waitress server over the sites. `options` are those of [server:main]. Raises SettingsError.

    `slot` is the number of this process among those that serve the same: its metrics are so many ports further on.
    """

    def __init__(self, app: WSGIApp, slot: int = 0, **options: Any) -> None:
        options = {**_DEFAULTS, **options}
        own = {key: str(options.pop(key)) for key in _OWN_KEYS & options.keys()}
        self._settings = read(ServerSettings, own)
        self._map: dict[int, object] = {}
        self._apps = by_host(app)
        sites = {host: each.services.site.name for host, each in self._apps.items()}
        self._queues = Queues(sites or {"": "all"}, self._settings)
        self._metrics = self._serve_metrics(slot)
        forwarded = {key: options.pop(key) for key in proxies.KEYS if key in options}
        urls = {host: each.services.site.url for host, each in self._apps.items()}
        app = proxies.wrap(app, urls, forwarded)
        # The headers of proxies have been read by then.
        options["clear_untrusted_proxy_headers"] = "false"
        self._server = create_server(app, map=self._map, _dispatcher=self._queues, **options)
        self._signal = 0

    def _serve_metrics(self, slot: int) -> list[MetricsServer]:
        """Answer for Prometheus at the address that the sites name, one for all. Raises SettingsError."""
        named = {read(MetricsSettings, app.services.settings).listen for app in self._apps.values()}
        return [metrics.serve("metrics.listen", (host, port + slot)) for host, port in filter(None, named)]

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """Host and port of each socket that accepts connections."""
        return [(each.effective_host, int(each.effective_port)) for each in self._listening()]

    def run(self, lives: Callable[[], bool] = lambda: True) -> None:
        """Serve until SIGTERM or SIGINT, or until `lives()` is false, and end in order. Only the main thread can do this."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._note)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        addresses = [f"{host}:{port}" for host, port in self.addresses]
        log.info("server.started", addresses=addresses, frozen_objects=garbage.freeze())
        self.serve_while(lambda: not self._signal and lives())
        self._signal = self._signal or signal.SIGTERM
        self._leave()
        self._drain()
        log.info("server.stopped")

    def close(self) -> None:
        """Close what is open, whatever is under way."""
        wasyncore.close_all(self._map)
        self._queues.shutdown(timeout=2)
        for each in self._metrics:
            each.close()

    def _note(self, number: int, _frame: FrameType | None) -> None:
        # A handler runs within the code that it interrupts, so it takes no lock. A second signal ends the wait.
        self._signal = signal.SIGINT if self._signal else number

    def _leave(self) -> None:
        """Say at `/readyz` that this process ends, and go on serving until the load balancer has heard of it."""
        processes.ending.set()
        log.info("server.ending", signal=signal.Signals(self._signal).name)
        end = time.monotonic() + self._settings.leave_seconds
        self.serve_while(lambda: self._signal == signal.SIGTERM and time.monotonic() < end)

    def _drain(self) -> None:
        """Accept no connections, let the requests finish that are here, and end the threads."""
        for each in self._listening():
            wasyncore.dispatcher.close(each)
        end = time.monotonic() + self._settings.drain_seconds
        self.serve_while(lambda: self._close_idle() and time.monotonic() < end)
        for app in self._apps.values():
            with suppress(SQLAlchemyError):
                processes.ended(app.services.db)
                break
        self.close()

    def _close_idle(self) -> bool:
        """Close the connections without a request; return whether others are left."""
        channels = [each for each in self._map.values() if isinstance(each, HTTPChannel)]
        for each in channels:
            if not each.requests and each.request is None and not each.total_outbufs_len:
                each.will_close = True
        return bool(channels)

    def _listening(self) -> list[BaseWSGIServer]:
        return [each for each in self._map.values() if isinstance(each, BaseWSGIServer)]

    def serve_while(self, condition: Callable[[], bool]) -> None:
        """Serve as long as a condition holds; it is looked at every 0.2 seconds and after each event."""
        while condition():
            wasyncore.loop(_TICK_SECONDS, self._server.adj.asyncore_use_poll, self._map, 1)


def serve(app: WSGIApp, _global_config: Mapping[str, str], **options: Any) -> None:
    """Paste server runner: `pserve` calls it, and returns when it ends. Raises SettingsError."""
    settings = read(ServerSettings, {key: options[key] for key in _OWN_KEYS & options.keys()})
    if settings.processes == 1:
        Server(app, **options).run()
        return
    if "unix_socket" in options:
        raise SettingsError(
            "processes in [server:main]: several listen on addresses alone, not on a unix_socket"
        )
    where = {key: options.pop(key) for key in _ADDRESS_KEYS & options.keys()}
    with ExitStack() as stack:
        sockets = [stack.enter_context(each) for each in _listening(where)]

        def work(slot: int, lives: Callable[[], bool]) -> None:
            Server(app, slot, sockets=sockets, **options).run(lives)

        seconds = settings.leave_seconds + settings.drain_seconds + _TO_END_SECONDS
        Supervisor(settings.processes, work, seconds=seconds, release=stack.close).run()


def _listening(where: Mapping[str, str]) -> list[socket.socket]:
    """Open the sockets of some addresses, in waitress's form. Raises SettingsError."""
    made = []
    for family, kind, protocol, address in Adjustments(**where).listen:
        each = socket.socket(family, kind, protocol)
        made.append(each)
        each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            each.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        try:
            each.bind(address)
        except OSError as error:
            raise SettingsError(
                f"listen in [server:main]: cannot listen on {address[0]}:{address[1]} ({error.strerror})"
            ) from None
        each.setblocking(False)
    return made


def _with_threads(count: int) -> ThreadedTaskDispatcher:
    made = ThreadedTaskDispatcher()
    made.set_thread_count(count)
    return made
