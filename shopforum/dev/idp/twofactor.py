"""The second factor: the challenge that answers a login, sending a code, completing the login.

Nothing is really sent. The code is read through the test hooks.
"""

import hmac
import secrets
import sqlite3
from typing import Any

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response

from . import accounts, completion
from .errors import RefusedError, answer, nothing
from .json_fields import flag, identifier, json_body, required_text, text
from .service import Service, service_of

_CHALLENGE_SECONDS = 300
_TRUST_SECONDS = 30 * 24 * 3600
_TRUST_COOKIE = "fusionauth.trust"


def challenge_due(
    request: Request, service: Service, user: sqlite3.Row, body: dict[str, Any]
) -> Response | None:
    """The 242 answer when the user has a second factor and the device is not trusted; else None."""
    known = accounts.user_body(user)
    methods = known["twoFactor"]["methods"]
    if not methods and not known.get("twoFactorRequired"):
        return None
    trust = request.cookies.get(_TRUST_COOKIE) or text(body, "twoFactorTrustId")
    trusted = service.state.find_challenge("trust", trust)
    if trusted is not None and trusted.user_id == user["id"]:
        return None
    data = {
        "applicationId": identifier(body, "applicationId"),
        "metaData": completion.device(body),
        "noJWT": flag(body, "noJWT"),
    }
    made = service.state.challenge("twoFactor", user["id"], _CHALLENGE_SECONDS, data, _code())
    if not methods:
        return answer({"twoFactorId": made.id, "configurableMethods": ["authenticator", "email"]}, 242)
    return answer({"twoFactorId": made.id, "methods": methods}, 242)


def send(request: Request) -> Response:
    """``POST /api/two-factor/send/{twoFactorId}``: a fresh code for the challenge."""
    service = service_of(request)
    method_id = required_text(json_body(request, optional=True), "methodId")
    found = service.state.find_challenge("twoFactor", request.matchdict["twoFactorId"])
    if found is None:
        raise RefusedError(404)
    with service.database.read() as db:
        user = accounts.find_user(db, found.user_id)
    known = [method["id"] for method in accounts.user_body(user)["twoFactor"]["methods"]] if user else []
    if method_id not in known:
        raise RefusedError(404)
    found.code = _code()
    return nothing(200)


def complete(request: Request) -> Response:
    """``POST /api/two-factor/login``: 404 for an unknown challenge, 421 for a wrong code, else as a login."""
    service, body = service_of(request), json_body(request)
    code, challenge_id = required_text(body, "code"), required_text(body, "twoFactorId")
    application_id = identifier(body, "applicationId")
    trust_computer = flag(body, "trustComputer")
    meta_data, no_jwt = completion.device(body), flag(body, "noJWT")
    found = service.state.find_challenge("twoFactor", challenge_id)
    if found is None:
        raise RefusedError(404)
    if not hmac.compare_digest(found.code.encode(), code.encode()):
        raise RefusedError(421)
    if service.state.take_challenge("twoFactor", challenge_id) is None:
        raise RefusedError(404)
    extra = {}
    if trust_computer:
        extra["twoFactorTrustId"] = service.state.challenge("trust", found.user_id, _TRUST_SECONDS).id
    response = completion.complete(
        request,
        service,
        user_id=found.user_id,
        application_id=application_id or found.data["applicationId"],
        meta_data=meta_data or found.data["metaData"],
        kind="PASSWORD",
        no_jwt=no_jwt or found.data["noJWT"],
        extra=extra,
    )
    if trust_computer:
        response.set_cookie(
            _TRUST_COOKIE,
            extra["twoFactorTrustId"],
            max_age=_TRUST_SECONDS,
            path="/",
            httponly=True,
            samesite="Lax",
        )
    return response


def _code() -> str:
    return f"{secrets.randbelow(1_000_000):06}"


def includeme(config: Configurator) -> None:
    """Routes of this module."""
    config.add_route("two_factor_login", "/api/two-factor/login")
    config.add_route("two_factor_send", "/api/two-factor/send/{twoFactorId}")
    config.add_view(complete, route_name="two_factor_login", request_method="POST")
    config.add_view(send, route_name="two_factor_send", request_method="POST")
