"""The JSON schemas of what a call sends: its filters, and the bodies of the operations."""

from typing import Any

from ..core.sites import SITES
from ..operations import deny_rules, labels
from ..operations.filters import SessionFilter
from ..operations.incidents import MOST_FILTERS
from ..sessions.deny_rules import LONGEST
from ..sessions.vocabulary import State

MOST_IDS = 1000

ID = {"type": "string", "format": "uuid"}


def _filters() -> dict[str, Any]:
    """Return a schema for each filter of the console's list."""
    found: dict[str, Any] = {}
    for name, criterion in SessionFilter.criteria().items():
        schema: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": 254}
        if name == "state":
            schema = {"type": "string", "enum": list(State)}
        elif criterion.choices:
            schema = {"type": "string", "enum": [value for value, _ in criterion.choices]}
        text = f"{criterion.label}. {criterion.hint}".strip(". ")
        found[name] = {**schema, "description": text}
    return found


def one_field(name: str, schema: dict[str, Any], **optional: Any) -> dict[str, Any]:
    """Return an object with one required field and perhaps optional ones."""
    return {
        "type": "object",
        "properties": {name: schema, **optional},
        "required": [name],
        "additionalProperties": False,
    }


FILTERS = _filters()
_SITE = {"type": "string", "enum": list(SITES)}
_NETWORK = {"type": "string", "minLength": 2, "maxLength": 64}

_SCOPE = {
    "description": "The sessions to end. `site` and `everyone` take the scope `everyone:revoke`. So does an act that reaches a "
    "console session of an owner, or that brings the people reached by the token within an hour to more than a hundred.",
    "oneOf": [
        one_field("session", ID),
        one_field("sessions", {"type": "array", "items": ID, "minItems": 1, "maxItems": MOST_IDS}),
        one_field("user", ID, site=_SITE),
        one_field("ip", {**_NETWORK, "description": "An address, or a block such as 203.0.113.0/24."}),
        one_field("site", _SITE),
        one_field(
            "filter",
            {"type": "object", "properties": FILTERS, "additionalProperties": False, "minProperties": 1},
        ),
        one_field("everyone", {"const": True, "type": "boolean"}),
    ],
}

_REASON: dict[str, Any] = {
    "type": "object",
    "properties": {
        "code": {"type": "string", "enum": list(labels.REASONS)},
        "text": {
            "type": "string",
            "maxLength": 2000,
            "description": "A note for admins; the user never sees it.",
        },
        "user_text": {
            "type": "string",
            "maxLength": 500,
            "description": "Shown to the user whose session has ended.",
        },
    },
    "required": ["code"],
    "additionalProperties": False,
}

REVOCATION = {
    "type": "object",
    "properties": {
        "scope": _SCOPE,
        "reason": _REASON,
        "dry_run": {"type": "boolean", "description": "Count the sessions and end none."},
        "expected_count": {
            "type": "integer",
            "minimum": 0,
            "description": "409 unless exactly so many sessions match.",
        },
    },
    "required": ["scope"],
    "anyOf": [
        {"required": ["reason"]},
        {"required": ["dry_run"], "properties": {"dry_run": {"const": True}}},
    ],
    "additionalProperties": False,
}

RULE: dict[str, Any] = {
    "type": "object",
    "description": "At least one of `user`, `ip` and `device`. The rule refuses what matches all that are given. A rule that "
    "reaches an owner at the console, more than a hundred people who are signed in, or a part of the internet that nobody "
    "holds alone takes the scope `everyone:revoke`.",
    "properties": {
        **{name: FILTERS[name] for name in deny_rules.FIELDS},
        "user": {
            **FILTERS["user"],
            "description": "A user's id, or the whole e-mail address of one user who has signed in.",
        },
        "seconds": {
            "type": "integer",
            "minimum": 1,
            "maximum": LONGEST,
            "description": "How long it is in force.",
        },
        "reason": _REASON,
        "dry_run": {"type": "boolean", "description": "Count the sessions and add no rule."},
    },
    "required": ["seconds"],
    "anyOf": [
        {"required": ["reason"]},
        {"required": ["dry_run"], "properties": {"dry_run": {"const": True}}},
    ],
    "additionalProperties": False,
}

FILTER = {
    "type": "object",
    "properties": {name: schema for name, schema in FILTERS.items() if name != "state"},
    "additionalProperties": False,
    "minProperties": 1,
}

INCIDENT = {
    "type": "object",
    "properties": {
        "name": {
            "type": "string",
            "minLength": 1,
            "maxLength": 120,
            "description": "What happened, in a few words.",
        },
        "ticket": {"type": "string", "maxLength": 120},
        "filter": FILTER,
        "filters": {
            "type": "array",
            "items": FILTER,
            "minItems": 1,
            "maxItems": MOST_FILTERS,
            "description": "Further filters: it is about the sessions that match any.",
        },
        "reason": {
            "type": "object",
            "properties": {name: _REASON["properties"][name] for name in ("code", "user_text")},
            "additionalProperties": False,
        },
    },
    "required": ["name"],
    "anyOf": [{"required": ["filter"]}, {"required": ["filters"]}],
    "additionalProperties": False,
}

CONTAIN = {
    "type": "object",
    "properties": {
        "seconds": {**RULE["properties"]["seconds"], "description": "How long the deny rules are in force."},
        "dry_run": {"type": "boolean", "description": "Count the sessions and change nothing."},
    },
    "required": ["seconds"],
    "additionalProperties": False,
}

_ISSUER = {
    "type": "string",
    "minLength": 1,
    "maxLength": 2000,
    "description": "The issuer of FusionAuth's tenant.",
}

SUBJECT = {
    "oneOf": [
        {
            **one_field(
                "email", {"type": "string", "minLength": 3, "maxLength": 254}, format={"const": "email"}
            ),
            "required": ["format", "email"],
        },
        {**one_field("id", ID, format={"const": "opaque"}), "required": ["format", "id"]},
        {
            **one_field(
                "sub",
                {"type": "string", "minLength": 1, "maxLength": 255},
                format={"const": "iss_sub"},
                iss=_ISSUER,
            ),
            "required": ["format", "iss", "sub"],
        },
    ]
}
