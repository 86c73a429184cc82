"""Passkeys: FusionAuth's WebAuthn API. A library checks what the browser's authenticator has signed (`fido2`)."""

import json
import sqlite3
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from fido2.cose import CoseKey
from fido2.server import Fido2Server
from fido2.utils import websafe_encode
from fido2.webauthn import (
    AttestedCredentialData,
    AuthenticationResponse,
    PublicKeyCredentialRpEntity,
    RegistrationResponse,
)
from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response

from . import accounts
from .completion import device, find_application
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
    uuid_text,
)
from .passwordless import proven
from .policies import choice
from .service import service_of, tenant

# FusionAuth's default.
_SECONDS = 180
_REGISTER, _LOGIN = "webauthnRegister", "webauthnLogin"
# The algorithms that FusionAuth prefers: ES256 and RS256.
_ALGORITHMS = (-7, -257)
_VERIFICATIONS = ("required", "preferred", "discouraged")


def start_registration(request: Request) -> Response:
    """``POST /api/webauthn/register/start``: the options for ``navigator.credentials.create()``."""
    service, body = service_of(request), json_body(request)
    require_api_key(request, service.api_key)
    user_id, shown = required_identifier(body, "userId"), required_text(body, "displayName")
    choice(body, "workflow", ("bootstrap", "general", "reauthentication"))
    with service.database.read() as db:
        settings = _enabled(db, None)
        user = accounts.existing_user(db, user_id)
        known = [_descriptor(json.loads(row["body"])) for row in _rows(db, user_id)]
    name = text(body, "name") or user["email"] or user["username"]
    data = {"displayName": shown, "name": name, "userAgent": text(body, "userAgent") or ""}
    made = service.state.challenge(_REGISTER, user_id, _SECONDS, data)
    relying = {"name": settings.get("relyingPartyName") or settings["issuer"]}
    if settings.get("relyingPartyId"):
        relying["id"] = settings["relyingPartyId"]
    options = {
        "attestation": "none",
        "authenticatorSelection": {"userVerification": settings["verification"]},
        "challenge": made.id,
        "excludeCredentials": known,
        "extensions": {"credProps": True},
        "pubKeyCredParams": [{"alg": alg, "type": "public-key"} for alg in _ALGORITHMS],
        "rp": relying,
        "timeout": _SECONDS * 1000,
        "user": {"displayName": shown, "id": websafe_encode(user_id.encode()), "name": name},
    }
    return answer({"options": options})


def complete_registration(request: Request) -> Response:
    """``POST /api/webauthn/register/complete``: stores a new passkey. 400 where it does not answer the user's challenge."""
    service, body = service_of(request), json_body(request)
    user_id, credential = required_identifier(body, "userId"), mapping(body, "credential")
    try:
        response = RegistrationResponse.from_dict(_standard(credential))
        challenge = websafe_encode(response.response.client_data.challenge)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _invalid(error) from None
    found = service.state.take_challenge(_REGISTER, challenge)
    if found is None or found.user_id != user_id:
        raise field_error("credential.response.clientDataJSON", "invalid", "The challenge is not known.")
    with service.database.write() as db:
        settings = _enabled(db, None)
        server, rp_id = _server(body, settings)
        try:
            checked = server.register_complete(_state(found.id, settings), response).credential_data
        except (ValueError, AssertionError) as error:
            raise _invalid(error) from None
        assert checked is not None
        now = service.state.now()
        extensions = mapping(credential, "clientExtensionResults")
        shown = found.data | {
            "id": str(uuid.uuid4()),
            "algorithm": CoseKey.for_alg(checked.public_key[3]).__name__,
            "attestationType": "none",
            "authenticatorSupportsUserVerification": True,
            "credentialId": websafe_encode(checked.credential_id),
            "data": {},
            "discoverable": flag(mapping(extensions, "credProps"), "rk"),
            "insertInstant": now,
            "lastUseInstant": now,
            "publicKey": websafe_encode(bytes(checked)),
            "relyingPartyId": rp_id,
            "signCount": 0,
            "tenantId": tenant(db)["id"],
            "transports": strings(credential, "transports"),
            "userId": user_id,
        }
        try:
            db.execute(
                "INSERT INTO passkeys (id, user_id, credential, body) VALUES (?, ?, ?, ?)",
                (shown["id"], user_id, bytes(checked), json.dumps(shown)),
            )
        except sqlite3.IntegrityError:
            raise field_error("credential.id", "duplicate", "This passkey exists already.") from None
    return answer({"credential": shown})


def start(request: Request) -> Response:
    """``POST /api/webauthn/start``: the options for ``navigator.credentials.get()``; 404 for an unknown user."""
    service, body = service_of(request), json_body(request)
    require_api_key(request, service.api_key)
    choice(body, "workflow", ("bootstrap", "reauthentication"))
    with service.database.read() as db:
        settings = _enabled(db, required_identifier(body, "applicationId"))
        user_id = identifier(body, "userId")
        if user_id:
            user = accounts.find_user(db, user_id)
        else:
            user = accounts.find_by_login(db, required_text(body, "loginId"), strings(body, "loginIdTypes"))
        if user is None:
            raise RefusedError(404)
        known = [_descriptor(json.loads(row["body"])) for row in _rows(db, user["id"])]
    if not known:
        raise general_error("NoPasskey", "The user has no passkey.")
    options = {
        "allowCredentials": known,
        "challenge": service.state.challenge(_LOGIN, user["id"], _SECONDS).id,
        "timeout": _SECONDS * 1000,
        "userVerification": settings["verification"],
    }
    if settings.get("relyingPartyId"):
        options["rpId"] = settings["relyingPartyId"]
    return answer({"options": options})


def login(request: Request) -> Response:
    """``POST /api/webauthn/login``: 404 for an assertion that is not right (issue 3031), else as a login."""
    service, body = service_of(request), json_body(request)
    application_id, meta_data = identifier(body, "applicationId"), device(body)
    try:
        response = AuthenticationResponse.from_dict(_standard(mapping(body, "credential")))
        challenge = websafe_encode(response.response.client_data.challenge)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _invalid(error) from None
    found = service.state.take_challenge(_LOGIN, challenge)
    if found is None:
        raise RefusedError(404)
    with service.database.write() as db:
        settings = _enabled(db, application_id)
        server, rp_id = _server(body, settings)
        known = {
            bytes(row["credential"]): json.loads(row["body"])
            for row in _rows(db, found.user_id)
            if json.loads(row["body"])["relyingPartyId"] == rp_id
        }
        candidates = [AttestedCredentialData(one) for one in known]
        try:
            used = server.authenticate_complete(_state(found.id, settings), candidates, response)
        except ValueError:
            raise RefusedError(404) from None
        shown, count = known[bytes(used)], response.response.authenticator_data.counter
        # A counter that does not rise is the sign of a cloned authenticator; those that count nothing stay at zero.
        if count <= shown["signCount"] and (count or shown["signCount"]):
            raise RefusedError(404)
        shown |= {"signCount": count, "lastUseInstant": service.state.now()}
        db.execute("UPDATE passkeys SET body = ? WHERE id = ?", (json.dumps(shown), shown["id"]))
    return proven(request, found.user_id, body, application_id, meta_data, kind="WEBAUTHN")


def passkeys(request: Request) -> Response:
    """``GET`` and ``DELETE /api/webauthn?userId=``: all passkeys of a user."""
    service = service_of(request)
    require_api_key(request, service.api_key)
    user_id = required_identifier(request.GET, "userId")
    with service.database.write() as db:
        accounts.existing_user(db, user_id)
        shown = [json.loads(row["body"]) for row in _rows(db, user_id)]
        if request.method == "GET":
            return answer({"credentials": shown})
        db.execute("DELETE FROM passkeys WHERE user_id = ?", (user_id,))
    return nothing(200)


def passkey(request: Request) -> Response:
    """``GET`` and ``DELETE /api/webauthn/{id}``: one passkey."""
    service = service_of(request)
    require_api_key(request, service.api_key)
    passkey_id = uuid_text(request.matchdict["id"], "id")
    with service.database.write() as db:
        row = db.execute("SELECT body FROM passkeys WHERE id = ?", (passkey_id,)).fetchone()
        if row is None:
            raise RefusedError(404)
        if request.method == "GET":
            return answer({"credential": json.loads(row["body"])})
        db.execute("DELETE FROM passkeys WHERE id = ?", (passkey_id,))
    return nothing(200)


def _rows(db: sqlite3.Connection, user_id: str) -> list[sqlite3.Row]:
    return db.execute("SELECT * FROM passkeys WHERE user_id = ? ORDER BY rowid", (user_id,)).fetchall()


def _enabled(db: sqlite3.Connection, application_id: str | None) -> dict[str, Any]:
    """The tenant's WebAuthn settings, with the issuer and the demanded verification. Raises a 400 where the login by passkeys is off."""
    home = tenant(db)
    settings = mapping(home, "webAuthnConfiguration")
    workflow = mapping(settings, "bootstrapWorkflow")
    own = mapping(find_application(db, application_id) or {}, "webAuthnConfiguration")
    decides = mapping(own, "bootstrapWorkflow") if flag(own, "enabled") else workflow
    if not flag(settings, "enabled") or not flag(decides, "enabled"):
        raise general_error("WebAuthnDisabled", "Passkeys are not enabled.")
    verification = choice(workflow, "userVerificationRequirement", _VERIFICATIONS)
    return settings | {"issuer": home["issuer"], "verification": verification}


def _server(body: dict[str, Any], settings: Mapping[str, Any]) -> tuple[Fido2Server, str]:
    """The checks for the request's origin, and the id of its relying party: the tenant's, or else the origin's host."""
    origin, rp_id = required_text(body, "origin"), required_text(body, "rpId")
    if rp_id != (settings.get("relyingPartyId") or urlsplit(origin).hostname):
        raise field_error("rpId", "invalid", "The [rpId] is not the relying party's.")
    relying = PublicKeyCredentialRpEntity(id=rp_id, name=rp_id)
    return Fido2Server(relying, verify_origin=lambda found: found == origin), rp_id


def _state(challenge: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    return {"challenge": challenge, "user_verification": settings["verification"]}


def _standard(credential: dict[str, Any]) -> dict[str, Any]:
    """A credential as the library reads it: FusionAuth's clients leave ``rawId`` out, which is the same as ``id``."""
    return credential | {"rawId": credential.get("id")}


def _descriptor(shown: dict[str, Any]) -> dict[str, Any]:
    return {"id": shown["credentialId"], "transports": shown["transports"], "type": "public-key"}


def _invalid(error: Exception) -> RefusedError:
    return field_error("credential", "invalid", f"The [credential] is not valid: {type(error).__name__}.")


def includeme(config: Configurator) -> None:
    """Routes of this module."""
    for name, view in (
        ("register/start", start_registration),
        ("register/complete", complete_registration),
        ("start", start),
        ("login", login),
    ):
        route = "webauthn_" + name.replace("/", "_")
        config.add_route(route, f"/api/webauthn/{name}")
        config.add_view(view, route_name=route, request_method="POST")
    config.add_route("passkeys", "/api/webauthn")
    config.add_route("passkey", "/api/webauthn/{id}")
    config.add_view(passkeys, route_name="passkeys", request_method=("GET", "DELETE"))
    config.add_view(passkey, route_name="passkey", request_method=("GET", "DELETE"))
