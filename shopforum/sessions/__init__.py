"""Login sessions for Pyramid: revocable, stored in PostgreSQL, protected against copied cookies.

    config.include("shopforum.sessions")
    config.set_session_engine(engine)        # SQLAlchemy on PostgreSQL, in AUTOCOMMIT
    config.set_session_authority(authority)  # issues and revokes refresh tokens (authority.py)

An application then has `request.identity`, `request.sessions`, `remember` and `forget`, CSRF tokens bound to the session,
and the view option `fresh_login`. docs/addon.md is the reference, docs/sessions.md has the rules and their reasons.

Public are the names in `__all__`, and the modules of EXTENSION_POINTS. Every other module is internal. The
package imports nothing of the application around it but `core`.
"""

from collections.abc import Iterable, Mapping

from pyramid.config import Configurator
from pyramid.csrf import get_csrf_token
from pyramid.request import Request
from pyramid.viewderivers import INGRESS, csrf_view
from sqlalchemy import Engine

from ..core.database import Database, is_outage, refuses_value
from . import binding_views
from . import config as settings
from .audit import Client
from .authority import Authority, AuthorityMisconfigured, AuthorityUnavailable, Refreshed, RefreshRefused
from .csrf import CSRFPolicy
from .deny_rules import Rule, ShutOut, SignInBlocked
from .flags import MOST_DISMISSED
from .form_refusals import ForeignForm, FormRefused
from .keyring import REFRESH_TOKEN
from .lifecycle import Sessions
from .model import Login, LoginStart, Outcome, Pair, Reason, Session, SessionBusy
from .policy import (
    FORM_SESSION,
    NOBODY,
    SIGNED_IN,
    UNTOUCHED,
    SessionPolicy,
    cleared_headers,
    client_of,
    policy_of,
)
from .prefetch import is_prefetch
from .reach import Limit, TooFar
from .request import SessionRequest, registry_of
from .rows import OwnSession
from .scope import Scope
from .view_options import FreshLoginRequired, own_form, require_fresh

__all__ = [
    "FORM_SESSION",
    "MOST_DISMISSED",
    "NOBODY",
    "REFRESH_TOKEN",
    "SIGNED_IN",
    "UNTOUCHED",
    "Authority",
    "AuthorityMisconfigured",
    "AuthorityUnavailable",
    "Client",
    "ForeignForm",
    "FormRefused",
    "FreshLoginRequired",
    "Limit",
    "Login",
    "LoginStart",
    "Outcome",
    "OwnSession",
    "Pair",
    "Reason",
    "RefreshRefused",
    "Refreshed",
    "Rule",
    "Scope",
    "Session",
    "SessionBusy",
    "SessionRequest",
    "Sessions",
    "ShutOut",
    "SignInBlocked",
    "TooFar",
    "cleared_headers",
    "client_of",
    "get_csrf_token",
    "is_outage",
    "is_prefetch",
    "policy_of",
    "refuses_value",
    "registry_of",
]

# The modules that an application may import beside the names above: docs/addon.md says what each is for.
EXTENSION_POINTS = frozenset(
    {
        *(
            "acts",
            "audit",
            "audit_chain",
            "config",
            "cookies",
            "csrf",
            "deny_rules",
            "honey",
            "jobs",
            "keyring",
            "live",
            "outbox",
            "provider_events",
            "reach",
        ),
        *("revocation", "risk_signals", "tables", "vocabulary", "witness"),
    }
)


def includeme(config: Configurator) -> None:
    """Install the add-on in an application; called by `config.include`."""
    registry_of(config.registry).session_permissions = {}
    config.add_directive("set_session_engine", _set_engine)
    config.add_directive("set_session_authority", _set_authority)
    config.add_directive("add_session_permissions", _add_permissions)
    config.set_security_policy(SessionPolicy())
    config.set_csrf_storage_policy(CSRFPolicy())
    # csrf.py checks the origin with the token. Pyramid's own check accepts sibling hosts that are listed as trusted.
    config.set_default_csrf_options(require_csrf=True, token="csrf_token", check_origin=False)  # noqa: S106
    # Pyramid looks the identity up before it checks for forgery: a forged POST would then extend or refresh the victim's
    # session first.
    config.add_view_deriver(csrf_view, name="csrf_view", under=INGRESS, over="secured_view")
    config.add_view_deriver(own_form, under=INGRESS, over="csrf_view")
    config.add_view_deriver(require_fresh, under="secured_view")
    config.add_request_method(_sessions, "sessions", reify=True)
    config.include(binding_views)


def _set_engine(config: Configurator, engine: Engine, prepare: bool = True) -> None:
    """Directive: set the engine of the database that holds the sessions. `prepare` as for `core.database.Database`."""
    registry_of(config.registry).session_database = Database(engine, prepare)


def _set_authority(config: Configurator, authority: Authority) -> None:
    """Directive: set the identity provider. Call it after `set_session_engine`. Raises SettingsError."""
    parsed = settings.parse(config.registry.settings)
    registry_of(config.registry).sessions = Sessions(
        registry_of(config.registry).session_database, parsed, authority
    )


def _add_permissions(config: Configurator, permissions: Mapping[str, Iterable[str]]) -> None:
    """Directive: set which roles hold a permission, `{"sessions:revoke": {"responder", "owner"}}`."""
    registry_of(config.registry).session_permissions.update(
        {name: frozenset(roles) for name, roles in permissions.items()}
    )


def _sessions(request: Request) -> Sessions:
    return registry_of(request.registry).sessions
