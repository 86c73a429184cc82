"""The proxies before the server of `pserve`: whose forwarded headers are believed, and what is said of requests that came otherwise.

waitress believes one address, or all. Here `trusted_proxy` may name several addresses and networks, and X-Forwarded-Proto may
have a value of each proxy on the way, as X-Forwarded-For has. `trusted_proxy_count` says how many of these values come
from proxies of one's own, counted from the end; those before them were written by anybody.
"""

import ipaddress
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import structlog
from waitress.proxy_headers import PROXY_HEADERS, proxy_headers_middleware

from ..core import addresses
from ..core.addresses import Network
from ..core.settings import SettingsError
from ..core.text import clean
from . import health
from .probe import ARRIVAL, PATH, Arrival

WSGIApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

log = structlog.get_logger("shopforum")

# Seconds after which the same is said again.
_SILENCE = 60.0
_TRUE = {"true", "t", "yes", "y", "on", "1"}
# The keys of [server:main] that are waitress's and are read here.
KEYS = (
    "trusted_proxy",
    "trusted_proxy_count",
    "trusted_proxy_headers",
    "clear_untrusted_proxy_headers",
    "log_untrusted_proxy_headers",
)


def wrap(app: WSGIApp, urls: Mapping[str, str], options: Mapping[str, Any]) -> WSGIApp:
    """Return the app behind the proxies that the options of [server:main] name. `urls` are the sites' URLs by Host.

    Raises SettingsError.
    """
    trusted = networks(str(options.get("trusted_proxy", "")))
    headers = _headers(str(options.get("trusted_proxy_headers", "")))
    count = _count(str(options.get("trusted_proxy_count", "1")))
    clear = str(options.get("clear_untrusted_proxy_headers", "true")).strip().lower() in _TRUE
    watched = _Watch(app, urls)
    behind = proxy_headers_middleware(
        watched,
        trusted_proxy="*",
        trusted_proxy_count=count,
        trusted_proxy_headers=headers,
        clear_untrusted=clear,
    )
    direct = proxy_headers_middleware(watched, clear_untrusted=clear)

    def call(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        peer = environ.get("REMOTE_ADDR", "")
        by_proxy = _is_in(peer, trusted)
        environ[ARRIVAL] = Arrival(
            peer,
            by_proxy,
            environ.get("HTTP_X_FORWARDED_PROTO"),
            environ.get("HTTP_X_FORWARDED_FOR", environ.get("HTTP_FORWARDED")),
        )
        if not by_proxy:
            return direct(environ, start_response)
        if "x-forwarded-proto" in headers and "HTTP_X_FORWARDED_PROTO" in environ:
            # One value for each proxy, as in X-Forwarded-For.
            values = environ["HTTP_X_FORWARDED_PROTO"].split(",")
            environ["HTTP_X_FORWARDED_PROTO"] = values[-count:][0].strip()
        return behind(environ, start_response)

    return call


def networks(text: str) -> tuple[Network, ...]:
    """Read `trusted_proxy`: addresses and networks, separated by spaces or commas; * for all. Raises SettingsError."""
    if text.strip() == "*":
        text = "0.0.0.0/0 ::/0"
    try:
        return tuple(addresses.network(one, strict=True) for one in text.replace(",", " ").split())
    except ValueError as error:
        raise SettingsError(f"trusted_proxy in [server:main] takes addresses and networks: {error}") from None


class _Watch:
    """The app, and a line in the log for requests that come by a way which the settings do not expect."""

    def __init__(self, app: WSGIApp, urls: Mapping[str, str]) -> None:
        self._app, self._urls = app, urls
        self._said: dict[str, float] = {}

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Respond to a request (PEP 3333)."""
        url = self._urls.get(environ.get("HTTP_HOST", "").lower())
        a_probe = environ.get("PATH_INFO") in (*health.PATHS, PATH)
        if url and not a_probe and not url.startswith(f"{environ['wsgi.url_scheme']}://"):
            self._say("scheme", url, environ)
        return self._app(environ, start_response)

    def _say(self, why: str, url: str, environ: Mapping[str, Any]) -> None:
        """Log it, at most once a minute for each site: everybody can send such requests."""
        now = time.monotonic()
        if now - self._said.get(url, float("-inf")) < _SILENCE:
            return
        self._said[url] = now
        arrival: Arrival = environ[ARRIVAL]
        way = "proxy" if arrival.trusted else "client, not in trusted_proxy:"
        forwarded = arrival.forwarded_proto
        log.warning(
            "proxy.unexpected",
            why=why,
            expected=f"{url}, from a proxy in trusted_proxy that sets X-Forwarded-Proto",
            received=f"{environ['wsgi.url_scheme']} from {way} {arrival.peer}",
            forwarded_proto=clean(forwarded, 100) if forwarded is not None else None,
        )


def _headers(text: str) -> set[str]:
    names = {name.lower() for name in text.replace(",", " ").split()} or {
        "x-forwarded-for",
        "x-forwarded-proto",
    }
    known = {name.lower().replace("_", "-") for name in PROXY_HEADERS}
    if names - known or ("forwarded" in names and len(names) > 1):
        raise SettingsError(
            f"trusted_proxy_headers in [server:main] takes names of {', '.join(sorted(known))}; forwarded alone"
        )
    return names


def _count(text: str) -> int:
    if not text.strip().isdecimal() or int(text) < 1:
        raise SettingsError("trusted_proxy_count in [server:main] must be a whole number from 1")
    return int(text)


def _is_in(peer: str, trusted: tuple[Network, ...]) -> bool:
    known = addresses.peer(peer)
    return known is not None and any(ipaddress.ip_address(known) in network for network in trusted)
