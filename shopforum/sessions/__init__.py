"""Login sessions for Pyramid: revocable, kept in PostgreSQL, safe against copied cookies.

    config.include("shopforum.sessions")
    config.set_session_engine(engine)        # SQLAlchemy on PostgreSQL, in AUTOCOMMIT
    config.set_session_authority(authority)  # who issues and revokes refresh tokens (authority.py)

gives `request.identity`, `request.sessions`, `remember` and `forget`, CSRF tokens bound to the session, and the view
option `fresh_login`. The settings are in config.py, the rules in lifecycle.py, the SQL in records.py. The package
imports nothing of the application around it. docs/sessions.md has the whole story.
"""

from collections.abc import Iterable, Mapping

from pyramid.config import Configurator
from pyramid.csrf import get_csrf_token  # noqa: F401 - part of the public names
from pyramid.request import Request
from pyramid.viewderivers import INGRESS, csrf_view
from sqlalchemy import Engine

from ..core.database import Database, is_outage, refuses_value
from . import config as settings
from .authority import Authority, AuthorityMisconfigured, AuthorityUnavailable, Refreshed, RefreshRefused
from .csrf import CSRFPolicy
from .deny_rules import Rule, ShutOut, SignInBlocked
from .form_refusals import ForeignForm, FormRefused
from .lifecycle import Sessions
from .model import Login, Reason, Session
from .policy import SIGNED_IN, SessionPolicy, cleared_headers, client_of
from .reach import Limit, TooFar
from .request import registry_of
from .revocation import Scope
from .view_options import FreshLoginRequired, own_form, require_fresh

__all__ = [
    "SIGNED_IN",
    "Authority",
    "AuthorityMisconfigured",
    "AuthorityUnavailable",
    "ForeignForm",
    "FormRefused",
    "FreshLoginRequired",
    "Limit",
    "Login",
    "Reason",
    "RefreshRefused",
    "Refreshed",
    "Rule",
    "Scope",
    "Session",
    "Sessions",
    "ShutOut",
    "SignInBlocked",
    "TooFar",
    "cleared_headers",
    "client_of",
    "is_outage",
    "refuses_value",
]


def includeme(config: Configurator) -> None:
    """Wire the add-on into an application."""
    registry_of(config.registry).session_permissions = {}
    config.add_directive("set_session_engine", _set_engine)
    config.add_directive("set_session_authority", _set_authority)
    config.add_directive("add_session_permissions", _add_permissions)
    config.set_security_policy(SessionPolicy())
    config.set_csrf_storage_policy(CSRFPolicy())
    # The origin is checked with the token, by csrf.py: Pyramid's own check trusts sibling hosts to be named.
    config.set_default_csrf_options(require_csrf=True, token="csrf_token", check_origin=False)  # noqa: S106
    # Pyramid looks up who is asking before it checks for forgery: a forged POST would then extend or refresh the
    # victim's session first.
    config.add_view_deriver(csrf_view, name="csrf_view", under=INGRESS, over="secured_view")
    config.add_view_deriver(own_form, under=INGRESS, over="csrf_view")
    config.add_view_deriver(require_fresh, under="secured_view")
    config.add_request_method(_sessions, "sessions", reify=True)


def _set_engine(config: Configurator, engine: Engine, prepare: bool = True) -> None:
    """Directive: the engine of the database that holds the sessions. `prepare` as for `Database`."""
    registry_of(config.registry).session_database = Database(engine, prepare)


def _set_authority(config: Configurator, authority: Authority) -> None:
    """Directive: the identity provider. To be called after `set_session_engine`."""
    registry = registry_of(config.registry)
    registry.sessions = Sessions(registry.session_database, settings.parse(registry.settings), authority)


def _add_permissions(config: Configurator, permissions: Mapping[str, Iterable[str]]) -> None:
    """Directive: which roles hold a permission, `{"sessions:revoke": {"responder", "owner"}}`."""
    registry_of(config.registry).session_permissions.update(
        {name: frozenset(roles) for name, roles in permissions.items()}
    )


def _sessions(request: Request) -> Sessions:
    return registry_of(request.registry).sessions
