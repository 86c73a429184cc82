"""The Login API: password, one-time password, the login ping and logout.

The statuses come in this order: 400, 401, 423 (also with a wrong password, as FusionAuth does), 404, 410,
409, 242, 203, 212, 202, 213, 200.
"""

from typing import Any

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response

from . import accounts, tokens, twofactor
from .completion import complete, device, find_application, record_login, refuse_prevented
from .errors import RefusedError, nothing
from .json_fields import (
    flag,
    has_api_key,
    identifier,
    input_values,
    json_body,
    mapping,
    required_identifier,
    required_text,
    strings,
    text,
)
from .responses import logged_out
from .service import Service, service_of, tenant


def login(request: Request) -> Response:
    """``POST /api/login``."""
    service, body = service_of(request), json_body(request)
    application_id = identifier(body, "applicationId")
    with service.database.read() as db:
        application = find_application(db, application_id)
        _authenticate_caller(request, service, tenant(db), application)
        meta_data = device(body)
        flag(body, "noJWT")
        if body.get("oneTimePassword"):
            spent = service.state.take_challenge("oneTimePassword", text(body, "oneTimePassword"))
            user = accounts.find_user(db, spent.user_id) if spent else None
            password = None
        else:
            login_id, password = required_text(body, "loginId"), required_text(body, "password")
            user = accounts.find_by_login(db, login_id, strings(body, "loginIdTypes"))
    if user is not None and not accounts.user_body(user)["active"]:
        raise RefusedError(423)
    # Outside the transaction: hashing takes its time.
    if password is not None and not service.passwords.matches(
        user["password_hash"] if user else None, password
    ):
        raise RefusedError(404)
    if user is None:
        raise RefusedError(404)
    refuse_prevented(service, accounts.user_body(user))
    if (due := twofactor.challenge_due(request, service, user, body)) is not None:
        return due
    kind = "PASSWORD" if password is not None else "ONE_TIME_PASSWORD"
    return complete(
        request,
        service,
        user_id=user["id"],
        application_id=application_id,
        meta_data=meta_data,
        kind=kind,
        no_jwt=flag(body, "noJWT"),
    )


def _authenticate_caller(
    request: Request, service: Service, home: dict[str, Any], application: dict[str, Any] | None
) -> None:
    configuration = mapping(application if application is not None else home, "loginConfiguration")
    if not has_api_key(request, service.api_key) and flag(configuration, "requireAuthentication", True):
        raise RefusedError(401)


def ping(request: Request) -> Response:
    """``PUT /api/login``: counts the renewal of an application's session as a login. Answers are empty."""
    service = service_of(request)
    owner = service.key_or_owner(request)
    values = {**input_values(request), **request.matchdict}
    user_id = owner or required_identifier(values, "userId")
    application_id = identifier(values, "applicationId")
    with service.database.write() as db:
        if accounts.find_user(db, user_id) is None:
            raise RefusedError(404)
        find_application(db, application_id)
        registration = accounts.registration_of(db, user_id, application_id)
        if application_id is not None and registration is None:
            return nothing(202)
        record_login(db, user_id, registration, service.state.now())
    return nothing(200)


def logout(request: Request) -> Response:
    """``POST /api/logout``: always 200 and empty. A parameter wins over the cookie here."""
    service, values = service_of(request), input_values(request)
    everywhere = flag(values, "global")
    value = text(values, "refreshToken") or request.cookies.get("refresh_token")
    if value:
        with service.database.write() as db:
            row = tokens.find(db, value)
            if row is not None and everywhere:
                if tokens.revoke(db, service.state.now(), user_id=row["user_id"]):
                    service.webhooks.tokens_revoked(row["user_id"], None)
            elif row is not None and tokens.revoke(db, service.state.now(), token_id=row["id"]):
                service.webhooks.token_revoked(row)
    return logged_out()


def includeme(config: Configurator) -> None:
    """Routes of this module."""
    config.add_route("login", "/api/login")
    config.add_route("login_ping", "/api/login/{userId}/{applicationId}")
    config.add_route("logout", "/api/logout")
    config.add_view(login, route_name="login", request_method="POST")
    config.add_view(ping, route_name="login", request_method="PUT")
    config.add_view(ping, route_name="login_ping", request_method="PUT")
    config.add_view(logout, route_name="logout", request_method="POST")
