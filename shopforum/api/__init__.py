"""The admin API under /api/ on the console's host: see sessions, end them, and follow the audit log, with a token.

The API is an app of its own inside the console: a tween hands it every path under /api/ before the console's routes,
policy and error pages. So it reads and sets no cookie, has no form to forge, and refuses a call without a scope. It shares
only what surrounds every request: the request id, the log line and the security headers (`web/tweens.py`). Its routes and
checks are made from the document in `openapi.py`.
"""

from collections.abc import Mapping
from typing import Any

from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPForbidden
from pyramid.request import Request
from pyramid.router import Router
from pyramid.security import NO_PERMISSION_REQUIRED
from pyramid.tweens import EXCVIEW

from ..core.settings import read
from ..core.sites import Site
from ..sessions import Sessions
from ..web.request import Request as SiteRequest
from .settings import ApiSettings

# The WSGI key that hands over the request's id.
REQUEST_ID = "shopforum.request_id"


def includeme(config: Configurator) -> None:
    """Mount the API on the console. Raises SettingsError."""
    registry = config.registry
    idp = registry.parsed_settings.idp
    issuer = (idp.issuer or idp.url).rstrip("/")
    per_minute = read(ApiSettings, registry.settings).calls_per_minute
    registry.api = make(registry.site, registry.sessions, per_minute, issuer)
    config.add_tween("shopforum.api.gate.mount", under="shopforum.web.tweens.observe", over=EXCVIEW)


def make(site: Site, sessions: Sessions, per_minute: int, issuer: str) -> Router:
    """Make the API's app over the site's sessions and database. `per_minute` limits the calls of each token; `issuer` is the
    issuer of subject ids.
    """
    from ..api_tokens.rate_limit import Rate
    from ..core.read_only_database import ReadOnlyDatabase
    from . import gate, security_policy

    with Configurator(settings={}) as config:
        config.registry.site = site
        config.set_request_factory(SiteRequest)
        config.set_security_policy(own := security_policy.BearerPolicy(Rate(per_minute, per_minute / 60)))
        config.set_default_permission(security_policy.NOBODY)
        config.include(".problems")
        config.add_tween("shopforum.api.gate.guard", under=EXCVIEW)
        shared = {"site": site, "sessions": sessions, "db": sessions.db, "policy": own, "issuer": issuer}
        for name, value in shared.items():
            config.add_request_method(lambda _, value=value: value, name, property=True)
        config.add_request_method(lambda request: ReadOnlyDatabase(request.db), "read_db", reify=True)
        config.add_request_method(lambda request: request.environ.get(REQUEST_ID, ""), "id", property=True)
        config.add_request_method(security_policy.refused, "refused")
        config.add_request_method(_require, "require")
        gate.add_operations(config)
        return config.make_wsgi_app()


def _require(request: Request, scope: str) -> None:
    """Raise HTTPForbidden where the token lacks a scope that the body makes necessary."""
    allowed = request.has_permission(scope)
    if not allowed:
        raise HTTPForbidden(result=allowed)


def scopes_of(operation: Mapping[str, Any]) -> str | None:
    """Return the permission of an operation: its scopes, separated by spaces; None where the document names none."""
    security = operation.get("security")
    if security is None:
        return None
    return " ".join(scope for each in security for scope in each["token"]) or NO_PERMISSION_REQUIRED
