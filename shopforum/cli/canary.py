"""The worker's canary: make a session, revoke it, and measure how soon each node and FusionAuth refuse it.

At a node it is a row of the table `canaries`; the node says whether the row is live (`web/probe.py`). At FusionAuth it is a
refresh token of an account that is nobody's. It is revoked there after it is ended here, as a session is.
"""

import http.client
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit
from uuid import UUID

import structlog

from shopforum.core.causes import cause
from shopforum.core.sites import STORE
from shopforum.idp import LoginAnswer, LoginRefused, TwoFactorRequired
from shopforum.sessions import AuthorityUnavailable, RefreshRefused
from shopforum.sessions.audit import Client
from shopforum.web import canary, probe
from shopforum.web.services import Services

# Seconds within which a revocation has to be felt, and within which a new canary has to be served.
PATIENCE = 10.0
# Seconds that a node has for each step of an answer.
_TIMEOUT = 10.0
# Seconds between two questions.
_AGAIN = 0.02

_CLIENT = Client(None, "shopforum canary")

log = structlog.get_logger()


class NotMeasuredError(Exception):
    """The place could not be asked. The message says why."""


class Place(Protocol):
    """A place where a revocation is to be felt. Its methods raise NotMeasuredError."""

    name: str

    def served(self) -> bool:
        """Return whether the canary is served."""
        ...

    def revoke(self) -> None:
        """Do what the place needs to hear of the revocation, which is committed already."""
        ...


@dataclass
class Node:
    """A web process, or the proxy before several."""

    name: str
    services: Services
    asked: UUID

    def served(self) -> bool:
        """Ask the node for the canary."""
        secrets, host = self.services.sessions.config.secrets, urlsplit(self.services.site.url).netloc
        try:
            answer = probe.ask(self.name, secrets, headers={"Host": host}, asked=self.asked, timeout=_TIMEOUT)
        except (OSError, http.client.HTTPException) as error:
            raise NotMeasuredError(f"no answer: {cause(error)}") from None
        if answer.received is None or answer.received.canary is None:
            raise NotMeasuredError(f"answers {answer.status}, and not as a node of this deployment does")
        return answer.received.canary

    def revoke(self) -> None:
        """Nothing: the node reads the database."""


class FusionAuthAccount:
    """The account at FusionAuth, with a refresh token of its own for each measurement."""

    name = canary.FUSIONAUTH

    def __init__(self, services: Services, settings: canary.CanarySettings) -> None:
        self._idp = services.idp
        self._settings = settings
        self._login: LoginAnswer | None = None
        self._token = ""
        self._token_id: UUID | None = None

    def served(self) -> bool:
        """Exchange the refresh token, after a login at first."""
        try:
            login = self._login = self._login or self._log_in()
            found = self._idp.refresh(self._token, login.user_id, _CLIENT)
        except RefreshRefused:
            return False
        except AuthorityUnavailable as error:
            raise NotMeasuredError(str(error)) from None
        # With one-time tokens each exchange brings another.
        self._token, self._token_id = found.refresh_token, found.refresh_token_id or self._token_id
        return True

    def revoke(self) -> None:
        """Revoke the token as the outbox does."""
        try:
            self._idp.revoke(STORE, refresh_token_id=self._token_id, user_id=None)
        except AuthorityUnavailable as error:
            raise NotMeasuredError(str(error)) from None

    def _log_in(self) -> LoginAnswer:
        try:
            found = self._idp.login(
                self._settings.email, self._settings.password, _CLIENT, "shopforum canary"
            )
        except (LoginRefused, TwoFactorRequired) as error:
            raise NotMeasuredError(f"the login is refused: {error}") from None
        if found.refresh_token is None or found.refresh_token_id is None:
            raise NotMeasuredError("the login brought no refresh token")
        self._token, self._token_id = found.refresh_token, found.refresh_token_id
        return found


def measure(services: Services) -> int:
    """Make the canary of this minute, revoke it, and store how long that took to be felt at each place. Returns how many places
    were measured: 0 where none is configured, or another worker has this minute.

    Raises sqlalchemy.exc.DBAPIError.
    """
    settings = canary.parse(services.settings)
    if not settings.places:
        return 0
    made = canary.make(services.db, services.site.name, services.sessions.login_start())
    if made is None:
        return 0
    places: list[Place] = [Node(name, services, made) for name in settings.nodes]
    if settings.email:
        places.append(FusionAuthAccount(services, settings))
    with ThreadPoolExecutor(len(places)) as pool:
        ready = list(pool.map(lambda place: _tried(lambda: _until(place, served=True)), places))
        started = time.monotonic()
        canary.revoke(services.db, made)
        felt = list(pool.map(lambda place: _tried(lambda: _felt(place, started)), places))
    for place, before, after in zip(places, ready, felt, strict=True):
        why = f"the test session was not served before: {before.why}" if before.why else after.why
        if why:
            log.warning("canary.not_felt", place=place.name, why=why)
        canary.note(services.db, place.name, None if why else after.seconds, why[:300])
    return len(places)


@dataclass(frozen=True)
class _Tried:
    """The seconds that something took, or why it was not done."""

    seconds: float | None = None
    why: str = ""


def _tried(act: Callable[[], float]) -> _Tried:
    try:
        return _Tried(act())
    except NotMeasuredError as error:
        return _Tried(why=str(error))


def _felt(place: Place, started: float) -> float:
    """Return how many seconds after `started` the place refused the canary."""
    place.revoke()
    return _until(place, served=False) - started


def _until(place: Place, *, served: bool) -> float:
    """Ask until the canary is served, or is not any more; return when the answer came."""
    deadline = time.monotonic() + PATIENCE
    while place.served() is not served:
        if time.monotonic() > deadline:
            raise NotMeasuredError(f"{'not served' if served else 'still served'} after {PATIENCE:g} seconds")
        time.sleep(_AGAIN)
    return time.monotonic()
