"""Rows as JSON, for the API and for `--json` on the command line, and the schemas that describe them. No hash and no token
is ever among them.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Column, DateTime, RowMapping, Text
from sqlalchemy.dialects.postgresql import INET, JSONB, UUID

from ..core import user_agents
from ..sessions import audit
from ..sessions.tables import audit_log

_TEXT = {"type": "string"}
_COUNT = {"type": "integer", "minimum": 0}
_ID = {"type": "string", "format": "uuid"}
_INSTANT = {"type": "string", "format": "date-time"}


def _maybe(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {**schema, "type": [schema["type"], "null"]}


_SCHEMAS: dict[type[Any], dict[str, Any]] = {
    UUID: _ID,
    Text: _TEXT,
    INET: _TEXT,
    DateTime: _INSTANT,
    JSONB: {"type": "object"},
}


def _schema(column: Column[Any]) -> dict[str, Any]:
    """Return the schema of a column of the audit log."""
    schema = _SCHEMAS[type(column.type)]
    return _maybe(schema) if column.nullable else schema


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _list(name: str) -> dict[str, Any]:
    return {"type": "array", "items": {"$ref": f"#/components/schemas/{name}"}}


_SESSION = {
    "id": _ID,
    "site": _TEXT,
    "state": {"type": "string", "enum": ["active", "dormant", "revoked", "expired"]},
    "user_id": _ID,
    "user_name": _TEXT,
    "user_email": _TEXT,
    "created_at": _INSTANT,
    "authenticated_at": _INSTANT,
    "last_seen_at": _INSTANT,
    "idle_end": _INSTANT,
    "absolute_end": _INSTANT,
    "address": _maybe(_TEXT),
    "agent": _TEXT,
    "device": _TEXT,
    "last_address": _maybe(_TEXT),
    "last_agent": _TEXT,
    "places": _COUNT,
    "flags": {"type": "array", "items": _TEXT},
    "quarantined_at": _maybe(_INSTANT),
    "quarantine_reason": _maybe(_TEXT),
    "refresh_count": _COUNT,
    "refreshed_at": _maybe(_INSTANT),
    "ended_at": _maybe(_INSTANT),
    "end_reason": _maybe(_TEXT),
    "revocation_id": _maybe(_ID),
}

_EVENT = {
    "id": {"type": "integer", "minimum": 1},
    "type": _TEXT,
    "at": _INSTANT,
    "event_timestamp": {"type": "integer"},
    # The other columns of the audit log under their own names.
    **{name: _schema(audit_log.c[name]) for name in audit.COLUMNS if name not in ("id", "at", "event")},
}

_RECEIPT = {
    "id": _maybe(_ID),
    "matched": _COUNT,
    "revoked": _COUNT,
    "exact": {
        "type": "boolean",
        "description": "Where it is false, there are at least so many: they have all ended, and are still being counted.",
    },
    "upstream": _object(confirmed=_COUNT, pending=_COUNT, failed=_COUNT),
}

SCHEMAS: dict[str, Any] = {
    "Session": _object(**_SESSION),
    "Sessions": _object(
        sessions=_list("Session"),
        next=_maybe(_TEXT),
        total=_object(
            count={**_COUNT, "description": "At least so many where it is not exact."},
            exact={"type": "boolean"},
        ),
    ),
    "Place": _object(address=_TEXT, agent=_TEXT, first_at=_INSTANT, last_at=_INSTANT),
    # An event of the timeline has its number once it is sealed.
    "Moment": _object(**{**_EVENT, "id": _maybe(_COUNT)}),
    "SessionDetail": _object(**_SESSION, timeline=_list("Moment"), seen_at=_list("Place")),
    "Receipt": _object(**_RECEIPT),
    "Revocation": _object(
        **_RECEIPT,
        created_at=_INSTANT,
        scope=_TEXT,
        typed=_maybe(_TEXT),
        site=_maybe(_TEXT),
        user_id=_maybe(_ID),
        initiating_entity=_TEXT,
        actor=_TEXT,
        reason=_object(code=_TEXT, text=_TEXT, user_text=_TEXT),
    ),
    "Event": _object(**_EVENT),
    "Events": _object(events=_list("Event"), next=_COUNT),
    "Problem": _object(type=_TEXT, title=_TEXT, status={"type": "integer"}, detail=_TEXT),
}

_REVOKED = "https://schemas.openid.net/secevent/caep/event-type/session-revoked"


def plain(value: Any) -> str:
    """What JSON has no type for, as text: instants in UTC, ids."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    return str(value)


def session(row: RowMapping) -> dict[str, Any]:
    """A row of `queries.listed()`."""
    made = {"device": user_agents.label(row["last_agent"] or row["agent"]), "flags": sorted(row["flags"])}
    return {name: made[name] if name in made else row[name] for name in _SESSION}


def place(row: RowMapping) -> dict[str, Any]:
    """From where a session was used."""
    return {name: row[name] for name in ("address", "agent", "first_at", "last_at")}


def event(row: RowMapping) -> dict[str, Any]:
    """A row of the audit log, under its number, with the names that CAEP has for what it has names for."""
    at: datetime = row["at"]
    made = {"id": row["seq"], "type": row["event"], "event_timestamp": int(at.timestamp())}
    found = {name: made[name] if name in made else row[name] for name in _EVENT}
    for name in ("reason_admin", "reason_user"):
        if row["detail"].get(name):
            found[name] = {"en": row["detail"][name]}
    if row["revocation_id"] and row["event"] in (
        "authn_token_revoked",
        "authn_token_reuse",
        "session_logout",
    ):
        found["caep"] = _REVOKED
    return found


def receipt(row: RowMapping) -> dict[str, Any]:
    """A row of `trail.counted`: what was ended, and what the identity provider has said to it so far."""
    upstream = {name: row[name] for name in ("confirmed", "pending", "failed")}
    facts = {name: row[name] for name in ("matched", "revoked", "exact")}
    return {"id": str(row["id"]), **facts, "upstream": upstream}


def counted(matched: int, *, exact: bool) -> dict[str, Any]:
    """The same where nothing was ended."""
    return {
        "id": None,
        "matched": matched,
        "revoked": 0,
        "exact": exact,
        "upstream": {"confirmed": 0, "pending": 0, "failed": 0},
    }
