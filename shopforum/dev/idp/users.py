"""Users over the API: create, read, replace, change, deactivate, delete."""

import re
import sqlite3
import uuid
from typing import Any

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response

from . import accounts, tokens
from .errors import RefusedError, answer, field_error, nothing
from .json_fields import (
    flag,
    input_values,
    json_body,
    mapping,
    require_api_key,
    required_text,
    strings,
    text,
    uuid_text,
    whole,
)
from .passwords import LONGEST, SHORTEST
from .policies import choice, deep_merge
from .service import Service, service_of

_ADDRESS = re.compile(r"[^@\s\x00-\x1f]+@[^@\s\x00-\x1f]+")
_KEPT = (
    *accounts.TEXTS, "username", "email", "data", "preferredLanguages", "passwordChangeRequired", "verified",
    "expiry", "twoFactor",
)  # fmt: skip


def checked_password(user: dict[str, Any]) -> str:
    """The new password of a request's user, exact. Raises a 400 when it is missing, too short or too long."""
    password = required_text(user, "password", "user.password")
    if len(password) < SHORTEST:
        raise field_error(
            "user.password", "tooShort", f"The password must have at least {SHORTEST} characters."
        )
    if len(password) > LONGEST:
        raise field_error("user.password", "tooLong", f"The password must have at most {LONGEST} characters.")
    return password


def read_user(given: dict[str, Any], base: dict[str, Any]) -> dict[str, Any]:
    """``base`` with the fields of a request's user over it. Raises a 400 that names a wrong field."""
    body = base | {name: given[name] for name in _KEPT if name in given}
    for name in (*accounts.TEXTS, "username"):
        value = text(body, name, f"user.{name}")
        if value is not None and len(value) > 255:
            raise field_error(f"user.{name}", "tooLong", f"The [user.{name}] property is too long.")
    address = text(body, "email", "user.email")
    if address and (len(address) > 191 or not _ADDRESS.fullmatch(address)):
        raise field_error("user.email", "notEmail", "The [user.email] property must be an e-mail address.")
    if not address and not body.get("username"):
        raise field_error(
            "user.email", "blank", "You must specify the [user.email] or [user.username] property."
        )
    body["email"] = address.lower() if address else None
    body["data"] = mapping(body, "data", "user.data")
    body["preferredLanguages"] = strings(body, "preferredLanguages", "user.preferredLanguages")
    body["passwordChangeRequired"] = flag(body, "passwordChangeRequired")
    body["verified"] = flag(body, "verified", True)
    body["expiry"] = whole(body, "expiry")
    body["twoFactor"] = {"methods": _methods(mapping(body, "twoFactor", "user.twoFactor"))}
    return body


def _methods(two_factor: dict[str, Any]) -> list[dict[str, str]]:
    methods = two_factor.get("methods") or []
    if (
        not isinstance(methods, list)
        or len(methods) > 10
        or not all(isinstance(one, dict) for one in methods)
    ):
        raise field_error(
            "user.twoFactor.methods", "couldNotConvert", "The methods must be a list of objects."
        )
    read = []
    for one in methods:
        method = {
            "id": text(one, "id") or uuid.uuid4().hex[:6].upper(),
            "method": choice(one, "method", ("authenticator", "email", "sms")),
            "email": text(one, "email"),
            "mobilePhone": text(one, "mobilePhone"),
        }
        read.append({name: value for name, value in method.items() if value is not None})
    return read


def create_user(
    service: Service, db: sqlite3.Connection, user_id: str, given: dict[str, Any], password_hash: str
) -> sqlite3.Row:
    """Store a new user and return the row. The password was hashed before the transaction."""
    body = read_user(given, accounts.new_user_body(user_id, service.state.now()))
    accounts.store_user(db, body, password_hash, create=True)
    return accounts.existing_user(db, user_id)


def create(request: Request) -> Response:
    """``POST /api/user[/{userId}]``."""
    service = service_of(request)
    require_api_key(request, service.api_key)
    user_id = uuid_text(request.matchdict.get("userId", str(uuid.uuid4())), "userId")
    given = mapping(json_body(request), "user")
    password_hash = service.passwords.hash(checked_password(given))
    with service.database.write() as db:
        return answer({"user": accounts.shown(db, create_user(service, db, user_id, given, password_hash))})


def show(request: Request) -> Response:
    """``GET /api/user/{userId}``."""
    service = service_of(request)
    require_api_key(request, service.api_key)
    user_id = uuid_text(request.matchdict["userId"], "userId")
    with service.database.read() as db:
        return answer({"user": accounts.shown(db, accounts.existing_user(db, user_id))})


def find(request: Request) -> Response:
    """``GET /api/user`` by email, username, loginId or changePasswordId."""
    service, query = service_of(request), request.GET
    require_api_key(request, service.api_key)
    with service.database.read() as db:
        if query.get("changePasswordId"):
            made = service.state.find_challenge("changePassword", query["changePasswordId"])
            row = accounts.find_user(db, made.user_id) if made else None
        elif query.get("email"):
            row = accounts.find_by_login(db, query["email"], ["email"])
        elif query.get("username"):
            row = accounts.find_by_login(db, query["username"], ["username"])
        else:
            row = accounts.find_by_login(db, required_text(query, "loginId"), query.getall("loginIdTypes"))
        if row is None:
            raise RefusedError(404)
        return answer({"user": accounts.shown(db, row)})


def change(request: Request) -> Response:
    """``PUT`` (replace, or ``?reactivate=true``) and ``PATCH`` (merge) of ``/api/user/{userId}``."""
    service = service_of(request)
    require_api_key(request, service.api_key)
    user_id = uuid_text(request.matchdict["userId"], "userId")
    if request.method == "PUT" and flag(request.GET, "reactivate"):
        with service.database.write() as db:
            accounts.existing_user(db, user_id)
            accounts.update_body(db, user_id, {"active": True})
            return answer({"user": accounts.shown(db, accounts.existing_user(db, user_id))})
    given = mapping(json_body(request), "user")
    password_hash = service.passwords.hash(checked_password(given)) if given.get("password") else None
    with service.database.write() as db:
        row, now = accounts.existing_user(db, user_id), service.state.now()
        stored = accounts.user_body(row)
        if request.method == "PATCH":
            body = read_user(
                deep_merge({name: stored[name] for name in _KEPT if name in stored}, given), stored
            )
        else:
            fixed = (
                "active",
                "insertInstant",
                "passwordLastUpdateInstant",
                "lastLoginInstant",
                *accounts.HIDDEN,
            )
            base = accounts.new_user_body(user_id, now) | {key: stored[key] for key in fixed if key in stored}
            body = read_user(given, base)
        accounts.store_user(db, body | {"lastUpdateInstant": now}, row["password_hash"], create=False)
        if password_hash is not None:
            set_password(service, db, user_id, password_hash)
        service.webhooks.about_user("user.update", db, user_id)
        if body["email"] != stored.get("email"):
            service.webhooks.about_user("user.email.update", db, user_id)
        return answer({"user": accounts.shown(db, accounts.existing_user(db, user_id))})


def set_password(service: Service, db: sqlite3.Connection, user_id: str, password_hash: str) -> None:
    """Store a new password, which ends the user's change-password ids and, by policy, refresh tokens."""
    now = service.state.now()
    db.execute("UPDATE users SET password_hash = ? WHERE id = ?", (password_hash, user_id))
    accounts.update_body(db, user_id, {"passwordLastUpdateInstant": now, "passwordChangeRequired": False})
    service.webhooks.about_user("user.password.update", db, user_id)
    if service.policy(db, None).on_password_changed and tokens.revoke(db, now, user_id=user_id):
        service.webhooks.tokens_revoked(user_id, None)
    service.state.drop_challenges("changePassword", user_id)


def delete(request: Request) -> Response:
    """``DELETE /api/user/{userId}``: deactivates; with ``hardDelete`` the user is gone."""
    service = service_of(request)
    require_api_key(request, service.api_key)
    user_id = uuid_text(request.matchdict["userId"], "userId")
    hard = flag(input_values(request), "hardDelete")
    with service.database.write() as db:
        accounts.existing_user(db, user_id)
        service.webhooks.about_user("user.delete" if hard else "user.deactivate", db, user_id)
        if hard:
            db.execute("DELETE FROM users WHERE id = ?", (user_id,))
        else:
            accounts.update_body(db, user_id, {"active": False})
            if service.policy(db, None).on_login_prevented:
                tokens.revoke(db, service.state.now(), user_id=user_id)
    return nothing(200)


def others(_request: Request) -> Response:
    """Endpoints of their own that this provider lacks: not to be taken for a user of that name."""
    return nothing(501)


def includeme(config: Configurator) -> None:
    """Routes of this module."""
    # Before /api/user/{userId}, which would match these paths too.
    config.add_route("registration_new", "/api/user/registration")
    config.add_route("change_password", "/api/user/change-password")
    config.add_route("forgot_password", "/api/user/forgot-password")
    config.add_route("verify_email", "/api/user/verify-email")
    config.add_route("user_others", "/api/user/{other:search|action|bulk}")
    config.add_view(others, route_name="user_others")
    config.add_route("users", "/api/user")
    config.add_route("user", "/api/user/{userId}")
    config.add_view(create, route_name="users", request_method="POST")
    config.add_view(find, route_name="users", request_method="GET")
    config.add_view(create, route_name="user", request_method="POST")
    config.add_view(show, route_name="user", request_method="GET")
    config.add_view(change, route_name="user", request_method=("PUT", "PATCH"))
    config.add_view(delete, route_name="user", request_method="DELETE")
