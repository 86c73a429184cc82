"""Registrations over the API: which applications a user belongs to, with which roles."""

import sqlite3
import uuid
from typing import Any

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response

from . import accounts
from .completion import find_application
from .errors import RefusedError, answer, field_error, nothing
from .json_fields import flag, json_body, mapping, require_api_key, required_identifier, strings, uuid_text
from .service import service_of, tenant
from .users import checked_password, create_user
from .verification import send_verification


def create(request: Request) -> Response:
    """``POST /api/user/registration[/{userId}]``: registers a user, created first when ``user`` is given."""
    service, body = service_of(request), json_body(request)
    require_api_key(request, service.api_key)
    given, wanted = mapping(body, "user"), mapping(body, "registration")
    user_id = uuid_text(request.matchdict.get("userId", str(uuid.uuid4())), "userId")
    application_id = required_identifier(wanted, "applicationId", "registration.applicationId")
    password_hash = service.passwords.hash(checked_password(given)) if given else None
    now = service.state.now()
    with service.database.write() as db:
        roles = (
            _roles(db, application_id, wanted) if "roles" in wanted else _default_roles(db, application_id)
        )
        if password_hash is not None:
            _create_user(request, db, user_id, given, password_hash, skip=flag(body, "skipVerification"))
        elif accounts.find_user(db, user_id) is None:
            raise RefusedError(404)
        if accounts.registration_of(db, user_id, application_id) is not None:
            raise field_error(
                "registration", "duplicate", "The user is already registered for this application."
            )
        registration = accounts.new_registration(application_id, str(uuid.uuid4()), roles, now)
        registration |= {
            "data": mapping(wanted, "data", "registration.data"),
            "verified": flag(wanted, "verified", True),
        }
        accounts.store_registration(db, user_id, registration)
        return _shown(db, user_id, registration)


def _create_user(
    request: Request,
    db: sqlite3.Connection,
    user_id: str,
    given: dict[str, Any],
    password_hash: str,
    *,
    skip: bool,
) -> None:
    """Create the user, and have the address verified where the tenant wants it."""
    service = service_of(request)
    verify = not skip and flag(mapping(tenant(db), "emailConfiguration"), "verifyEmail")
    create_user(service, db, user_id, given | ({"verified": False} if verify else {}), password_hash)
    if verify and given.get("email"):
        send_verification(request, user_id, str(given["email"]))


def _default_roles(db: sqlite3.Connection, application_id: str) -> list[str]:
    application = find_application(db, application_id) or {}
    return [role["name"] for role in application.get("roles", []) if role.get("isDefault")]


def change(request: Request) -> Response:
    """``PUT`` and ``PATCH /api/user/registration/{userId}``."""
    service = service_of(request)
    require_api_key(request, service.api_key)
    user_id = uuid_text(request.matchdict["userId"], "userId")
    wanted = mapping(json_body(request), "registration")
    application_id = required_identifier(wanted, "applicationId", "registration.applicationId")
    with service.database.write() as db:
        registration = _existing(db, user_id, application_id)
        replace = request.method == "PUT"
        if replace or "roles" in wanted:
            registration["roles"] = sorted(set(_roles(db, application_id, wanted)))
        if replace or "data" in wanted:
            registration["data"] = mapping(wanted, "data", "registration.data")
        registration["verified"] = flag(wanted, "verified", registration["verified"])
        registration["lastUpdateInstant"] = service.state.now()
        accounts.store_registration(db, user_id, registration)
        service.webhooks.about_user("user.registration.update", db, user_id, registration)
        return _shown(db, user_id, registration)


def show(request: Request) -> Response:
    """``GET /api/user/registration/{userId}/{applicationId}``."""
    service = service_of(request)
    require_api_key(request, service.api_key)
    with service.database.read() as db:
        user_id, application_id = _ids(request)
        found = _existing(db, user_id, application_id)
        return answer({"registration": accounts.with_groups(db, user_id, found)})


def delete(request: Request) -> Response:
    """``DELETE /api/user/registration/{userId}/{applicationId}``.

    The user's refresh tokens stay, as at FusionAuth: they then give a JWT without application and roles.
    """
    service = service_of(request)
    require_api_key(request, service.api_key)
    user_id, application_id = _ids(request)
    with service.database.write() as db:
        registration = _existing(db, user_id, application_id)
        service.webhooks.about_user("user.registration.delete", db, user_id, registration)
        db.execute(
            "DELETE FROM registrations WHERE user_id = ? AND application_id = ?", (user_id, application_id)
        )
    return nothing(200)


def _ids(request: Request) -> tuple[str, str]:
    names = ("userId", "applicationId")
    user_id, application_id = (uuid_text(request.matchdict[name], name) for name in names)
    return user_id, application_id


def _existing(db: sqlite3.Connection, user_id: str, application_id: str) -> dict[str, Any]:
    registration = accounts.registration_of(db, user_id, application_id)
    if registration is None:
        raise RefusedError(404)
    return registration


def _roles(db: sqlite3.Connection, application_id: str, wanted: dict[str, Any]) -> list[str]:
    application = find_application(db, application_id)
    known = {role["name"] for role in (application or {}).get("roles", [])}
    roles = strings(wanted, "roles", "registration.roles")
    if not set(roles) <= known:
        raise field_error(
            "registration.roles", "invalid", "The application does not have one of these roles."
        )
    return roles


def _shown(db: sqlite3.Connection, user_id: str, registration: dict[str, Any]) -> Response:
    user = accounts.find_user(db, user_id)
    if user is None:
        raise RefusedError(404)
    shown = accounts.with_groups(db, user_id, registration)
    return answer({"registration": shown, "user": accounts.shown(db, user)})


def includeme(config: Configurator) -> None:
    """Routes of this module; ``registration_new`` is added with the users' routes, whose order matters."""
    config.add_route("registration_user", "/api/user/registration/{userId}")
    config.add_route("registration", "/api/user/registration/{userId}/{applicationId}")
    config.add_view(create, route_name="registration_new", request_method="POST")
    config.add_view(create, route_name="registration_user", request_method="POST")
    config.add_view(change, route_name="registration_user", request_method=("PUT", "PATCH"))
    config.add_view(show, route_name="registration", request_method="GET")
    config.add_view(delete, route_name="registration", request_method="DELETE")
