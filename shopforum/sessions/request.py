"""Pyramid's request and registry as the add-on knows them. The classes are for annotations: an application's requests
need not be made from them.
"""

from typing import cast

from pyramid.registry import Registry
from pyramid.request import Request

from ..core.database import Database
from .lifecycle import Sessions
from .model import Session


class SessionRequest(Request):
    """A request of an application that includes the add-on. `identity` is the signed-in session, None without one."""

    identity: Session | None
    sessions: Sessions


class SessionRegistry(Registry):
    """The add-on's attributes of the registry. `session_permissions` are the roles that hold a permission, by name."""

    session_permissions: dict[str, frozenset[str]]
    session_database: Database
    sessions: Sessions


def registry_of(registry: Registry) -> SessionRegistry:
    """Return the same registry, typed."""
    return cast("SessionRegistry", registry)
