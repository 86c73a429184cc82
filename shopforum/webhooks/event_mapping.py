"""What FusionAuth's events mean for sessions. The wire names are FusionAuth's, as of 1.69."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from ..core.ids import parse_uuid
from ..idp import same_id

# Events about a user as a whole, and the code of the reason their sessions end for.
_OF_USER = {
    "user.deactivate": "account_locked",
    "user.delete": "account_deleted",
    "user.password.update": "password_changed",
    "user.password.reset.success": "password_changed",
}
REVOKED = "jwt.refresh-token.revoke"
_OF_REGISTRATION = {
    "user.registration.update": "role_removed",
    "user.registration.delete": "registration_removed",
}


# In milliseconds since the epoch: the last day that a datetime can hold, and be compared with some seconds added.
_LAST_DAY = 253_402_214_400_000


class GarbledError(Exception):
    """Signed, but not what FusionAuth sends."""


@dataclass(frozen=True)
class Event:
    """An event's frame. `created_at` is by FusionAuth's clock."""

    id: UUID
    type: str
    created_at: datetime
    body: Mapping[str, Any]


@dataclass(frozen=True)
class Act:
    """What to end: a user's, a site's or both's sessions, or that of one refresh token of the user's; with `roles`, only
    those that have a role which is not among them.
    """

    reason: str
    user_id: UUID | None
    site: str | None = None
    token_id: UUID | None = None
    roles: tuple[str, ...] | None = None


def frame(body: bytes) -> Event:
    """Read `{"event": {...}}`. Raises GarbledError."""
    try:
        event = json.loads(body)["event"]
        event_id, kind, created_at = parse_uuid(event["id"]), event["type"], event["createInstant"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise GarbledError("no event can be read") from None
    if event_id is None or not isinstance(kind, str) or type(created_at) is not int:
        raise GarbledError("the event has no proper id, type or createInstant")
    if not 0 <= created_at < _LAST_DAY:
        raise GarbledError("the event has an impossible createInstant")
    return Event(event_id, kind[:100], datetime.fromtimestamp(created_at / 1000, UTC), event)


def act(event: Event, applications: Mapping[str, str]) -> Act | None:
    """What follows from an event; None for what is none of ours. `applications` maps our sites to the ids of theirs.

    Raises GarbledError where an event lacks what its type needs: ending too much is as wrong as ending nothing.
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
        return Act("revoked_at_provider", user_id, site, token_id)
    if user_id is None and site is None:
        raise GarbledError("neither a user nor an application is named")
    return Act("revoked_at_provider", user_id, site)


def _site(application: Any, applications: Mapping[str, str]) -> str | None:
    return next((site for site, ours in applications.items() if same_id(application, ours)), None)


def _user(body: Mapping[str, Any]) -> UUID:
    user = body.get("user")
    named = body.get("userId") or (user.get("id") if isinstance(user, dict) else None)
    user_id = parse_uuid(named) if isinstance(named, str) else None
    if user_id is None:
        raise GarbledError("no proper user id")
    return user_id


def _roles(body: Mapping[str, Any]) -> tuple[str, ...]:
    registration = body.get("registration")
    roles = registration.get("roles", []) if isinstance(registration, dict) else None
    if not isinstance(roles, list) or not all(isinstance(role, str) for role in roles):
        raise GarbledError("no proper registration")
    return tuple(roles)
