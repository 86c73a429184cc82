"""Passwordless logins: a code by mail, in place of a password."""

import hmac
import secrets
from typing import Any

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response

from . import accounts, twofactor
from .completion import complete, device, find_application, refuse_prevented
from .errors import RefusedError, answer, field_error, general_error, nothing
from .json_fields import (
    flag,
    identifier,
    json_body,
    mapping,
    require_api_key,
    required_identifier,
    required_text,
    strings,
    text,
)
from .policies import choice
from .service import service_of

# FusionAuth's default.
_SECONDS = 180
# Without letters and digits that look alike.
_ALPHABET = "BCDFGHJKLMNPQRSTVWXZ23456789"


def start(request: Request) -> Response:
    """``POST /api/passwordless/start``: the id of a login, and with the strategy ``FormField`` the code that completes it."""
    service, body = service_of(request), json_body(request)
    require_api_key(request, service.api_key)
    strategy = choice(body, "loginStrategy", ("ClickableLink", "FormField"))
    with service.database.read() as db:
        application = find_application(db, required_identifier(body, "applicationId")) or {}
        if not flag(mapping(application, "passwordlessConfiguration"), "enabled"):
            raise general_error("PasswordlessDisabled", "Passwordless login is not enabled.")
        user = accounts.find_by_login(db, required_text(body, "loginId"), strings(body, "loginIdTypes"))
    if user is None:
        raise RefusedError(404)
    code = "".join(secrets.choice(_ALPHABET) for _ in range(6)) if strategy == "FormField" else ""
    made = service.state.challenge("passwordless", user["id"], _SECONDS, code=code)
    return answer({"code": made.id} | ({"oneTimeCode": code} if code else {}))


def send(request: Request) -> Response:
    """``POST /api/passwordless/send``: a mail with the code, or with the id where there is no code."""
    service = service_of(request)
    found = service.state.find_challenge("passwordless", required_text(json_body(request), "code"))
    if found is None:
        raise field_error("code", "invalid", "The [code] is not valid.")
    with service.database.read() as db:
        user = accounts.existing_user(db, found.user_id)
    if user["email"]:
        text = f"Your code is {found.code or found.id}\n\nIt works for three minutes.\n"
        service.mails.send(user["email"], "Your code to log in", text)
    return nothing(200)


def login(request: Request) -> Response:
    """``POST /api/passwordless/login``: 404 for an unknown login or a wrong code, else as a login."""
    service, body = service_of(request), json_body(request)
    login_id, code = required_text(body, "code"), text(body, "oneTimeCode") or ""
    application_id, meta_data = identifier(body, "applicationId"), device(body)
    found = service.state.find_challenge("passwordless", login_id)
    if found is None or not hmac.compare_digest(found.code.encode(), code.encode()):
        raise RefusedError(404)
    if service.state.take_challenge("passwordless", login_id) is None:
        raise RefusedError(404)
    return proven(request, found.user_id, body, application_id, meta_data, kind="PASSWORDLESS")


def proven(
    request: Request,
    user_id: str,
    body: dict[str, Any],
    application_id: str | None,
    meta_data: dict[str, Any],
    *,
    kind: str,
) -> Response:
    """The rest of a login without a password, whose proof was right: 423, 410, 409 or 242, or the end of every login."""
    service = service_of(request)
    with service.database.read() as db:
        user = accounts.existing_user(db, user_id)
    if not accounts.user_body(user)["active"]:
        raise RefusedError(423)
    refuse_prevented(service, accounts.user_body(user))
    if (due := twofactor.challenge_due(request, service, user, body)) is not None:
        return due
    return complete(
        request,
        service,
        user_id=user["id"],
        application_id=application_id,
        meta_data=meta_data,
        kind=kind,
        no_jwt=flag(body, "noJWT"),
    )


def includeme(config: Configurator) -> None:
    """Routes of this module."""
    for name, view in (("start", start), ("send", send), ("login", login)):
        config.add_route(f"passwordless_{name}", f"/api/passwordless/{name}")
        config.add_view(view, route_name=f"passwordless_{name}", request_method="POST")
