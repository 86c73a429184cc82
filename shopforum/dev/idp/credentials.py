"""Changing a password: by a change-password id, by the user's JWT, or by the API key and a login id."""

import sqlite3

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response

from . import accounts
from .completion import CHANGE_PASSWORD_SECONDS, find_application
from .errors import RefusedError, answer, field_error, nothing
from .json_fields import (
    flag,
    has_api_key,
    identifier,
    json_body,
    mapping,
    require_api_key,
    required_text,
    strings,
    text,
)
from .service import Service, service_of
from .users import checked_password, set_password

_ONE_TIME_SECONDS = 60


def change(request: Request) -> Response:
    """``POST /api/user/change-password[/{changePasswordId}]``.

    Answers a one-time password that logs straight back in; with the API key the answer is empty.
    """
    service, body = service_of(request), json_body(request)
    password_hash = service.passwords.hash(checked_password({"password": body.get("password")}))
    challenge_id = request.matchdict.get("changePasswordId") or text(body, "changePasswordId")
    by_key = not challenge_id and has_api_key(request, service.api_key)
    user = _by_id(service, challenge_id) if challenge_id else _by_caller(request, service, by_key)
    current = text(body, "currentPassword")
    if current is not None and not service.passwords.matches(user["password_hash"], current):
        if by_key:
            raise field_error("currentPassword", "invalid", "The [currentPassword] is not correct.")
        raise RefusedError(404)
    if challenge_id and service.state.take_challenge("changePassword", challenge_id) is None:
        raise RefusedError(404)
    with service.database.write() as db:
        set_password(service, db, user["id"], password_hash)
    if by_key:
        return nothing(200)
    one_time = service.state.challenge("oneTimePassword", user["id"], _ONE_TIME_SECONDS)
    return answer({"oneTimePassword": one_time.id})


def _by_id(service: Service, challenge_id: str) -> sqlite3.Row:
    found = service.state.find_challenge("changePassword", challenge_id)
    return _existing(service, found.user_id if found else None)


def _by_caller(request: Request, service: Service, by_key: bool) -> sqlite3.Row:
    if not by_key:
        claims = service.bearer_claims(request)
        if claims is None:
            raise RefusedError(401)
        return _existing(service, claims["sub"])
    login_id = required_text(json_body(request), "loginId")
    with service.database.read() as db:
        user = accounts.find_by_login(db, login_id)
    if user is None:
        raise field_error("loginId", "invalid", "The [loginId] does not belong to a user.")
    return user


def _existing(service: Service, user_id: str | None) -> sqlite3.Row:
    with service.database.read() as db:
        user = accounts.find_user(db, user_id) if user_id else None
    if user is None:
        raise RefusedError(404)
    return user


def forgot(request: Request) -> Response:
    """``POST /api/user/forgot-password`` with the API key: a change-password id, and a mail with it.

    The link in the mail is FusionAuth's template: here the application's ``data.passwordResetUrl`` and ``?id=``.
    """
    service, body = service_of(request), json_body(request)
    require_api_key(request, service.api_key)
    with service.database.read() as db:
        user = accounts.find_by_login(db, required_text(body, "loginId"), strings(body, "loginIdTypes"))
        application = find_application(db, identifier(body, "applicationId")) or {}
    if user is None:
        raise RefusedError(404)
    made = service.state.challenge("changePassword", user["id"], CHANGE_PASSWORD_SECONDS)
    if user["email"] and flag(body, "sendForgotPasswordEmail", True):
        page = mapping(application, "data").get("passwordResetUrl") or f"{request.host_url}/password/change"
        text = (
            f"Follow this link to set a new password:\n\n{page}?id={made.id}\n\nIt works for ten minutes.\n"
        )
        service.mails.send(user["email"], "Set a new password", text)
    return answer({"changePasswordId": made.id})


def includeme(config: Configurator) -> None:
    """Routes of this module; the first two are added with the users' routes, whose order matters."""
    config.add_route("change_password_id", "/api/user/change-password/{changePasswordId}")
    config.add_view(change, route_name="change_password", request_method="POST")
    config.add_view(change, route_name="change_password_id", request_method="POST")
    config.add_view(forgot, route_name="forgot_password", request_method="POST")
