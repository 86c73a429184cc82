"""Applications and the tenant over the API: reading and changing their settings."""

import json
import sqlite3
import uuid
from typing import Any

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response

from .errors import RefusedError, answer, field_error
from .json_fields import flag, json_body, mapping, require_api_key, required_text, strings, text, uuid_text
from .oauth import secret_hash
from .policies import choice, deep_merge, read_policy
from .service import put_tenant, service_of, tenant

_DEFAULTS: dict[str, Any] = {
    "active": True,
    # FusionAuth's own defaults: an application that nobody has set up gives no refresh tokens.
    "loginConfiguration": {
        "allowTokenRefresh": False,
        "generateRefreshTokens": False,
        "requireAuthentication": True,
    },
    "oauthConfiguration": {"clientAuthenticationPolicy": "Required", "enabledGrants": []},
    "roles": [],
}


def put_application(
    db: sqlite3.Connection, application_id: str, change: dict[str, Any], home: str
) -> dict[str, Any]:
    """Create an application or change an existing one, field by field. Returns its JSON.

    ``change`` is FusionAuth's application object. Raises a 400 for a field of a wrong type.
    """
    row = db.execute("SELECT * FROM applications WHERE id = ?", (application_id,)).fetchone()
    body = deep_merge(json.loads(row["body"]) if row else _DEFAULTS, change)
    body |= {"id": application_id, "tenantId": home}
    oauth = mapping(body, "oauthConfiguration")
    secret = text(oauth, "clientSecret", "application.oauthConfiguration.clientSecret")
    oauth.pop("clientSecret", None)
    body["oauthConfiguration"] = oauth | {"clientId": application_id}
    body["roles"] = _roles(body)
    _check(body)
    # Without a secret of its own an application gets one that nobody knows, never an empty one.
    stored = secret_hash(secret) if secret else row["secret_hash"] if row else secret_hash(str(uuid.uuid4()))
    db.execute(
        "INSERT INTO applications (id, secret_hash, body) VALUES (?, ?, ?)"
        " ON CONFLICT (id) DO UPDATE SET secret_hash = excluded.secret_hash, body = excluded.body",
        (application_id, stored, json.dumps(body)),
    )
    return body


def _roles(body: dict[str, Any]) -> list[dict[str, Any]]:
    roles = body.get("roles")
    if not isinstance(roles, list) or not all(isinstance(role, dict) for role in roles):
        raise field_error(
            "application.roles", "couldNotConvert", "The [application.roles] must be a list of objects."
        )
    return [
        {"id": str(uuid.uuid4()), **role, "name": required_text(role, "name", "role.name")} for role in roles
    ]


def _check(body: dict[str, Any]) -> None:
    required_text(body, "name", "application.name")
    login = mapping(body, "loginConfiguration")
    for name in ("allowTokenRefresh", "generateRefreshTokens", "requireAuthentication"):
        flag(login, name)
    oauth = mapping(body, "oauthConfiguration")
    strings(oauth, "enabledGrants")
    choice(oauth, "clientAuthenticationPolicy", ("Required", "NotRequired", "NotRequiredWhenUsingPKCE"))
    own = mapping(body, "jwtConfiguration")
    flag(own, "enabled")
    read_policy(own)


def listing(request: Request) -> Response:
    """``GET /api/application``."""
    service = service_of(request)
    require_api_key(request, service.api_key)
    with service.database.read() as db:
        rows = db.execute("SELECT body FROM applications ORDER BY rowid").fetchall()
    return answer({"applications": [json.loads(row["body"]) for row in rows]})


def show(request: Request) -> Response:
    """``GET /api/application/{id}``, without the client secret, of which there is only a hash."""
    service = service_of(request)
    require_api_key(request, service.api_key)
    application_id = uuid_text(request.matchdict["applicationId"], "applicationId")
    with service.database.read() as db:
        row = db.execute("SELECT body FROM applications WHERE id = ?", (application_id,)).fetchone()
    if row is None:
        raise RefusedError(404)
    return answer({"application": json.loads(row["body"])})


def save(request: Request) -> Response:
    """``POST /api/application[/{id}]`` creates, ``PATCH /api/application/{id}`` changes."""
    service = service_of(request)
    require_api_key(request, service.api_key)
    application_id = uuid_text(request.matchdict.get("applicationId", str(uuid.uuid4())), "applicationId")
    change = mapping(json_body(request), "application")
    with service.database.write() as db:
        exists = (
            db.execute("SELECT 1 FROM applications WHERE id = ?", (application_id,)).fetchone() is not None
        )
        if exists and request.method == "POST":
            raise field_error("applicationId", "duplicate", "An Application with this Id already exists.")
        if not exists and request.method == "PATCH":
            raise RefusedError(404)
        body = put_application(db, application_id, change, tenant(db)["id"])
    return answer({"application": body})


def add_role(request: Request) -> Response:
    """``POST /api/application/{id}/role``: one role more."""
    service = service_of(request)
    require_api_key(request, service.api_key)
    application_id = uuid_text(request.matchdict["applicationId"], "applicationId")
    role = mapping(json_body(request), "role")
    with service.database.write() as db:
        row = db.execute("SELECT body FROM applications WHERE id = ?", (application_id,)).fetchone()
        if row is None:
            raise RefusedError(404)
        roles = json.loads(row["body"])["roles"]
        if required_text(role, "name", "role.name") in {one["name"] for one in roles}:
            raise field_error("role.name", "duplicate", "A role with this name already exists.")
        body = put_application(db, application_id, {"roles": [*roles, role]}, tenant(db)["id"])
    return answer({"role": body["roles"][-1]})


def tenants(request: Request) -> Response:
    """``GET /api/tenant[/{id}]`` and ``PATCH /api/tenant/{id}``: there is one."""
    service = service_of(request)
    require_api_key(request, service.api_key)
    wanted = request.matchdict.get("tenantId")
    with service.database.write() as db:
        home = tenant(db)
        if wanted is None:
            return answer({"tenants": [home]})
        if uuid_text(wanted, "tenantId") != home["id"]:
            raise RefusedError(404)
        if request.method == "PATCH":
            home = deep_merge(home, mapping(json_body(request), "tenant")) | {"id": home["id"]}
            required_text(home, "issuer", "tenant.issuer")
            flag(mapping(home, "loginConfiguration"), "requireAuthentication", True)
            read_policy(mapping(home, "jwtConfiguration"))
            put_tenant(db, home)
    return answer({"tenant": home})


def webhooks(request: Request) -> Response:
    """``GET`` and ``POST /api/webhook``, ``PATCH /api/webhook/{id}``: objects alone; `--webhook` says who is told of events."""
    service = service_of(request)
    require_api_key(request, service.api_key)
    with service.database.write() as db:
        stored = {
            row["id"]: json.loads(row["body"]) for row in db.execute("SELECT * FROM webhooks ORDER BY rowid")
        }
        if request.method == "GET":
            return answer({"webhooks": list(stored.values())})
        webhook_id = uuid_text(request.matchdict.get("webhookId", str(uuid.uuid4())), "webhookId")
        if request.method == "PATCH" and webhook_id not in stored:
            raise RefusedError(404)
        body = put_webhook(db, webhook_id, stored.get(webhook_id, {}), mapping(json_body(request), "webhook"))
    return answer({"webhook": body})


def put_webhook(
    db: sqlite3.Connection, webhook_id: str, stored: dict[str, Any], change: dict[str, Any]
) -> dict[str, Any]:
    """Create or change a webhook's object. Returns its JSON."""
    body = deep_merge(stored, change) | {"id": webhook_id}
    required_text(body, "url", "webhook.url")
    db.execute(
        "INSERT INTO webhooks (id, body) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET body = excluded.body",
        (webhook_id, json.dumps(body)),
    )
    return body


def includeme(config: Configurator) -> None:
    """Routes of this module."""
    config.add_route("applications", "/api/application")
    config.add_route("application", "/api/application/{applicationId}")
    config.add_route("application_role", "/api/application/{applicationId}/role")
    config.add_view(add_role, route_name="application_role", request_method="POST")
    config.add_route("webhooks", "/api/webhook")
    config.add_route("webhook", "/api/webhook/{webhookId}")
    config.add_view(webhooks, route_name="webhooks", request_method=("GET", "POST"))
    config.add_view(webhooks, route_name="webhook", request_method="PATCH")
    config.add_route("tenants", "/api/tenant")
    config.add_route("tenant", "/api/tenant/{tenantId}")
    config.add_view(listing, route_name="applications", request_method="GET")
    config.add_view(save, route_name="applications", request_method="POST")
    config.add_view(show, route_name="application", request_method="GET")
    config.add_view(save, route_name="application", request_method=("POST", "PATCH"))
    config.add_view(tenants, route_name="tenants", request_method="GET")
    config.add_view(tenants, route_name="tenant", request_method=("GET", "PATCH"))
