"""The messages that endpoints get about the audit log: which events, CAEP's names for them, and no private data.

A message holds opaque ids, names of events and codes. It never holds addresses, user agents, e-mail addresses or texts
that people typed: a receiver looks them up by the ids, with an API token that permits it.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

_CAEP = "https://schemas.openid.net/secevent/caep/event-type/"
_REVOKED = _CAEP + "session-revoked"
_RISK = _CAEP + "risk-level-change"

# The events that are sent, with CAEP's name for them (Continuous Access Evaluation Profile) where it has one.
SENT: dict[str, str | None] = {
    "session_created": _CAEP + "session-established",
    "session_renewed": _CAEP + "session-presented",
    "session_expired": None,
    "session_logout": _REVOKED,
    "authn_token_revoked": _REVOKED,
    "authn_token_reuse": _REVOKED,
    "excess_sessions_exceeded": _REVOKED,
    "session_quarantined": _RISK,
    "session_released": _RISK,
    "session_reported": _RISK,
    "session_use_after_expire": _RISK,
    "session_without_refresh_token": _RISK,
    "refresh_without_session": _RISK,
    "other_browser": _RISK,
    "other_system": _RISK,
    "older_browser": _RISK,
    "two_places": _RISK,
    "other_network": _RISK,
    "refreshed_elsewhere": _RISK,
    "login_suspicious": _RISK,
    "flag_dismissed": _RISK,
    "authn_login_fail_max": None,
    "webhook_refused": None,
    "letter_not_sent": None,
}


@dataclass(frozen=True)
class SealedRow:
    """A sealed row of the audit log, with the columns that a message is made of."""

    seq: int
    at: datetime
    event: str
    site: str
    initiating_entity: str
    user_id: UUID | None
    session_id: UUID | None
    revocation_id: UUID | None
    detail: dict[str, Any]


def message(row: SealedRow) -> dict[str, Any]:
    """Return the message about a row: `type`, `timestamp` and `data`, as Standard Webhooks names them."""
    return {
        "type": row.event,
        "timestamp": row.at.isoformat(),
        "data": {
            "seq": row.seq,
            "event_timestamp": int(row.at.timestamp()),
            "site": row.site,
            "initiating_entity": row.initiating_entity,
            **_some("caep", SENT.get(row.event)),
            **_some("sub_id", _subject(row)),
            **_some("revocation_id", row.revocation_id and str(row.revocation_id)),
            **_details(row.detail),
        },
    }


def _subject(row: SealedRow) -> dict[str, Any] | None:
    """Return the session, the user, or both that the row is about, as a complex subject (RFC 9493)."""
    ids = {"session": row.session_id, "user": row.user_id}
    parts = {kind: {"format": "opaque", "id": str(one)} for kind, one in ids.items() if one}
    return {"format": "complex", **parts} if parts else None


def _details(detail: dict[str, Any]) -> dict[str, Any]:
    """Return the details that may leave the house: codes, counts and opaque ids."""
    sent: dict[str, Any] = {}
    for name in ("scope", "count", "kind"):
        if isinstance(detail.get(name), str | int):
            sent[name] = detail[name]
    if isinstance(detail.get("sessions"), list) and len(detail["sessions"]) > 1:
        sent["sessions"] = detail["sessions"][:500]
    if isinstance(detail.get("reason"), str):
        sent["reason_admin"] = {"en": detail["reason"]}
    return sent


def _some(name: str, value: Any) -> dict[str, Any]:
    return {name: value} if value else {}
