"""Mapping FusionAuth's events to the sessions that they end. The names in events are FusionAuth's, as of 1.69."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from ..core.ids import parse_uuid
from ..idp import same_id
from ..sessions.vocabulary import EndReason

# Events about a user on all sites, and the reason with which the user's sessions end.
_OF_USER = {
    "user.deactivate": EndReason.ACCOUNT_LOCKED,
    "user.delete": EndReason.ACCOUNT_DELETED,
    "user.password.update": EndReason.PASSWORD_CHANGED,
    "user.password.reset.success": EndReason.PASSWORD_CHANGED,
}
REVOKED = "jwt.refresh-token.revoke"
# Events about a user on one site.
_OF_REGISTRATION = {
    "user.registration.update": EndReason.ROLE_REMOVED,
    "user.registration.delete": EndReason.REGISTRATION_REMOVED,
}


# In milliseconds since the epoch: the last day that a datetime can hold, with some seconds to spare for comparisons.
_LAST_DAY = 253_402_214_400_000


class GarbledError(Exception):
    """The event is signed, but not in the form that FusionAuth sends."""


@dataclass(frozen=True)
class Event:
    """An event. `created_at` is by FusionAuth's clock, `body` is the event's object."""

    id: UUID
    type: str
    created_at: datetime
    body: Mapping[str, Any]


@dataclass(frozen=True)
class Act:
    """The sessions to end: those of a user, of a site, of a user on a site, or that of one of the user's refresh tokens.

    With `roles`, only sessions end that have a role which is not one of these.
    """

    reason: str
    user_id: UUID | None
    site: str | None = None
    token_id: UUID | None = None
    roles: tuple[str, ...] | None = None


def frame(body: bytes) -> Event:
    """Parse a body of the form `{"event": {...}}`. Raises GarbledError."""
    try:
        event = json.loads(body)["event"]
        event_id, kind, created_at = parse_uuid(event["id"]), event["type"], event["createInstant"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise GarbledError("the body is not an event") from None
    if event_id is None or not isinstance(kind, str) or type(created_at) is not int:
        raise GarbledError("the event has no valid id, type or createInstant")
    if not 0 <= created_at < _LAST_DAY:
        raise GarbledError("the event has an impossible createInstant")
    return Event(event_id, kind[:100], datetime.fromtimestamp(created_at / 1000, UTC), event)


def act(event: Event, applications: Mapping[str, str]) -> Act | None:
    """Map an event to the sessions it ends; None if it ends none or concerns another application.

    `applications` maps site names to ids of FusionAuth applications. Raises GarbledError if the event lacks a field that its
    type needs: ending too many sessions is as wrong as ending none.
    """
    body = event.body
    if event.type in _OF_USER:
        return Act(_OF_USER[event.type], _user(body))
    if event.type == REVOKED:
        return _revoked(body, applications)
    if event.type in _OF_REGISTRATION:
        site = _site(body.get("applicationId"), applications)
        if site is None:
            return None
        roles = _roles(body) if event.type == "user.registration.update" else None
        return Act(_OF_REGISTRATION[event.type], _user(body), site, roles=roles)
    return None


def _revoked(body: Mapping[str, Any], applications: Mapping[str, str]) -> Act | None:
    application, token = body.get("applicationId"), body.get("refreshToken")
    named = body.get("userId") is not None or body.get("user") is not None
    user_id = _user(body) if named else None
    site = None
    if application is not None:
        site = _site(application, applications)
        if site is None:
            return None
    if token is not None:
        token_id = parse_uuid(token.get("id")) if isinstance(token, dict) else None
        if token_id is None or user_id is None:
            raise GarbledError("a refresh token without its id or its user")
        return Act(EndReason.REVOKED_AT_PROVIDER, user_id, site, token_id)
    if user_id is None and site is None:
        raise GarbledError("neither a user nor an application is named")
    return Act(EndReason.REVOKED_AT_PROVIDER, user_id, site)


def _site(application: Any, applications: Mapping[str, str]) -> str | None:
    return next((site for site, own_id in applications.items() if same_id(application, own_id)), None)


def _user(body: Mapping[str, Any]) -> UUID:
    user = body.get("user")
    named = body.get("userId") or (user.get("id") if isinstance(user, dict) else None)
    user_id = parse_uuid(named) if isinstance(named, str) else None
    if user_id is None:
        raise GarbledError("no valid user id")
    return user_id


def _roles(body: Mapping[str, Any]) -> tuple[str, ...]:
    registration = body.get("registration")
    roles = registration.get("roles", []) if isinstance(registration, dict) else None
    if not isinstance(roles, list) or not all(isinstance(role, str) for role in roles):
        raise GarbledError("no valid registration")
    return tuple(roles)
