"""`/probe`: a site says what it has received, and whether a canary is live. `shopforum check` and the worker ask.

Only holders of a key of `shopforum.secret` are answered; others get 404. The key itself is not sent: a token made with it is,
which is good for some minutes, for this question alone. Such a request may name any Host, because a proxy that changes the
Host is one of the faults that it shows.
"""

import http.client
import json
import ssl
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPNotFound
from pyramid.request import Request as PyramidRequest
from pyramid.security import NO_PERMISSION_REQUIRED

from ..core import network_deadlines
from ..core.ids import parse_uuid
from ..sessions import client_of
from ..sessions.keyring import Keyring
from . import canary
from .request import Request

PATH = "/probe"

_TOKEN, _CANARY = "X-Shopforum-Probe", "X-Shopforum-Canary"
_PURPOSE = "probe"
# Seconds for which a token is good, and for which the clocks of two machines may differ.
_LIFE = 300
# Bytes of an answer that are read at most.
_MOST = 10_000

# The key of the environ under which `proxies.py` notes how a request arrived, and its value.
ARRIVAL = "shopforum.arrival"


@dataclass(frozen=True)
class Arrival:
    """The way of a request: the peer of the connection, whether `trusted_proxy` names it, and the headers that it has sent, None
    where it has not.
    """

    peer: str
    trusted: bool
    forwarded_proto: str | None
    forwarded_for: str | None


@dataclass(frozen=True)
class Received:
    """A request as a site has received it: how the site understands the request, and the way on which it came (`Arrival`)."""

    site: str
    scheme: str
    host: str
    address: str | None
    origin: str | None
    peer: str
    trusted: bool
    forwarded_proto: str | None
    forwarded_for: str | None
    # True if the requested canary is live; None if none was requested.
    canary: bool | None = None


@dataclass(frozen=True)
class Answer:
    """An answer to `ask`: its status, its Referrer-Policy with all values, and what was received; None where the answer is not this
    deployment's.
    """

    status: int
    referrer_policy: str | None
    received: Received | None


def includeme(config: Configurator) -> None:
    """Add the address."""
    config.add_route("probe", PATH)
    config.add_view(
        probe,
        route_name="probe",
        renderer="json",
        request_method="GET",
        permission=NO_PERMISSION_REQUIRED,
    )


def is_authentic(request: PyramidRequest, keyring: Keyring) -> bool:
    """Return whether the sender of a request to `/probe` has a key of this deployment."""
    if request.environ.get("PATH_INFO") != PATH:
        return False
    subject = keyring.form_subject(_PURPOSE, request.headers.get(_TOKEN, ""))
    return subject is not None and abs(time.time() - int(subject)) <= _LIFE


def probe(request: Request) -> dict[str, Any]:
    """Return what this site has received. Raises HTTPNotFound without a key."""
    services = request.services
    if not is_authentic(request, services.sessions.config.secrets):
        raise HTTPNotFound
    environ = request.environ
    arrival = environ.get(ARRIVAL) or Arrival(environ.get("REMOTE_ADDR", ""), False, None, None)
    asked = parse_uuid(request.headers.get(_CANARY, ""))
    received = Received(
        services.site.name,
        request.scheme,
        environ.get("HTTP_HOST", ""),
        client_of(request).address,
        request.headers.get("Origin"),
        **asdict(arrival),
        canary=canary.is_live(services.db, asked) if asked else None,
    )
    return asdict(received)


class _Watched(http.client.HTTPConnection):
    def connect(self) -> None:
        super().connect()
        network_deadlines.watch(self.sock)


class _WatchedTls(http.client.HTTPSConnection, _Watched):
    pass


def ask(
    url: str,
    keyring: Keyring,
    *,
    headers: Mapping[str, str] | None = None,
    asked: UUID | None = None,
    timeout: float,
) -> Answer:
    """Ask the site at an address, which is its URL without a path; `asked` is a canary. No redirect is followed.

    Raises OSError and http.client.HTTPException where no answer comes within `timeout` seconds.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    connection = (
        _WatchedTls(host, parts.port, timeout=timeout, context=ssl.create_default_context())
        if parts.scheme == "https"
        # Names below localhost are this machine (RFC 6761, 6.3), whether its resolver knows them or not.
        else _Watched("localhost" if host.endswith(".localhost") else host, parts.port, timeout=timeout)
    )
    token = keyring.form_token(_PURPOSE, str(int(time.time())))
    sent = {
        "Host": parts.netloc,
        **(headers or {}),
        _TOKEN: token,
        **({_CANARY: str(asked)} if asked else {}),
    }
    with closing(connection), network_deadlines.ended_after(timeout):
        connection.request("GET", PATH, headers=sent)
        with connection.getresponse() as response:
            network_deadlines.check()
            body = response.read(_MOST)
    return Answer(response.status, response.getheader("Referrer-Policy"), _received(response.status, body))


def _received(status: int, body: bytes) -> Received | None:
    if status != 200:
        return None
    try:
        return Received(**json.loads(body))
    except (ValueError, TypeError):
        return None
