"""Recent activity: the part of the audit log that a person may see, their own logins, refreshes and logouts on this site."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from ..core.database import Database, ResultRow
from ..core.rows import build
from ..core.user_agents import plain_name
from ..sessions.vocabulary import EventName, FlagKind, InitiatingEntity

_OWN = text("SELECT id, ended_at FROM sessions WHERE id = :id AND user_id = :user_id AND site = :site")

# A refresh from the address of the login is left out: it happens whenever somebody comes back after a pause.
_RECENT = text(
    """SELECT l.at, l.event, l.initiating_entity, host(l.address) AS address, l.agent,
      l.detail->>'new_device' AS new_device
    FROM audit_log l LEFT JOIN sessions s ON s.id = l.session_id
    WHERE l.user_id = :user_id AND l.site IN (:site, 'all') AND l.event = ANY (:events)
      AND (l.event <> 'session_renewed' OR l.address IS DISTINCT FROM s.address)
    ORDER BY l.id DESC LIMIT 20"""
)

_TEXTS: dict[str, str] = {
    EventName.LOGIN_SUCCESS: "Logged in",
    EventName.LOGIN_FAIL: "Login failed",
    EventName.SESSION_RENEWED: "Login renewed from another address",
    EventName.SESSION_EXPIRED: "Login expired",
    EventName.SESSION_LOGOUT: "Logged out",
    EventName.TOKEN_REVOKED: "Devices signed out",
    EventName.TOKEN_REUSE: "Copied login stopped",
    FlagKind.REFRESH_WITHOUT_SESSION: "Copied login refused",
    FlagKind.SESSION_WITHOUT_REFRESH_TOKEN: "Copied login refused",
    FlagKind.SESSION_REPORTED: "Device reported",
    EventName.SESSION_QUARANTINED: "Asked for the password",
    EventName.SESSION_RELEASED: "Session continued",
    EventName.USER_DELETION_ASKED: "Deletion of the account asked for",
    EventName.USER_DELETION_UNDONE: "Account kept after all",
    EventName.EXCESS_SESSIONS: "Oldest login signed out: too many devices",
    EventName.MAIL_NOT_SENT: "A warning could not be mailed",
    FlagKind.OTHER_BROWSER: "Used with another browser",
    FlagKind.OTHER_SYSTEM: "Used with another operating system",
    FlagKind.TWO_PLACES: "Used from two networks in turn",
}

_ACTORS: dict[str, str] = {
    InitiatingEntity.USER: "You",
    InitiatingEntity.ADMIN: "Support",
    InitiatingEntity.PROVIDER: "Login service",
}
# Events that an attacker may have caused, although the log has them under the user's name.
_BY_SOMEBODY = {
    EventName.LOGIN_FAIL,
    FlagKind.REFRESH_WITHOUT_SESSION,
    FlagKind.SESSION_WITHOUT_REFRESH_TOKEN,
    FlagKind.OTHER_BROWSER,
    FlagKind.OTHER_SYSTEM,
    FlagKind.TWO_PLACES,
}


@dataclass(frozen=True)
class OwnSession:
    """A session of the user. `ended_at` is None while it has not ended."""

    id: UUID
    ended_at: datetime | None


@dataclass(frozen=True)
class Entry:
    """A line of the recent activity. `actor` is You, Support, Login service, Automatic or Somebody."""

    at: datetime
    text: str
    actor: str
    device: str
    address: str | None


def own_session(db: Database, session_id: UUID, user_id: UUID, site: str) -> OwnSession | None:
    """Return the user's session with this id on this site, ended or not. None if the user has no such session."""
    row = db.one(_OWN, id=session_id, user_id=user_id, site=site)
    return build(OwnSession, row) if row else None


def recent(db: Database, user_id: UUID, site: str) -> list[Entry]:
    """Return the last twenty events of the user's sessions on this site, newest first."""
    rows = db.all(_RECENT, user_id=user_id, site=site, events=[str(event) for event in _TEXTS])
    return [_entry(row) for row in rows]


def _entry(row: ResultRow) -> Entry:
    # An admin's device and address are not shown to the user.
    own = row["initiating_entity"] == InitiatingEntity.USER
    actor = _ACTORS.get(row["initiating_entity"], "Automatic")
    return Entry(
        row["at"],
        _TEXTS[row["event"]] + (", new device" if row["new_device"] == "true" else ""),
        "Somebody" if own and row["event"] in _BY_SOMEBODY else actor,
        plain_name(row["agent"]) if own else "",
        row["address"] if own else None,
    )
