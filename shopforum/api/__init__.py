"""The admin API under /api/ on the console's host: see sessions, end them, and follow the audit log, with a token.

The API is an app of its own inside the console: a tween hands it every path under /api/ before the console's routes,
policy and error pages. So it reads and sets no cookie, has no form to forge, and refuses a call without a scope. It shares
only what surrounds every request: the request id, the log line and the security headers (`web/tweens.py`). Its routes and
checks are made from the document in `openapi.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pyramid.config import Configurator
from pyramid.router import Router
from pyramid.security import NO_PERMISSION_REQUIRED
from pyramid.tweens import EXCVIEW

from ..core.settings import read
from ..core.sites import Site
from ..operations.approval_requests import TwoPeople
from ..sessions import Sessions
from ..web.site_config import SiteConfigurator
from .settings import ApiSettings

# The WSGI key that hands over the request's id.
REQUEST_ID = "shopforum.request_id"


@dataclass(frozen=True)
class ApiApp:
    """The application of the API, which the console's tween hands requests to."""

    router: Router


def includeme(config: SiteConfigurator) -> None:
    """Mount the API on the console. Raises SettingsError."""
    shared = config.services
    issuer = (shared.idp_settings.issuer or shared.idp_settings.url).rstrip("/")
    per_minute = read(ApiSettings, config.registry.settings).calls_per_minute
    config.add_service(ApiApp(make(shared.site, shared.sessions, per_minute, issuer, shared.get(TwoPeople))))
    config.add_tween("shopforum.api.gate.mount", under="shopforum.web.tweens.observe", over=EXCVIEW)


def make(site: Site, sessions: Sessions, per_minute: int, issuer: str, two_people: TwoPeople) -> Router:
    """Make the API's app over the site's sessions and database. `per_minute` limits the calls of each token; `issuer` is the
    issuer of subject ids, `two_people` says whether acts take a second owner.
    """
    from ..api_tokens.rate_limit import Rate
    from . import gate, request, security_policy

    with Configurator(settings={}) as config:
        request.install(config.registry, request.ApiServices(site, sessions, issuer, two_people))
        config.set_request_factory(request.ApiRequest)
        config.set_security_policy(security_policy.BearerPolicy(Rate(per_minute, per_minute / 60)))
        config.set_default_permission(security_policy.NOBODY)
        config.include(".problems")
        config.add_tween("shopforum.api.gate.guard", under=EXCVIEW)
        gate.add_operations(config)
        return config.make_wsgi_app()


def scopes_of(operation: Mapping[str, Any]) -> str | None:
    """Return the permission of an operation: its scopes, separated by spaces; None where the document names none."""
    security = operation.get("security")
    if security is None:
        return None
    return " ".join(scope for each in security for scope in each["token"]) or NO_PERMISSION_REQUIRED
