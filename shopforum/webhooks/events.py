"""What others are told of the audit log: which events, in CAEP's words, and nothing private.

A message holds opaque ids, names of events and codes. Addresses, browsers, e-mail addresses and what people typed stay
here: who receives a message looks them up by its ids, with a token that may.
"""

from typing import Any

from sqlalchemy import RowMapping

_CAEP = "https://schemas.openid.net/secevent/caep/event-type/"
_REVOKED = _CAEP + "session-revoked"
_RISK = _CAEP + "risk-level-change"

# The events of the audit log that are told, with CAEP's name for them where it has one.
TOLD: dict[str, str | None] = {
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
    "flag_dismissed": _RISK,
    "authn_login_fail_max": None,
    "webhook_refused": None,
    "letter_not_sent": None,
}


def message(row: RowMapping) -> dict[str, Any]:
    """A sealed row as it is told: Standard Webhooks' `type`, `timestamp` and `data`."""
    return {
        "type": row["event"],
        "timestamp": row["at"].isoformat(),
        "data": {
            "seq": row["seq"],
            "event_timestamp": int(row["at"].timestamp()),
            "site": row["site"],
            "initiating_entity": row["initiating_entity"],
            **_some("caep", TOLD.get(row["event"])),
            **_some("sub_id", _subject(row)),
            **_some("revocation_id", row["revocation_id"] and str(row["revocation_id"])),
            **_details(row["detail"]),
        },
    }


def _subject(row: RowMapping) -> dict[str, Any] | None:
    """Whom it is about, as a complex subject (RFC 9493): the session, the user, or both."""
    parts = {
        kind: {"format": "opaque", "id": str(row[f"{kind}_id"])}
        for kind in ("session", "user")
        if row[f"{kind}_id"]
    }
    return {"format": "complex", **parts} if parts else None


def _details(detail: dict[str, Any]) -> dict[str, Any]:
    """What may be told of a row's details: codes, counts and opaque ids."""
    told: dict[str, Any] = {}
    for name in ("scope", "count", "kind"):
        if isinstance(detail.get(name), str | int):
            told[name] = detail[name]
    if isinstance(detail.get("sessions"), list) and len(detail["sessions"]) > 1:
        told["sessions"] = detail["sessions"][:500]
    if isinstance(detail.get("reason"), str):
        told["reason_admin"] = {"en": detail["reason"]}
    return told


def _some(name: str, value: Any) -> dict[str, Any]:
    return {name: value} if value else {}
