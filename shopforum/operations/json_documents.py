"""Rows as JSON documents, for the API and for `--json` on the command line, with the schemas that describe them.

The fields and their types come from the rows (`rows.py`). No document holds a hash or a token.
"""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from types import NoneType
from typing import Any, get_args, get_type_hints
from uuid import UUID

from ..core.rows import columns
from ..sessions import Scope
from ..sessions.vocabulary import BindingState, EventName, State
from . import approvals
from .approvals import STATES, Approval, Kind
from .deny_rules import IN_FORCE, LIFTED, OVER, DenyRuleRow, Weight
from .explain import Check, Decision, Explanation, Verdict
from .incident_reports import Report, Status
from .incidents import Incident
from .rows import ActRow, AuditRow, Place, Receipt, SessionRow

_TEXT = {"type": "string"}
_COUNT = {"type": "integer", "minimum": 0}
_ID = {"type": "string", "format": "uuid"}
_INSTANT = {"type": "string", "format": "date-time"}
_SCHEMA_OF: dict[Any, dict[str, Any]] = {
    str: _TEXT,
    int: _COUNT,
    bool: {"type": "boolean"},
    Verdict: {"type": "string", "enum": list(Verdict)},
    UUID: _ID,
    datetime: _INSTANT,
    State: {"type": "string", "enum": list(State)},
    BindingState: {"type": "string", "enum": list(BindingState)},
    list[str]: {"type": "array", "items": _TEXT},
    dict[str, Any]: {"type": "object"},
}


def _maybe(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {**schema, "type": [schema["type"], "null"]}


def _schemas(row: type) -> dict[str, Any]:
    """Return the schema of each field of a row, by the field's type."""
    hints = get_type_hints(row)
    return {name: _schema(hints[name]) for name in columns(row)}


def _schema(kind: Any) -> dict[str, Any]:
    if kind in _SCHEMA_OF:
        return _SCHEMA_OF[kind]
    some, nothing = get_args(kind)
    if nothing is not NoneType:
        raise TypeError(f"no JSON schema for {kind}")
    return _maybe(_SCHEMA_OF[some])


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _list(name: str) -> dict[str, Any]:
    return {"type": "array", "items": {"$ref": f"#/components/schemas/{name}"}}


_SESSION = {**_schemas(SessionRow), "device": _TEXT}

# An event carries its number in the chain as its id, and its name as its type.
_EVENT = {
    "id": {"type": "integer", "minimum": 1},
    "type": _TEXT,
    "event_timestamp": {"type": "integer"},
    **{name: schema for name, schema in _schemas(AuditRow).items() if name not in ("id", "seq", "event")},
}

_RECEIPT = {
    "id": _maybe(_ID),
    "matched": _COUNT,
    "revoked": _COUNT,
    "exact": {
        "type": "boolean",
        "description": "False: at least so many sessions have ended; they are still being counted.",
    },
    "upstream": _object(confirmed=_COUNT, pending=_COUNT, failed=_COUNT),
}

_ACT = {
    **{name: schema for name, schema in _schemas(ActRow).items() if name != "id"},
    "elsewhere": {
        "type": "boolean",
        "description": "The act came from another network or browser than the sign-in: a thief's, or of a user who travels.",
    },
}

# A rule in the words of the filters.
_RULE = {
    "id": _ID,
    "state": {"type": "string", "enum": [state.replace(" ", "_") for state in (IN_FORCE, LIFTED, OVER)]},
    "user": _maybe(_ID),
    "site": _maybe(_TEXT),
    "ip": _maybe(_TEXT),
    "device": _TEXT,
    "until": _INSTANT,
    "reason": _object(code=_TEXT, text=_TEXT, user_text=_TEXT),
    **{
        name: schema
        for name, schema in _schemas(DenyRuleRow).items()
        if name in ("created_at", "actor", "revocation_id", "hits", "last_hit_at", "lifted_at", "lifted_by")
    },
}

_APPROVAL = {
    "id": _ID,
    "state": {
        "type": "string",
        "enum": list(STATES),
        "description": "`waiting` until another owner than the token's maker approves or refuses it, or it expires.",
    },
    "kind": {"type": "string", "enum": list(Kind)},
    "act": {"type": "string", "description": "What is asked for, in words."},
    "matched": {"type": "integer", "description": "The sessions that it reached when it was asked for."},
    "exact": {"type": "boolean", "description": "False where `matched` is a lower bound."},
    "reason": _object(code=_TEXT, text=_TEXT, user_text=_TEXT),
    "made_id": {**_maybe(_ID), "description": "The revocation or the rule that was approved."},
    "page": {"type": "string", "description": "The console's page where an owner decides."},
    "created_at": _INSTANT,
    "expires_at": _INSTANT,
    "actor": _TEXT,
    "decided_at": _maybe(_INSTANT),
    "decided_by": _maybe(_TEXT),
}
_INCIDENT = {
    "state": {"type": "string", "enum": ["open", "closed"]},
    "filter": {
        "type": "object",
        "description": "The first of its filters, in the words of the list's.",
    },
    "filters": {
        "type": "array",
        "items": {"type": "object"},
        "description": "All its filters: it is about the sessions that match any.",
    },
    "reason": _object(code=_TEXT, user_text=_TEXT),
    **{
        name: schema
        for name, schema in _schemas(Incident).items()
        if name in ("id", "created_at", "name", "ticket", "actor", "closed_at", "closed_by")
    },
}

_STATUS = {
    "alive": {
        **_maybe(_COUNT),
        "description": "Sessions that match and can still be used; null where they are too many.",
    },
    **{
        name: schema
        for name, schema in _schemas(Status).items()
        if name in ("checked_at", "ended", "people", "uses", "last_use_at")
    },
}

# The live sessions that a rule refuses now.
_WEIGHT = {
    "matched": _COUNT,
    "people": _COUNT,
    "exact": {"type": "boolean", "description": "False: at least so many sessions match."},
}

SCHEMAS: dict[str, Any] = {
    "Session": _object(**_SESSION),
    "Sessions": _object(
        sessions=_list("Session"),
        next=_maybe(_TEXT),
        total=_object(
            count={**_COUNT, "description": "A lower bound unless `exact` is true."},
            exact={"type": "boolean"},
        ),
    ),
    "Place": _object(**_schemas(Place)),
    # An event of a timeline has no number until it is sealed.
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
    "Decision": _object(**_schemas(Decision)),
    "Check": _object(**_schemas(Check)),
    "Explanation": _object(
        session=_ID,
        served={
            "type": "boolean",
            "description": "Whether the next request is served, if it shows the right pair from where the last one came from.",
        },
        checks=_list("Check"),
        decisions=_list("Decision"),
    ),
    "Rule": _object(**_RULE),
    "Rules": _object(rules=_list("Rule"), next=_maybe(_TEXT)),
    "RuleMade": _object(**_RULE, **_WEIGHT),
    "RuleWeight": _object(id=_maybe(_ID), **_WEIGHT),
    "Act": _object(**_ACT),
    "Acts": _object(acts=_list("Act"), next=_maybe(_TEXT)),
    "Approval": _object(**_APPROVAL),
    "Incident": _object(**_INCIDENT),
    "Incidents": _object(incidents=_list("Incident"), next=_maybe(_TEXT)),
    "IncidentStatus": _object(
        **_INCIDENT,
        status=_object(**_STATUS),
        rules=_list("Rule"),
        leftover_rules={
            "type": "array",
            "items": _ID,
            "description": "Rules in force whose filter was removed from the incident: they refuse until they are lifted or over.",
        },
        revocations=_list("Receipt"),
    ),
    "Event": _object(**_EVENT),
    "Events": _object(events=_list("Event"), next=_COUNT),
    "Problem": _object(type=_TEXT, title=_TEXT, status={"type": "integer"}, detail=_TEXT),
}

_SESSION_REVOKED = "https://schemas.openid.net/secevent/caep/event-type/session-revoked"
_ENDS_SESSIONS = (EventName.TOKEN_REVOKED, EventName.TOKEN_REUSE, EventName.SESSION_LOGOUT)


def plain(value: Any) -> str:
    """Return a value that JSON has no type for as text: instants in UTC, ids."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    return str(value)


def session(row: SessionRow) -> dict[str, Any]:
    """Return a session."""
    facts = {name: getattr(row, name) for name in columns(SessionRow)}
    return {**facts, "device": row.device, "flags": sorted(row.flags)}


def place(row: Place) -> dict[str, Any]:
    """Return a place from where a session was used."""
    return asdict(row)


def event(row: AuditRow) -> dict[str, Any]:
    """Return an event of the audit log under its number, with CAEP's names where CAEP has one."""
    made = {"id": row.seq, "type": row.event, "event_timestamp": int(row.at.timestamp())}
    found = {name: made[name] if name in made else getattr(row, name) for name in _EVENT}
    for name in ("reason_admin", "reason_user"):
        if row.detail.get(name):
            found[name] = {"en": row.detail[name]}
    if row.revocation_id and row.event in _ENDS_SESSIONS:
        found["caep"] = _SESSION_REVOKED
    return found


def act(row: ActRow) -> dict[str, Any]:
    """Return an act of a session."""
    return {name: getattr(row, name) for name in _ACT}


def receipt(row: Receipt) -> dict[str, Any]:
    """Return what a revocation ended, and what the identity provider has said to it so far."""
    upstream = {"confirmed": row.confirmed, "pending": row.pending, "failed": row.failed}
    counts = {"matched": row.matched, "revoked": row.revoked, "exact": row.exact}
    return {"id": str(row.id), **counts, "upstream": upstream}


def revocation(row: Receipt) -> dict[str, Any]:
    """Return a receipt with the act itself: its scope, its actor and its reason."""
    act = {
        name: getattr(row, name)
        for name in ("created_at", "scope", "typed", "site", "user_id", "initiating_entity", "actor")
    }
    reason = {"code": row.reason_code, "text": row.reason_admin, "user_text": row.reason_user}
    return {**receipt(row), **act, "reason": reason}


def explanation(found: Explanation) -> dict[str, Any]:
    """Return the decisions about a session, a user or a request, newest first, and what a session's next request would meet."""
    decisions = [asdict(each) for each in found.decisions]
    if found.session is None:
        return {"user": found.user_id, "request": found.request_id or None, "decisions": decisions}
    checks = [asdict(each) for each in found.checks]
    return {"session": found.session.id, "served": found.served, "checks": checks, "decisions": decisions}


def rule(row: DenyRuleRow) -> dict[str, Any]:
    """Return a deny rule."""
    named = {"user": row.user_id, "site": row.site, "ip": row.network, "device": row.device}
    reason = {"code": row.reason_code, "text": row.reason_admin, "user_text": row.reason_user}
    found = {**named, "reason": reason, "state": row.state.replace(" ", "_")}
    return {name: found[name] if name in found else getattr(row, name) for name in _RULE}


def weight(found: Weight) -> dict[str, Any]:
    """Return the live sessions that a rule refuses now. `id` is None: it is the document of a rule that was not made."""
    many = found.plan.scope is None
    matched = Scope.MOST if many else found.plan.matched
    return {
        "id": None,
        "matched": matched,
        "people": found.plan.people,
        "exact": not many and found.plan.exact,
    }


def rule_made(row: DenyRuleRow, found: Weight) -> dict[str, Any]:
    """Return a deny rule with the live sessions that it refuses now."""
    return {**weight(found), **rule(row)}


def approval(row: Approval, page: str) -> dict[str, Any]:
    """Return a request for approval; `page` is the address of its page."""
    found: dict[str, Any] = {
        "act": approvals.summary(row.kind, row.target),
        "reason": {"code": row.reason_code, "text": row.reason_admin, "user_text": row.reason_user},
        "page": page,
    }
    return {name: found[name] if name in found else getattr(row, name) for name in _APPROVAL}


def incident(row: Incident) -> dict[str, Any]:
    """Return an incident."""
    filters = [{name: value for name, value in one.values().items() if value} for one in row.filters]
    found: dict[str, Any] = {
        "filter": filters[0],
        "filters": filters,
        "reason": {"code": row.reason_code, "user_text": row.user_text},
    }
    return {name: found[name] if name in found else getattr(row, name) for name in _INCIDENT}


def incident_status(found: Report) -> dict[str, Any]:
    """Return an incident as it stands: how many sessions are alive and have ended, its rules and its receipts."""
    return {
        **incident(found.incident),
        "status": {name: getattr(found.status, name) for name in _STATUS},
        "rules": [rule(each) for each in found.rules],
        "leftover_rules": [each.id for each in found.leftover],
        "revocations": [receipt(each) for each in found.receipts],
    }


def dry_run(matched: int, *, exact: bool) -> dict[str, Any]:
    """Return a receipt of an act that ended nothing."""
    return {
        "id": None,
        "matched": matched,
        "revoked": 0,
        "exact": exact,
        "upstream": {"confirmed": 0, "pending": 0, "failed": 0},
    }
