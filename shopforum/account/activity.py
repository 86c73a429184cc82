"""What a person may see of the audit log: their own sign-ins, renewals and ends at this site."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, text

from ..core.database import Database
from ..core.user_agents import label

_OWN = text("SELECT ended_at FROM sessions WHERE id = :id AND user_id = :user_id AND site = :site")

# A renewal from where the login was is no news: it happens whenever somebody comes back after a pause.
_RECENT = text(
    """SELECT l.at, l.event, l.initiating_entity, host(l.address) AS address, l.agent,
      l.detail->>'new_device' AS new_device
    FROM audit_log l LEFT JOIN sessions s ON s.id = l.session_id
    WHERE l.user_id = :user_id AND l.site IN (:site, 'all') AND l.event = ANY (:events)
      AND (l.event <> 'session_renewed' OR l.address IS DISTINCT FROM s.address)
    ORDER BY l.id DESC LIMIT 20"""
)

_WORDS = {
    "authn_login_success": "Logged in",
    "authn_login_fail": "Login failed",
    "session_renewed": "Login renewed from another address",
    "session_expired": "Login expired",
    "session_logout": "Logged out",
    "authn_token_revoked": "Devices signed out",
    "authn_token_reuse": "Copied login stopped",
    "refresh_without_session": "Copied login refused",
    "session_without_refresh_token": "Copied login refused",
    "session_reported": "Device reported",
    "session_quarantined": "Asked for the password",
    "session_released": "Goes on as before",
    "excess_sessions_exceeded": "Oldest login made room",
    "letter_not_sent": "A warning could not be mailed",
    "other_browser": "Used with another browser",
    "other_system": "Used with another system",
    "two_places": "Used from two places",
}

_WHO = {"user": "You", "admin": "Support", "idp": "Login service"}
# Whoever that was.
_ANYBODY = {
    "authn_login_fail",
    "refresh_without_session",
    "session_without_refresh_token",
    "other_browser",
    "other_system",
    "two_places",
}


@dataclass(frozen=True)
class Entry:
    """One line of the recent activity; `who` is You, Support, Login service, Automatic or Somebody."""

    at: Any
    text: str
    who: str
    device: str
    address: str | None


def own_session(db: Database, session_id: UUID, user_id: UUID, site: str) -> RowMapping | None:
    """The user's session of that id on this site, ended or not: `ended_at`. Another's is None, as one that is not."""
    return db.one(_OWN, id=session_id, user_id=user_id, site=site)


def recent(db: Database, user_id: UUID, site: str) -> list[Entry]:
    """The last twenty things that happened to the user's sessions here, the newest first."""
    rows = db.all(_RECENT, user_id=user_id, site=site, events=list(_WORDS))
    return [_entry(row) for row in rows]


def _entry(row: RowMapping) -> Entry:
    # An admin's own browser and address are not the user's business.
    own = row["initiating_entity"] == "user"
    who = _WHO.get(row["initiating_entity"], "Automatic")
    return Entry(
        row["at"],
        _WORDS[row["event"]] + (", new device" if row["new_device"] == "true" else ""),
        "Somebody" if own and row["event"] in _ANYBODY else who,
        label(row["agent"]) if own else "",
        row["address"] if own else None,
    )
