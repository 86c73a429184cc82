"""The API in OpenAPI 3.1. Routes, scopes and checks are made from this document, so it cannot differ from the code.

An operation's `operationId` is the name of its function in `views`. Its `security` lists scopes; the token needs one of
them. An operation without `security` is refused to every token.
"""

from typing import Any

from ..api_tokens.tokens import SCOPES
from ..core.sites import SITES
from ..operations import deny_rules, labels
from ..operations.filters import SessionFilter
from ..operations.incidents import MOST_FILTERS
from ..operations.json_documents import SCHEMAS
from ..sessions.deny_rules import LONGEST
from ..sessions.vocabulary import State

MOST_IDS = 1000
KEY = "^[!-~]{1,255}$"

_ID = {"type": "string", "format": "uuid"}


def document(url: str) -> dict[str, Any]:
    """Return the document. `url` is the console's, without a path."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Harbour sessions",
            "version": "1",
            "description": "See login sessions, end them, and follow the audit log. Create tokens on the console's page "
            "Tokens or by `shopforum token create`. Instants are RFC 3339 in UTC. An error is a problem document "
            "(RFC 9457), its type the path of a page that says what to do; 422 names the fields in `errors`.",
        },
        "servers": [{"url": url}],
        "paths": PATHS,
        "components": {
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "Scopes: "
                    + "; ".join(f"`{name}`: {what}" for name, what in SCOPES.items()),
                }
            },
            "schemas": SCHEMAS,
            "responses": {"Problem": _problem()},
        },
    }


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


def _problem() -> dict[str, Any]:
    return {
        "description": "An error; nothing was changed.",
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }


def _json(description: str, name: str) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{name}"}
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _operation(name: str, summary: str, scopes: str, answers: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return an operation. `scopes` are separated by spaces: the token needs one of them."""
    return {
        "operationId": name,
        "summary": summary,
        "security": [{"token": [scope]} for scope in scopes.split()],
        "responses": {**answers, "default": {"$ref": "#/components/responses/Problem"}},
        **more,
    }


def _query(name: str, schema: dict[str, Any], description: str = "") -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": schema, "description": description}


def _body(schema: dict[str, Any]) -> dict[str, Any]:
    return {"required": True, "content": {"application/json": {"schema": schema}}}


def _one(name: str, schema: dict[str, Any], **optional: Any) -> dict[str, Any]:
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
        _one("session", _ID),
        _one("sessions", {"type": "array", "items": _ID, "minItems": 1, "maxItems": MOST_IDS}),
        _one("user", _ID, site=_SITE),
        _one("ip", {**_NETWORK, "description": "An address, or a block such as 203.0.113.0/24."}),
        _one("site", _SITE),
        _one(
            "filter",
            {"type": "object", "properties": FILTERS, "additionalProperties": False, "minProperties": 1},
        ),
        _one("everyone", {"const": True, "type": "boolean"}),
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

_REVOCATION = {
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

_RULE: dict[str, Any] = {
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

_FILTER = {
    "type": "object",
    "properties": {name: schema for name, schema in FILTERS.items() if name != "state"},
    "additionalProperties": False,
    "minProperties": 1,
}

_INCIDENT = {
    "type": "object",
    "properties": {
        "name": {
            "type": "string",
            "minLength": 1,
            "maxLength": 120,
            "description": "What happened, in a few words.",
        },
        "ticket": {"type": "string", "maxLength": 120},
        "filter": _FILTER,
        "filters": {
            "type": "array",
            "items": _FILTER,
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

_CONTAIN = {
    "type": "object",
    "properties": {
        "seconds": {**_RULE["properties"]["seconds"], "description": "How long what matches is refused."},
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

_SUBJECT = {
    "oneOf": [
        {
            **_one("email", {"type": "string", "minLength": 3, "maxLength": 254}, format={"const": "email"}),
            "required": ["format", "email"],
        },
        {**_one("id", _ID, format={"const": "opaque"}), "required": ["format", "id"]},
        {
            **_one(
                "sub",
                {"type": "string", "minLength": 1, "maxLength": 255},
                format={"const": "iss_sub"},
                iss=_ISSUER,
            ),
            "required": ["format", "iss", "sub"],
        },
    ]
}

_KEY_HEADER = {
    "name": "Idempotency-Key",
    "in": "header",
    "schema": {"type": "string", "pattern": KEY},
    "description": "Any text you choose. For a day, the same key with the same body returns the first response and changes "
    "nothing; with another body 422; while the first call is in progress 409.",
}

# With `admin.two_people`, an act that reaches far is asked for and not done.
_WAITS = {
    "202": {
        **_json(
            "Nothing was changed yet: a second owner has to approve it at the console, within an hour. Only with "
            "`admin.two_people`.",
            "Approval",
        ),
        "headers": {"Location": {"schema": {"type": "string"}}},
    }
}

# The parameters of a list that is read page by page.
_PAGED = [
    _query("cursor", {"type": "string", "maxLength": 500}, "`next` of the previous page"),
    _query("limit", {"type": "integer", "minimum": 1, "maximum": 500, "default": 100}),
]
_ACTS = {"200": _json("A page of acts; the next one is at `next`.", "Acts")}

_PAGE = [
    _query("cursor", {"type": "string", "maxLength": 500}, "`next` of the previous page"),
    _query("limit", {"type": "integer", "minimum": 1, "maximum": 500, "default": 100}),
]

PATHS: dict[str, Any] = {
    "/api/v1/openapi.json": {
        "get": {
            **_operation("describe", "This document", "", {"200": {"description": "OpenAPI 3.1"}}),
            "security": [],
        }
    },
    "/api/v1/sessions": {
        "get": _operation(
            "list_sessions",
            "Sessions of all sites, newest sign-in first",
            "sessions:read",
            {
                "200": {
                    **_json(
                        "A page of sessions; the next one is at `next`, or in the header Link.", "Sessions"
                    ),
                    "headers": {"Link": {"schema": {"type": "string"}}},
                }
            },
            parameters=[
                *(_query(name, schema) for name, schema in FILTERS.items()),
                *_PAGE,
            ],
        )
    },
    "/api/v1/sessions/{id}": {
        "parameters": [{"name": "id", "in": "path", "required": True, "schema": _ID}],
        "get": _operation(
            "get_session",
            "One session with its timeline",
            "sessions:read",
            {"200": _json("The session", "SessionDetail")},
        ),
        "delete": _operation(
            "end_session",
            "End a session; ending it twice is harmless",
            "sessions:revoke",
            {"204": {"description": "The session has ended."}, **_WAITS},
        ),
    },
    "/api/v1/sessions/{id}/explain": {
        "parameters": [{"name": "id", "in": "path", "required": True, "schema": _ID}],
        "get": _operation(
            "explain_session",
            "Why requests of a session were served or refused, newest first, and what its next one would meet",
            "sessions:read",
            {"200": _json("The decisions", "Explanation")},
        ),
    },
    "/api/v1/revocations": {
        "post": _operation(
            "revoke",
            "End sessions",
            "sessions:revoke everyone:revoke",
            {
                "200": _json("A dry run: the sessions that would end.", "Receipt"),
                "201": _json("The sessions have ended.", "Receipt"),
                **_WAITS,
            },
            parameters=[_KEY_HEADER],
            requestBody=_body(_REVOCATION),
        )
    },
    "/api/v1/revocations/{id}": {
        "parameters": [{"name": "id", "in": "path", "required": True, "schema": _ID}],
        "get": _operation(
            "get_revocation",
            "A revocation as it stands now",
            "sessions:read",
            {"200": _json("The receipt", "Revocation")},
        ),
    },
    "/api/v1/rules": {
        "get": _operation(
            "list_rules",
            "Deny rules, newest first; those that are over, too",
            "sessions:revoke",
            {"200": _json("A page of rules; the next one is at `next`.", "Rules")},
            parameters=_PAGED,
        ),
        "post": _operation(
            "add_rule",
            "Refuse logins, refreshes and pages for a while; no session is ended",
            "sessions:revoke",
            {
                "200": _json("A dry run: the sessions that the rule would refuse.", "RuleWeight"),
                "201": _json("The rule is in force.", "RuleMade"),
                **_WAITS,
            },
            parameters=[_KEY_HEADER],
            requestBody=_body(_RULE),
        ),
    },
    "/api/v1/rules/{id}": {
        "parameters": [{"name": "id", "in": "path", "required": True, "schema": _ID}],
        "delete": _operation(
            "lift_rule",
            "Lift a deny rule; lifting it twice is harmless",
            "sessions:revoke",
            {"204": {"description": "The rule is not in force any more."}},
            parameters=[_query("text", {"type": "string", "maxLength": 2000}, "A note for the audit log")],
        ),
    },
    "/api/v1/incidents": {
        "get": _operation(
            "list_incidents",
            "Incidents, newest first",
            "sessions:read",
            {"200": _json("A page of incidents; the next one is at `next`.", "Incidents")},
            parameters=_PAGED,
        ),
        "post": _operation(
            "open_incident",
            "Open an incident about the sessions of a filter, or of several; nothing is ended",
            "sessions:revoke",
            {"201": _json("The incident", "IncidentStatus")},
            requestBody=_body(_INCIDENT),
        ),
    },
    "/api/v1/incidents/{id}": {
        "parameters": [{"name": "id", "in": "path", "required": True, "schema": _ID}],
        "get": _operation(
            "get_incident",
            "An incident as it stands now",
            "sessions:read",
            {"200": _json("The incident", "IncidentStatus")},
        ),
    },
    "/api/v1/incidents/{id}/acts": {
        "parameters": [{"name": "id", "in": "path", "required": True, "schema": _ID}],
        "get": _operation(
            "list_incident_acts",
            "What was done on the sessions that an incident has ended, newest first: orders, posts, exports, acts of admins",
            "sessions:read",
            _ACTS,
            parameters=_PAGED,
        ),
    },
    "/api/v1/sessions/{id}/acts": {
        "parameters": [{"name": "id", "in": "path", "required": True, "schema": _ID}],
        "get": _operation(
            "list_session_acts",
            "What was done on a session, newest first: orders, posts, exports, acts of an admin",
            "sessions:read",
            _ACTS,
            parameters=_PAGED,
        ),
    },
    "/api/v1/incidents/{id}/filters": {
        "parameters": [{"name": "id", "in": "path", "required": True, "schema": _ID}],
        "post": _operation(
            "add_filter",
            "Have an incident be about the sessions of one more filter; nothing is ended before it is contained again",
            "sessions:revoke",
            {"200": _json("The incident as it stands", "IncidentStatus")},
            requestBody=_body(_one("filter", _FILTER)),
        ),
    },
    "/api/v1/incidents/{id}/filters/remove": {
        "parameters": [{"name": "id", "in": "path", "required": True, "schema": _ID}],
        "post": _operation(
            "remove_filter",
            "Have an incident not be about the sessions of a filter any more; what has ended stays ended, and a rule stays in force",
            "sessions:revoke",
            {"200": _json("The incident as it stands", "IncidentStatus")},
            requestBody=_body(_one("filter", _FILTER)),
        ),
    },
    "/api/v1/incidents/{id}/contain": {
        "parameters": [{"name": "id", "in": "path", "required": True, "schema": _ID}],
        "post": _operation(
            "contain_incident",
            "Refuse what matches, then end what matches, those who sign in meanwhile included. Safe to repeat",
            "sessions:revoke everyone:revoke",
            {
                "200": _json("Contained, or a dry run: the incident as it stands.", "IncidentStatus"),
                **_WAITS,
            },
            requestBody=_body(_CONTAIN),
        ),
    },
    "/api/v1/revocations/{id}/sessions": {
        "parameters": [{"name": "id", "in": "path", "required": True, "schema": _ID}],
        "get": _operation(
            "list_revoked",
            "All sessions that a revocation has ended; those behind a gate appear as they are marked",
            "sessions:read",
            {
                "200": {
                    **_json("A page of sessions, newest sign-in first", "Sessions"),
                    "headers": {"Link": {"schema": {"type": "string"}}},
                }
            },
            parameters=_PAGE,
        ),
    },
    "/api/v1/approvals/{id}": {
        "parameters": [{"name": "id", "in": "path", "required": True, "schema": _ID}],
        "get": _operation(
            "get_approval",
            "A request for the approval of a second owner, as it stands now",
            "sessions:revoke everyone:revoke",
            {"200": _json("The request", "Approval")},
        ),
    },
    "/api/v1/events": {
        "get": _operation(
            "list_events",
            "The audit log, oldest first; with `Accept: application/x-ndjson` one event a line",
            "events:read",
            {
                "200": {
                    "description": "Events; pass `next` as `after` for the following ones.",
                    "content": {
                        "application/json": {"schema": {"$ref": "#/components/schemas/Events"}},
                        "application/x-ndjson": {"schema": {"type": "string"}},
                    },
                }
            },
            parameters=[
                _query("after", {"type": "integer", "minimum": 0, "maximum": 2**63 - 1, "default": 0}),
                _query(
                    "types",
                    {"type": "string", "pattern": "^[a-z0-9_]{1,64}(,[a-z0-9_]{1,64}){0,49}$"},
                    "Names of events, separated by commas",
                ),
                _query("limit", {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100}),
            ],
        )
    },
    "/api/v1/global-token-revocation": {
        "post": _operation(
            "revoke_user",
            "End all sessions of a user (draft-parecki-oauth-global-token-revocation)",
            "sessions:revoke",
            {"204": {"description": "All sessions have ended."}, **_WAITS},
            requestBody=_body(_one("sub_id", _SUBJECT)),
        )
    },
}
