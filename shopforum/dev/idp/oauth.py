"""The OAuth endpoints: the refresh grant of ``/oauth2/token``, introspection, keys and discovery."""

import base64
import binascii
import hashlib
import hmac
import json
from typing import Any
from urllib.parse import unquote_plus

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response

from .errors import RefusedError, answer, oauth_error
from .json_fields import form
from .refresh import renew
from .responses import with_cookies
from .service import Service, service_of, tenant


def secret_hash(secret: str) -> str:
    """The stored form of a client secret, which is long and random: a plain hash cannot be searched."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _invalid_client() -> RefusedError:
    return oauth_error(
        "invalid_client", "Client authentication failed.", "invalid_client_authentication", status=401
    )


def _client_credentials(request: Request, fields: dict[str, str]) -> tuple[str | None, str | None]:
    header = request.headers.get("Authorization", "")
    if not header.startswith("Basic "):
        return fields.get("client_id"), fields.get("client_secret")
    try:
        decoded = base64.b64decode(header.removeprefix("Basic "), validate=True).decode()
    except (binascii.Error, UnicodeError) as error:
        raise _invalid_client() from error
    client_id, _, secret = decoded.partition(":")
    return unquote_plus(client_id), unquote_plus(secret)


def _client(
    request: Request, service: Service, fields: dict[str, str], *, by_policy: bool = True
) -> tuple[str, dict[str, Any]]:
    client_id, secret = _client_credentials(request, fields)
    if not client_id:
        raise oauth_error("invalid_request", "The request is missing client_id.", "missing_client_id")
    with service.database.read() as db:
        row = db.execute("SELECT * FROM applications WHERE id = ?", (client_id.lower(),)).fetchone()
    if row is None:
        raise _invalid_client()
    configuration = json.loads(row["body"])["oauthConfiguration"]
    policy = configuration.get("clientAuthenticationPolicy", "Required")
    # A secret that was sent is always checked, also where none is required.
    if (secret or (by_policy and policy == "Required")) and not hmac.compare_digest(
        secret_hash(secret or ""), row["secret_hash"]
    ):
        raise _invalid_client()
    return row["id"], configuration


def token(request: Request) -> Response:
    """``POST /oauth2/token`` with ``grant_type=refresh_token``; other grants are refused."""
    service, fields = service_of(request), form(request)
    grant = fields.get("grant_type")
    if not grant:
        raise oauth_error("invalid_request", "The request is missing grant_type.", "missing_grant_type")
    if grant != "refresh_token":
        raise oauth_error("unsupported_grant_type", "The grant_type is not supported.", "invalid_grant_type")
    client_id, configuration = _client(request, service, fields)
    if grant not in configuration.get("enabledGrants", []):
        raise oauth_error("unauthorized_client", "The refresh grant is not enabled.", "grant_type_disabled")
    value = fields.get("refresh_token")
    if not value:
        raise oauth_error("invalid_request", "The request is missing refresh_token.", "missing_refresh_token")
    renewed = renew(service, value, seconds=_expires_in(fields), application_id=client_id)
    if renewed is None:
        if service.state.switches.legacy_404:
            raise RefusedError(404)
        raise oauth_error("invalid_grant", "The refresh_token is invalid.", "refresh_token_not_found")
    body = {
        "access_token": renewed.token,
        "expires_in": renewed.seconds,
        "refresh_token_id": renewed.refresh.id,
        "token_type": "Bearer",
        "userId": renewed.refresh.user_id,
    }
    if renewed.refresh.value != value:
        # RFC 6749 lets a server leave out a refresh token that stays the same; clients must cope with that.
        body["refresh_token"] = renewed.refresh.value
    return with_cookies(request, answer(body), renewed.token, renewed.refresh)


def _expires_in(fields: dict[str, str]) -> int | None:
    value = fields.get("expires_in")
    if not value:
        return None
    if not (value.isascii() and value.isdigit() and len(value) < 10 and int(value) > 0):
        raise oauth_error(
            "invalid_request", "The expires_in must be a number of seconds.", "invalid_expires_in"
        )
    return int(value)


def introspect(request: Request) -> Response:
    """``POST /oauth2/introspect``: the claims of an access token, for the client it was issued to."""
    service, fields = service_of(request), form(request)
    # FusionAuth's own clients send `client_id` and `token` alone.
    client_id, _ = _client(request, service, fields, by_policy=False)
    value = fields.get("token")
    if not value:
        raise oauth_error("invalid_request", "The request is missing token.", "missing_token")
    claims = service.keys.read(value, service.state.now())
    if claims is None:
        return answer({"active": False})
    if claims.get("aud") != client_id:
        raise _invalid_client()
    return answer({"active": True, **claims})


def validate(request: Request) -> Response:
    """``GET /api/jwt/validate``: the claims of a Bearer token or of the ``access_token`` cookie; else 401."""
    claims = service_of(request).bearer_claims(request)
    if claims is None:
        raise RefusedError(401)
    return answer({"jwt": claims})


def key_set(request: Request) -> Response:
    """``GET /.well-known/jwks.json``."""
    return answer(service_of(request).keys.key_set())


def public_key(request: Request) -> Response:
    """``GET /api/jwt/public-key[?applicationId=|?kid=]``: the one key in PEM form."""
    service = service_of(request)
    kid, application_id = request.GET.get("kid"), request.GET.get("applicationId")
    application_id = application_id and application_id.lower()
    if kid is None and application_id is None:
        return answer({"publicKeys": {service.keys.kid: service.keys.public_pem()}})
    with service.database.read() as db:
        known = db.execute("SELECT 1 FROM applications WHERE id = ?", (application_id,)).fetchone()
    if kid != service.keys.kid and known is None:
        raise RefusedError(404)
    return answer({"publicKey": service.keys.public_pem()})


def discovery(request: Request) -> Response:
    """``GET [/{tenantId}]/.well-known/openid-configuration``."""
    service, base = service_of(request), request.host_url
    with service.database.read() as db:
        home = tenant(db)
    if request.matchdict.get("tenantId", home["id"]).lower() != home["id"]:
        raise RefusedError(404)
    return answer(
        {
            "issuer": home["issuer"],
            "token_endpoint": f"{base}/oauth2/token",
            "jwks_uri": f"{base}/.well-known/jwks.json",
            "grant_types_supported": ["refresh_token"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        }
    )


def includeme(config: Configurator) -> None:
    """Routes of this module."""
    for name, path, view, method in (
        ("oauth_token", "/oauth2/token", token, "POST"),
        ("oauth_introspect", "/oauth2/introspect", introspect, "POST"),
        ("jwt_validate", "/api/jwt/validate", validate, "GET"),
        ("jwt_public_key", "/api/jwt/public-key", public_key, "GET"),
        ("jwks", "/.well-known/jwks.json", key_set, "GET"),
        ("discovery", "/.well-known/openid-configuration", discovery, "GET"),
        ("tenant_discovery", "/{tenantId}/.well-known/openid-configuration", discovery, "GET"),
    ):
        config.add_route(name, path)
        config.add_view(view, route_name=name, request_method=method)
