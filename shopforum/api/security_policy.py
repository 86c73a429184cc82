"""Authenticate calls by bearer token alone. No cookie is read or set here, so no page can forge a call."""

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
from ..sessions import audit, client_of, honey
from ..sessions.audit import Event
from ..sessions.vocabulary import EventName, InitiatingEntity
from .request import ApiRequest as Request

# The permission of a view that names no scope. No token can have it.
NOBODY = "nobody"

_BEARER = re.compile(r"Bearer +(\S+) *", re.IGNORECASE)
# Bad tokens from one address: each writes a row of the audit log. Nobody guesses 256 bits; this protects the log.
_BAD_TOKENS = Rate(burst=20, per_second=0.2)


@dataclass(frozen=True)
class Presented:
    """The token of a request; or in `refused` a known token that is refused."""

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
        """Return the token if it is valid. Raises rate_limit.TooFast."""
        return self.presented(request).token

    def presented(self, request: Request) -> Presented:
        """Return the token, valid or refused."""
        return self._presented.get_or_create(request)

    def authenticated_userid(self, request: Request) -> str | None:
        """Return `token:NAME`, the name in the audit log."""
        token = self.identity(request)
        return None if token is None else token.actor

    def permits(self, request: Request, context: Any, permission: str) -> Allowed | Denied:
        """Return whether the token has one of the scopes that `permission` names, separated by spaces."""
        token = self.identity(request)
        if token is not None and token.scopes & set(permission.split()):
            return Allowed(permission)
        return MissingScope(permission)

    def remember(self, request: Request, userid: Any, **_: Any) -> list[tuple[str, str]]:
        """Return no header: tokens are sent with every call."""
        return []

    def forget(self, request: Request, **_: Any) -> list[tuple[str, str]]:
        """Return no header: there is no cookie to clear."""
        return []

    def _look(self, request: Request) -> Presented:
        sent = _BEARER.fullmatch(request.headers.get("Authorization", ""))
        if sent is None:
            return Presented()
        token = tokens.find(
            request.db, request.sessions.config.secrets, sent[1], self._rate, client_of(request)
        )
        if token is None:
            secrets = request.sessions.config.secrets
            honey.note(
                request.db,
                secrets,
                [sent[1].removeprefix(tokens.PREFIX)],
                request.site.name,
                client_of(request),
            )
        return Presented(refused=token) if token and token.refused else Presented(token)


def policy_of(request: Request) -> BearerPolicy:
    """Return the security policy of the API's application."""
    policy: BearerPolicy = request.registry.queryUtility(ISecurityPolicy)
    return policy


def refused(request: Request, why: str, token: Token | None = None, **more: str) -> dict[str, str]:
    """Write a refused call to the audit log, and return what was written about it. Raises rate_limit.TooFast for an address that sends too many bad tokens."""
    client = client_of(request)
    known = token
    if token is None:
        rate_limit.take(request.db, f"address:{client.address}", _BAD_TOKENS)
        known = policy_of(request).presented(request).refused
    if known and known.refused:
        more["token"] = known.refused
    elif known is None and (removed := tokens.removed_keys(request.db, request.sessions.config.secrets)):
        # The cause of many refusals at once, and of none that could be seen otherwise.
        more["removed_keys"] = " ".join(removed)
    event = Event(
        EventName.API_TOKEN_REFUSED,
        request.site.name,
        client,
        initiating_entity=InitiatingEntity.ADMIN if known else InitiatingEntity.SYSTEM,
        actor=known.actor if known else "",
        detail={"why": why, "method": request.method, "path": clean(request.path_info, 200), **more},
    )
    audit.append(request.db, event)
    return more
