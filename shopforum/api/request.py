"""The request of the API, typed: the operations take one of these. It is not the sites': it has no cookies to read."""

from dataclasses import dataclass

from pyramid.httpexceptions import HTTPForbidden
from pyramid.registry import Registry
from pyramid.request import Request

from ..api_tokens.tokens import Token
from ..core.sites import Site
from ..operations.approval_requests import TwoPeople
from ..sessions import Sessions
from ..web.request import DatabaseAccess

# The environment's key for the request's id, which the console's tween hands over.
REQUEST_ID = "shopforum.request_id"
_KEY = "shopforum.api"


@dataclass(frozen=True)
class ApiServices:
    """The objects that the operations share. Subjects of `issuer` are this deployment's users (RFC 9493, `iss_sub`).
    `two_people` says whether acts take a second owner.
    """

    site: Site
    sessions: Sessions
    issuer: str
    two_people: TwoPeople


class ApiRequest(DatabaseAccess, Request):
    """A call of the API. `identity` is the bearer token; None if no valid token came."""

    identity: Token | None

    @property
    def services(self) -> ApiServices:
        """The objects that the operations share."""
        return services_of(self.registry)

    @property
    def site(self) -> Site:
        """The console's site."""
        return self.services.site

    @property
    def sessions(self) -> Sessions:
        """The session core."""
        return self.services.sessions

    @property
    def id(self) -> str:
        """The request's id, as the console's log has it."""
        return str(self.environ.get(REQUEST_ID, ""))

    @property
    def token(self) -> Token:
        """The bearer token, in an operation that requires a scope. Raises RuntimeError without a valid token."""
        if self.identity is None:
            raise RuntimeError("no valid token: the operation needs a scope")
        return self.identity

    def require(self, scope: str) -> None:
        """Raise HTTPForbidden where the token lacks a scope that only the body makes necessary."""
        allowed = self.has_permission(scope)
        if not allowed:
            raise HTTPForbidden(result=allowed)


def install(registry: Registry, services: ApiServices) -> None:
    """Make the services those of the API's application."""
    registry[_KEY] = services


def services_of(registry: Registry) -> ApiServices:
    """Return the services of the API's application."""
    services: ApiServices = registry[_KEY]
    return services
