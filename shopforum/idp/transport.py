"""One pooled HTTP session to FusionAuth: short timeouts, no cookies, no redirects, bounded answers."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import requests

from ..core import network_deadlines, outgoing_requests
from ..sessions import AuthorityMisconfigured, AuthorityUnavailable
from . import timing
from .breaker import Breaker, Breakers, Unreachable
from .settings import IdpSettings

# A user object has whatever a customer stores in it, and a user whose answer is too large cannot sign in: far more than
# anybody needs, and no more than a server can hold for all calls at once.
_LARGEST_ANSWER = 8 * 1024 * 1024


class AccountFault(AuthorityUnavailable):
    """FusionAuth answered with an error that may concern this account alone, and says nothing about other accounts. `status` is
    its status.
    """

    def __init__(self, text: str, status: int = 0) -> None:
        super().__init__(text)
        self.status = status


class Transport:
    """A sender of requests to FusionAuth. Thread-safe."""

    def __init__(self, settings: IdpSettings, pool_size: int = 20) -> None:
        self._settings = settings
        # Three kinds of calls together leave one of a server's sixteen threads.
        self.breaker = Breakers(most=pool_size // 4)
        self._http = outgoing_requests.sender(pool_size)

    def call(self, breaker: Breaker, method: str, path: str, *, key: bool, **body: Any) -> tuple[int, Any]:
        """Send one request; `key` adds the API key. The body is `json=`, `data=` or `params=`.

        Returns the status and the parsed body, None where it is empty. Raises AuthorityUnavailable, or one of its kinds:
        Unreachable where the server did not answer, AccountFault where its error may concern this account alone,
        AuthorityMisconfigured where FusionAuth refuses this application.
        """
        with self.turn(breaker) as ask:
            return ask(method, path, key=key, **body)

    @contextmanager
    def turn(self, breaker: Breaker) -> Iterator[Callable[..., tuple[int, Any]]]:
        """Make several calls one after the other: yields a function like `call`.

        Together they take one place among the calls under way, and the time of one call: a refresh that took longer would
        outlast its lease.
        """
        with timing.measured(breaker.name), breaker.guard():
            seconds = self._settings.connect_timeout + self._settings.read_timeout
            yield partial(self._call, time.monotonic() + seconds)

    def _call(self, ends: float, method: str, path: str, *, key: bool, **body: Any) -> tuple[int, Any]:
        left = ends - time.monotonic()
        if left <= 0:
            raise Unreachable("FusionAuth took too long")
        headers = {"Accept": "application/json"}
        if key:
            headers["Authorization"] = self._settings.api_key
        if self._settings.tenant_id:
            headers["X-FusionAuth-TenantId"] = self._settings.tenant_id
        # A connection is tried twice.
        timeouts = (min(self._settings.connect_timeout, left / 2), min(self._settings.read_timeout, left))
        try:
            with (
                network_deadlines.ended_after(left),
                self._http.request(
                    method,
                    self._settings.url + path,
                    headers=headers,
                    timeout=timeouts,
                    allow_redirects=False,
                    stream=True,
                    **body,
                ) as response,
            ):
                content = _read(response)
        except (requests.RequestException, OSError, ValueError) as error:
            # ValueError: requests parses an invalid Location even where it does not follow it.
            raise _no_answer(error) from None
        status = response.status_code
        if status in (401, 403):
            raise AuthorityMisconfigured(f"FusionAuth refuses our key or client ({status} from {path})")
        if status == 429 or (status >= 500 and content.strip()):
            # Too many attempts on one account; or a lambda, a webhook or a connector that fails for it (512, 504, 500).
            raise AccountFault(f"FusionAuth answered {status}", status)
        if status >= 500:
            raise Unreachable(f"FusionAuth answered {status}")
        if 300 <= status < 400:
            raise AuthorityUnavailable(f"FusionAuth answered {status}")
        return status, _parse(content)


def _no_answer(error: Exception) -> AuthorityUnavailable:
    """Return the exception for a call without an answer: Unreachable, or AuthorityUnavailable for an unreadable answer."""
    unreadable = isinstance(error, requests.RequestException | ValueError)
    silent = (requests.Timeout, requests.ConnectionError, requests.exceptions.ChunkedEncodingError)
    kind = AuthorityUnavailable if unreadable and not isinstance(error, silent) else Unreachable
    return kind(f"FusionAuth cannot be reached: {type(error).__name__}")


def _read(response: requests.Response) -> bytes:
    """Return the body. Raises AccountFault for one that is too large: it may be that of one user."""
    content = bytearray()
    for chunk in response.iter_content(65536):
        content += chunk
        if len(content) > _LARGEST_ANSWER:
            raise AccountFault(
                f"FusionAuth's answer was larger than {_LARGEST_ANSWER} bytes", response.status_code
            )
    return bytes(content)


def _parse(content: bytes) -> Any:
    if not content.strip():
        return None
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        raise AuthorityUnavailable("FusionAuth's answer is not JSON") from None
