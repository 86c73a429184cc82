"""The API in OpenAPI 3.1. Routes, scopes and checks are made from this document, so it cannot differ from the code.

An operation's `operationId` is the name of its function in `views`. Its `security` lists scopes; the token needs one of
them. An operation without `security` is refused to every token.
"""

from typing import Any

from ..api_tokens.tokens import SCOPES
from ..operations.json_documents import SCHEMAS
from .request_schemas import CONTAIN, FILTER, FILTERS, ID, INCIDENT, REVOCATION, RULE, SUBJECT, one_field


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


_KEY_HEADER = {
    "name": "Idempotency-Key",
    "in": "header",
    "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
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

_BY_ID = [{"name": "id", "in": "path", "required": True, "schema": ID}]

# The parameters of a list that is read page by page.
_PAGED = [
    _query("cursor", {"type": "string", "maxLength": 500}, "`next` of the previous page"),
    _query("limit", {"type": "integer", "minimum": 1, "maximum": 500, "default": 100}),
]
_ACTS = {"200": _json("A page of acts; the next one is at `next`.", "Acts")}

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
                *_PAGED,
            ],
        )
    },
    "/api/v1/sessions/{id}": {
        "parameters": _BY_ID,
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
        "parameters": _BY_ID,
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
            requestBody=_body(REVOCATION),
        )
    },
    "/api/v1/revocations/{id}": {
        "parameters": _BY_ID,
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
            requestBody=_body(RULE),
        ),
    },
    "/api/v1/rules/{id}": {
        "parameters": _BY_ID,
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
            requestBody=_body(INCIDENT),
        ),
    },
    "/api/v1/incidents/{id}": {
        "parameters": _BY_ID,
        "get": _operation(
            "get_incident",
            "An incident as it stands now",
            "sessions:read",
            {"200": _json("The incident", "IncidentStatus")},
        ),
    },
    "/api/v1/incidents/{id}/acts": {
        "parameters": _BY_ID,
        "get": _operation(
            "list_incident_acts",
            "What was done on the sessions that an incident has ended, newest first: orders, posts, exports, acts of admins",
            "sessions:read",
            _ACTS,
            parameters=_PAGED,
        ),
    },
    "/api/v1/sessions/{id}/acts": {
        "parameters": _BY_ID,
        "get": _operation(
            "list_session_acts",
            "What was done on a session, newest first: orders, posts, exports, acts of an admin",
            "sessions:read",
            _ACTS,
            parameters=_PAGED,
        ),
    },
    "/api/v1/incidents/{id}/filters": {
        "parameters": _BY_ID,
        "post": _operation(
            "add_filter",
            "Add a filter to an incident; nothing is ended before the incident is contained again",
            "sessions:revoke",
            {"200": _json("The incident as it stands", "IncidentStatus")},
            requestBody=_body(one_field("filter", FILTER)),
        ),
    },
    "/api/v1/incidents/{id}/contain": {
        "parameters": _BY_ID,
        "post": _operation(
            "contain_incident",
            "Refuse the logins and sessions that match, then end these sessions, including new sign-ins. Safe to repeat",
            "sessions:revoke everyone:revoke",
            {
                "200": _json("Contained, or a dry run: the incident as it stands.", "IncidentStatus"),
                **_WAITS,
            },
            requestBody=_body(CONTAIN),
        ),
    },
    "/api/v1/revocations/{id}/sessions": {
        "parameters": _BY_ID,
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
            parameters=_PAGED,
        ),
    },
    "/api/v1/approvals/{id}": {
        "parameters": _BY_ID,
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
            requestBody=_body(one_field("sub_id", SUBJECT)),
        )
    },
}
