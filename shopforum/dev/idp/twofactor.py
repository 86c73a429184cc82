"""The second factor: the challenge that answers a login, sending a code, setting up an authenticator, completing the login.

Codes of authenticators are real (RFC 6238). Other codes are not sent: they are read through the test hooks.
"""

import hashlib
import hmac
import secrets
import sqlite3
import time
import uuid
from typing import Any

import pyotp
from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response

from . import accounts, completion
from .errors import RefusedError, answer, field_error, general_error, nothing
from .json_fields import flag, identifier, json_body, require_api_key, required_text, text, uuid_text
from .service import Service, service_of

_CHALLENGE_SECONDS = 300
_TRUST_SECONDS = 30 * 24 * 3600
_TRUST_COOKIE = "fusionauth.trust"
_RECOVERY_CODES = 10


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
    if not hmac.compare_digest(found.code.encode(), code.encode()) and not _own_code(
        service, found.user_id, code
    ):
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


def set_up(request: Request) -> Response:
    """``POST /api/user/two-factor/{userId}``: an authenticator, by its secret and a code of it; 421 for a wrong code.

    The first method brings recovery codes. With the ``twoFactorId`` of a login that waits for it, the answer has a code that
    completes the login.
    """
    service, body = service_of(request), json_body(request)
    require_api_key(request, service.api_key)
    user_id = uuid_text(request.matchdict["userId"], "userId")
    if required_text(body, "method") != "authenticator":
        raise general_error("notImplemented", "This provider sets up authenticators alone.", 501)
    secret, code = required_text(body, "secretBase32Encoded"), required_text(body, "code")
    waiting = text(body, "twoFactorId")
    found = service.state.find_challenge("twoFactor", waiting)
    if waiting and (found is None or found.user_id != user_id):
        raise field_error("twoFactorId", "invalid", "The [twoFactorId] is not valid.")
    recovery = [secrets.token_hex(5).upper() for _ in range(_RECOVERY_CODES)]
    with service.database.write() as db:
        user = accounts.user_body(accounts.existing_user(db, user_id))
        if not _of_app(secret, code):
            raise RefusedError(421)
        method = {"id": uuid.uuid4().hex[:6].upper(), "method": "authenticator"}
        first = not user["twoFactor"]["methods"]
        changes = {
            "twoFactor": {"methods": [*user["twoFactor"]["methods"], method]},
            "authenticators": user.get("authenticators", {}) | {method["id"]: secret},
        }
        accounts.update_body(
            db, user_id, changes | ({"recoveryCodes": [_hash(one) for one in recovery]} if first else {})
        )
    shown: dict[str, Any] = {"recoveryCodes": recovery} if first else {}
    if found is not None:
        found.code = shown["code"] = _code()
    return answer(shown) if shown else nothing(200)


def _own_code(service: Service, user_id: str, code: str) -> bool:
    """Return whether a code is one of the user's authenticators, or a recovery code, which is used up."""
    with service.database.write() as db:
        user = accounts.user_body(accounts.existing_user(db, user_id))
        known = [one["id"] for one in user["twoFactor"]["methods"]]
        if any(_of_app(key, code) for name, key in user.get("authenticators", {}).items() if name in known):
            return True
        unused = user.get("recoveryCodes", [])
        if _hash(code) not in unused:
            return False
        accounts.update_body(db, user_id, {"recoveryCodes": [one for one in unused if one != _hash(code)]})
        return True


def _of_app(secret: str, code: str) -> bool:
    try:
        # By the machine's clock, as the app's: the hook that moves the provider's clock moves no phone.
        return pyotp.TOTP(secret).verify(code, for_time=int(time.time()), valid_window=1)
    except ValueError:
        raise field_error("secretBase32Encoded", "invalid", "The secret is not in base32.") from None


def _hash(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()


def _code() -> str:
    return f"{secrets.randbelow(1_000_000):06}"


def includeme(config: Configurator) -> None:
    """Routes of this module."""
    config.add_route("two_factor_login", "/api/two-factor/login")
    config.add_route("two_factor_send", "/api/two-factor/send/{twoFactorId}")
    config.add_view(complete, route_name="two_factor_login", request_method="POST")
    config.add_route("two_factor_set_up", "/api/user/two-factor/{userId}")
    config.add_view(set_up, route_name="two_factor_set_up", request_method="POST")
    config.add_view(send, route_name="two_factor_send", request_method="POST")
