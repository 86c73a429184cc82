"""Who calls: a bearer token and nothing else. No cookie is read here and none is set, so no page can forge a call."""

import re
from dataclasses import dataclass
from typing import Any, Self

from pyramid.interfaces import ISecurityPolicy
from pyramid.request import RequestLocalCache
from pyramid.security import Allowed, Denied

from ..api_tokens import rate_limit, tokens
from ..api_tokens.rate_limit import Rate
from ..api_tokens.tokens import Token
from ..core.text import clean
from ..sessions import audit, client_of
from ..sessions.audit import Event
from .request import ApiRequest as Request

# A view that names no scope asks for this one, which no token can have.
NOBODY = "nobody"

_BEARER = re.compile(r"Bearer +(\S+) *", re.IGNORECASE)
# Bad tokens from one address, each with a row of the trail. Nobody guesses 256 bits: this is for the trail's sake.
_BAD_TOKENS = Rate(burst=20, per_second=0.2)


@dataclass(frozen=True)
class Presented:
    """What came with the request: the token, or why there is none."""

    token: Token | None = None
    refused: Token | None = None


class MissingScope(Denied):
    """The token lacks `scope`: one scope, or several of which one would do, separated by spaces."""

    def __new__(cls, scope: str) -> Self:
        """Make the answer; Pyramid's are integers, so the scope is set here."""
        denied = super().__new__(cls, "missing scope")
        denied.scope = scope
        return denied

    scope: str


class BearerPolicy:
    """ISecurityPolicy. The token is looked up once a request, and only when a view asks for a scope."""

    def __init__(self, rate: Rate) -> None:
        self._rate = rate
        self._presented = RequestLocalCache(self._look)

    def identity(self, request: Request) -> Token | None:
        """The token, if it is good. May raise rates.TooFast."""
        return self.presented(request).token

    def presented(self, request: Request) -> Presented:
        """The token, good or refused."""
        return self._presented.get_or_create(request)

    def authenticated_userid(self, request: Request) -> str | None:
        """`token:NAME`, as the trail has it."""
        token = self.identity(request)
        return None if token is None else token.actor

    def permits(self, request: Request, context: Any, permission: str) -> Allowed | Denied:
        """Whether the token has the scope, or one of those that `permission` names, separated by spaces."""
        token = self.identity(request)
        if token is not None and token.scopes & set(permission.split()):
            return Allowed(permission)
        return MissingScope(permission)

    def remember(self, request: Request, userid: Any, **_: Any) -> list[tuple[str, str]]:
        """Nobody is remembered here."""
        return []

    def forget(self, request: Request, **_: Any) -> list[tuple[str, str]]:
        """Nor forgotten."""
        return []

    def _look(self, request: Request) -> Presented:
        sent = _BEARER.fullmatch(request.headers.get("Authorization", ""))
        if sent is None:
            return Presented()
        token = tokens.find(
            request.db, request.sessions.config.secrets, sent[1], self._rate, client_of(request)
        )
        return Presented(refused=token) if token and token.refused else Presented(token)


def policy_of(request: Request) -> BearerPolicy:
    """Return the security policy of the API's application."""
    policy: BearerPolicy = request.registry.queryUtility(ISecurityPolicy)
    return policy


def refused(request: Request, why: str, token: Token | None = None, **more: str) -> None:
    """Write a refused try to the trail. Raises rates.TooFast for an address that comes with bad tokens all the time."""
    client = client_of(request)
    known = token
    if token is None:
        rate_limit.take(request.db, f"address:{client.address}", _BAD_TOKENS)
        known = policy_of(request).presented(request).refused
    if known and known.refused:
        more["token"] = known.refused
    event = Event(
        "api_token_refused",
        request.site.name,
        client,
        initiating_entity="admin" if known else "system",
        actor=known.actor if known else "",
        detail={"why": why, "method": request.method, "path": clean(request.path_info, 200), **more},
    )
    audit.append(request.db, event)
