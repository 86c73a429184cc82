"""The end of a login whose credentials were right, and its inputs: the code that all kinds of login share."""

import json
import sqlite3
from typing import Any

from pyramid.request import Request
from pyramid.response import Response

from . import accounts, tokens
from .errors import RefusedError, answer, field_error, general_error
from .json_fields import flag, mapping, text
from .responses import access_token, login_answer
from .service import Service

CHANGE_PASSWORD_SECONDS = 600


def complete(
    request: Request,
    service: Service,
    *,
    user_id: str,
    application_id: str | None,
    meta_data: dict[str, Any],
    kind: str,
    no_jwt: bool,
    extra: dict[str, Any] | None = None,
) -> Response:
    """The end of every login whose credentials were right: 203, 212, 202, 213 or 200."""
    now = service.state.now()
    with service.database.write() as db:
        user = accounts.existing_user(db, user_id)
        body = accounts.user_body(user)
        if not body["active"]:
            raise RefusedError(423)
        if body["passwordChangeRequired"]:
            return _change_password_first(service, user_id)
        application = find_application(db, application_id)
        custom = service.lambda_for(application_id)
        if custom is not None and custom.refusal:
            raise general_error(custom.refusal, "A login validation lambda refuses this login.")
        registration = accounts.registration_of(db, user_id, application_id)
        status = _status(body, application_id, registration)
        refresh = None
        if status == 200 and registration is not None and not no_jwt and _generates(application):
            policy = service.policy(db, application_id)
            refresh = tokens.issue(
                db,
                user_id=user_id,
                application_id=registration["applicationId"],
                meta_data=meta_data,
                policy=policy,
                now=now,
            )
        token = None
        if status in (200, 202) and not no_jwt:
            seconds = service.policy(db, application_id).jwt_seconds
            token = access_token(
                service, db, user, application_id=application_id, refresh=refresh, kind=kind, seconds=seconds
            )
        record_login(db, user_id, registration, now)
        shown = accounts.shown(db, accounts.existing_user(db, user_id))
    return login_answer(request, status, {"user": shown, **(extra or {})}, token=token, refresh=refresh)


def refuse_prevented(service: Service, user: dict[str, Any]) -> None:
    """Refuse an expired user (410) and one whose login a user action prevents (409)."""
    if user.get("expiry") is not None and user["expiry"] <= service.state.now():
        raise RefusedError(410)
    action = user.get("loginPrevented")
    if action:
        raise RefusedError(409, {"actions": [action]})


def record_login(db: sqlite3.Connection, user_id: str, registration: dict[str, Any] | None, now: int) -> None:
    """Note the instant of a login on the user and on the registration."""
    accounts.update_body(db, user_id, {"lastLoginInstant": now})
    if registration is not None:
        accounts.store_registration(db, user_id, registration | {"lastLoginInstant": now})


def find_application(db: sqlite3.Connection, application_id: str | None) -> dict[str, Any] | None:
    """An application's JSON; None without an id; a 400 for an unknown one."""
    if application_id is None:
        return None
    row = db.execute("SELECT body FROM applications WHERE id = ?", (application_id,)).fetchone()
    if row is None:
        raise field_error("applicationId", "invalid", "The [applicationId] is not the Id of an application.")
    body: dict[str, Any] = json.loads(row["body"])
    return body


def device(body: dict[str, Any]) -> dict[str, Any]:
    """The part of ``metaData`` that labels the refresh token; values of wrong types are a 400."""
    described = mapping(mapping(body, "metaData"), "device", "metaData.device")
    fields = {
        name: text(described, name, f"metaData.device.{name}") for name in ("name", "description", "type")
    }
    address = text(body, "ipAddress")
    label = {name: value for name, value in fields.items() if value is not None}
    if address:
        label["lastAccessedAddress"] = address
    return {"device": label} if label else {}


def _change_password_first(service: Service, user_id: str) -> Response:
    made = service.state.challenge("changePassword", user_id, CHANGE_PASSWORD_SECONDS)
    return answer({"changePasswordId": made.id, "changePasswordReason": "Administrative"}, 203)


def _status(user: dict[str, Any], application_id: str | None, registration: dict[str, Any] | None) -> int:
    if not user["verified"]:
        return 212
    if application_id is not None and registration is None:
        return 202
    return 213 if registration is not None and not registration["verified"] else 200


def _generates(application: dict[str, Any] | None) -> bool:
    return flag(mapping(application or {}, "loginConfiguration"), "generateRefreshTokens")
