"""What a person may see of the audit log: their own sign-ins, renewals and ends at this site."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, text

from ..devices import label
from ..sessions.database import Database

_OWN = text("SELECT ended_at FROM sessions WHERE id = :id AND user_id = :user_id AND site = :site")

_RECENT = text(
    """SELECT at, event, initiating_entity, host(address) AS address, agent FROM audit_log
    WHERE user_id = :user_id AND site IN (:site, 'all') AND event = ANY (:events) ORDER BY id DESC LIMIT 20"""
)

_WORDS = {
    "authn_login_success": "Logged in",
    "session_renewed": "Login renewed",
    "session_expired": "Login expired",
    "session_logout": "Logged out",
    "authn_token_revoked": "Devices signed out",
    "authn_token_reuse": "Copied login stopped",
    "refresh_without_session": "Copied login refused",
    "session_without_refresh_token": "Copied login refused",
    "session_reported": "Device reported",
}

_WHO = {"user": "You", "admin": "Support"}


@dataclass(frozen=True)
class Entry:
    """One line of the recent activity; `who` is You, Support or Automatic."""

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
    return Entry(
        row["at"],
        _WORDS[row["event"]],
        _WHO.get(row["initiating_entity"], "Automatic"),
        label(row["agent"]) if own else "",
        row["address"] if own else None,
    )
