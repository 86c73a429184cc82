"""Mapping FusionAuth's events to what follows from them here. The names in events are FusionAuth's, as of 1.69."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from ..core import addresses
from ..core.ids import parse_uuid
from ..core.text import clean
from ..idp import same_id, shown_name
from ..sessions.audit import Client
from ..sessions.vocabulary import EndReason, EventName

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


# Events about a group, whose members have its roles. FusionAuth sends no registration's update for them.
_GROUPS = frozenset({"group.member.remove", "group.member.update", "group.update", "group.delete"})
# Events of FusionAuth's own watch over logins.
_SUSPICIONS = {
    "user.login.suspicious": EventName.LOGIN_SUSPICIOUS,
    "user.login.new-device": EventName.LOGIN_NEW_DEVICE,
}
# The events to enable at FusionAuth. Those of its Enterprise edition are not among them.
EVENTS = (
    "jwt.refresh-token.revoke",
    "jwt.refresh",
    "user.deactivate",
    "user.delete",
    "user.update",
    "user.registration.update",
    "user.registration.delete",
    *sorted(_GROUPS),
)
# The event that FusionAuth sends when an admin tries a webhook.
TEST = "test"

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


@dataclass(frozen=True)
class LostRoles:
    """Roles on a site that users lose by a group: those of `members`; None for unknown users, who are not in `kept`."""

    site: str
    roles: tuple[str, ...]
    members: tuple[UUID, ...] | None
    kept: tuple[UUID, ...] = ()


@dataclass(frozen=True)
class NewIdentity:
    """The user's name and e-mail address as of the event."""

    user_id: UUID
    name: str
    email: str


@dataclass(frozen=True)
class ForeignRefresh:
    """A refresh at FusionAuth of a site's refresh token, by any holder. The token is a secret."""

    site: str
    token: str = field(repr=False)


@dataclass(frozen=True)
class Fact:
    """Something to be written to the audit log, and nothing more."""

    name: EventName
    site: str
    user_id: UUID | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


Effect = Act | LostRoles | NewIdentity | ForeignRefresh | Fact


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


def effects(event: Event, applications: Mapping[str, str]) -> list[Effect]:
    """Map an event to what follows from it; empty if nothing does, or if it concerns another application.

    `applications` maps site names to ids of FusionAuth applications. Raises GarbledError if the event lacks a field that its
    type needs: ending too many sessions is as wrong as ending none.
    """
    kind, body = event.type, event.body
    site = _site(body.get("applicationId"), applications)
    found: Effect | None = None
    if kind in _GROUPS:
        return _lost_roles(kind, body, applications)
    if kind in _OF_USER:
        found = Act(_OF_USER[kind], _user(body))
    elif kind == REVOKED:
        found = _revoked(body, applications)
    elif kind in _OF_REGISTRATION and site is not None:
        roles = _roles(body) if kind == "user.registration.update" else None
        found = Act(_OF_REGISTRATION[kind], _user(body), site, roles=roles)
    elif kind in ("user.update", "user.email.update"):
        found = _identity(body)
    elif kind == "jwt.refresh" and site is not None:
        token = body.get("refreshToken")
        # FusionAuth may leave it out.
        found = ForeignRefresh(site, token) if isinstance(token, str) and token else None
    elif kind in _SUSPICIONS and (site is not None or body.get("applicationId") is None):
        threats = body.get("threatsDetected")
        detail = {"threats": [str(one)[:50] for one in threats[:20]]} if isinstance(threats, list) else {}
        found = Fact(_SUSPICIONS[kind], site or "all", _user(body), detail)
    elif kind == TEST:
        found = Fact(EventName.WEBHOOK_TESTED, "admin")
    return [] if found is None else [found]


def origin(event: Event) -> Client:
    """Return the browser that the event names (`info`), or what is known of it."""
    info = event.body.get("info")
    info = info if isinstance(info, dict) else {}
    try:
        address = addresses.address(str(info.get("ipAddress") or ""))
    except ValueError:
        address = None
    return Client(address, clean(str(info.get("userAgent") or ""), 500))


def _identity(body: Mapping[str, Any]) -> NewIdentity:
    user = body.get("user")
    if not isinstance(user, dict):
        raise GarbledError("no user")
    user_id, email = _user(body), clean(str(user.get("email") or ""), 320)
    return NewIdentity(user_id, shown_name(user, user_id, email), email)


def _lost_roles(kind: str, body: Mapping[str, Any], applications: Mapping[str, str]) -> list[Effect]:
    """Return the roles that a group's event may have taken away, by site.

    FusionAuth does not say which of them its members have in other ways, too, nor who the members of a group are that is
    changed or deleted (`group.update`, `group.delete`), or who left when the list of members was replaced
    (`group.member.update`).
    """
    before = _group_roles(body.get("original") if kind == "group.update" else body.get("group"), applications)
    after = _group_roles(body.get("group"), applications) if kind == "group.update" else {}
    named = _members(body) if kind in ("group.member.remove", "group.member.update") else ()
    lost: list[Effect] = []
    for site, roles in before.items():
        gone = tuple(sorted(roles - after.get(site, set())))
        if gone and kind == "group.member.remove":
            lost.append(LostRoles(site, gone, named))
        elif gone:
            lost.append(LostRoles(site, gone, None, kept=named))
    return lost


def _group_roles(group: Any, applications: Mapping[str, str]) -> dict[str, set[str]]:
    """Read a group's roles: a map of application ids to lists of role objects."""
    roles = group.get("roles") if isinstance(group, dict) else None
    if not isinstance(roles, dict):
        raise GarbledError("no valid group")
    found: dict[str, set[str]] = {}
    for application, granted in roles.items():
        site = _site(application, applications)
        if site is None:
            continue
        if not isinstance(granted, list) or not all(isinstance(role, dict) for role in granted):
            raise GarbledError("the group has no valid roles")
        found[site] = {str(role.get("name")) for role in granted}
    return found


def _members(body: Mapping[str, Any]) -> tuple[UUID, ...]:
    members = body.get("members")
    ids = (
        [parse_uuid(str(one.get("userId"))) for one in members if isinstance(one, dict)]
        if isinstance(members, list)
        else []
    )
    if not isinstance(members, list) or len(ids) != len(members) or None in ids:
        raise GarbledError("no valid members")
    return tuple(one for one in ids if one is not None)


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
