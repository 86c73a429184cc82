"""Refresh tokens over ``/api/jwt/refresh``: exchange, inspection and every form of revocation."""

import json
import sqlite3
from dataclasses import dataclass
from typing import Any

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response

from . import accounts, tokens
from .errors import RefusedError, answer, field_error, general_error, nothing
from .json_fields import (
    flag,
    identifier,
    input_values,
    json_body,
    mapping,
    require_api_key,
    required_identifier,
    text,
    whole,
)
from .responses import access_token, with_cookies
from .service import Service, service_of

_LIST_LIMIT = 1000


@dataclass(frozen=True)
class Renewed:
    """A refresh that succeeded."""

    refresh: tokens.Issued
    token: str
    seconds: int


def renew(
    service: Service, value: str, *, seconds: int | None = None, application_id: str | None = None
) -> Renewed | None:
    """Exchange a refresh token for a JWT; None when the token is dead.

    ``seconds`` shortens the JWT's life and must not exceed the policy's. With ``application_id`` the token
    must belong to that application, and a token of another one is not touched.
    """
    now = service.state.now()
    with service.database.write() as db:
        row = tokens.find(db, value) or tokens.find_spent(db, value)
        if row is None or application_id not in (None, row["application_id"]):
            return None
        policy = service.policy(db, row["application_id"])
        if seconds is not None and seconds > policy.jwt_seconds:
            raise field_error(
                "timeToLiveInSeconds",
                "invalid",
                "The requested time to live is longer than the configured one.",
            )
        if application_id is None:
            _require_refresh_allowed(db, row["application_id"])
        user = accounts.find_user(db, row["user_id"])
        if user is None or not accounts.user_body(user)["active"]:
            return None
        used = tokens.use(db, row, value, policy, now)
        if used is None:
            return None
        lifetime = seconds or policy.jwt_seconds
        token, _ = access_token(
            service,
            db,
            user,
            application_id=used.application_id,
            refresh=used,
            kind="REFRESH_TOKEN",
            seconds=lifetime,
        )
        service.webhooks.refreshed(row, value, token)
    return Renewed(used, token, lifetime)


def _require_refresh_allowed(db: sqlite3.Connection, application_id: str) -> None:
    row = db.execute("SELECT body FROM applications WHERE id = ?", (application_id,)).fetchone()
    if not flag(mapping(json.loads(row["body"]), "loginConfiguration"), "allowTokenRefresh"):
        raise general_error("tokenRefreshDisabled", "This application does not allow tokens to be refreshed.")


def exchange(request: Request) -> Response:
    """``POST /api/jwt/refresh``: anonymous. The cookie wins over the body."""
    service, body = service_of(request), json_body(request, optional=True)
    value = request.cookies.get("refresh_token") or text(body, "refreshToken")
    text(body, "token")
    seconds = whole(body, "timeToLiveInSeconds", low=1)
    if not value:
        raise field_error("refreshToken", "blank", "You must specify the [refreshToken] property.")
    renewed = renew(service, value, seconds=seconds)
    if renewed is None:
        if service.state.switches.legacy_404:
            raise RefusedError(404)
        raise field_error("refreshToken", "invalid", "The refresh token was not found or has expired.")
    body = {
        "refreshToken": renewed.refresh.value,
        "refreshTokenId": renewed.refresh.id,
        "token": renewed.token,
    }
    return with_cookies(request, answer(body), renewed.token, renewed.refresh)


def show(request: Request) -> Response:
    """``GET /api/jwt/refresh/{tokenId}``: 404 when unknown or revoked; an expired one is still shown."""
    service = service_of(request)
    require_api_key(request, service.api_key)
    token_id = required_identifier(request.matchdict, "tokenId")
    with service.database.read() as db:
        row = _live_by_id(db, token_id)
    return answer({"refreshToken": tokens.described(row)})


def listing(request: Request) -> Response:
    """``GET /api/jwt/refresh?userId=``: the user's tokens, newest first, expired ones included."""
    service = service_of(request)
    require_api_key(request, service.api_key)
    user_id = required_identifier(request.GET, "userId")
    with service.database.read() as db:
        rows = db.execute(
            "SELECT * FROM refresh_tokens WHERE user_id = ? AND revoked_instant IS NULL"
            " ORDER BY insert_instant DESC, rowid DESC LIMIT ?",
            (user_id, _LIST_LIMIT),
        ).fetchall()
    return answer({"refreshTokens": [tokens.described(row) for row in rows]})


def _live_by_id(db: sqlite3.Connection, token_id: str) -> sqlite3.Row:
    row: sqlite3.Row | None = db.execute(
        "SELECT * FROM refresh_tokens WHERE id = ? AND revoked_instant IS NULL", (token_id,)
    ).fetchone()
    if row is None:
        raise RefusedError(404)
    return row


def revoke(request: Request) -> Response:
    """``DELETE /api/jwt/refresh[/{tokenId}]`` by path, query, JSON or form.

    An id or a value names one token and needs the key or its owner's JWT; a user or an application needs the
    key.
    """
    service = service_of(request)
    owner = service.key_or_owner(request)
    values = {**_without_null_words(service, input_values(request)), **request.matchdict}
    token_id, value = identifier(values, "tokenId"), text(values, "token")
    with service.database.write() as db:
        if token_id or value:
            row = _live_by_id(db, token_id) if token_id else tokens.find(db, value or "")
            _revoke_one(service, db, row, owner)
        elif owner is not None:
            raise RefusedError(401)
        else:
            _revoke_many(service, db, values)
    return nothing(200)


def _revoke_one(service: Service, db: sqlite3.Connection, row: sqlite3.Row | None, owner: str | None) -> None:
    now = service.state.now()
    if row is None or tokens.state(row, service.policy(db, row["application_id"]), now) != "live":
        raise RefusedError(404)
    if owner not in (None, row["user_id"]):
        raise RefusedError(401)
    tokens.revoke(db, now, token_id=row["id"])
    service.webhooks.token_revoked(row)


def _revoke_many(service: Service, db: sqlite3.Connection, values: dict[str, Any]) -> None:
    user_id, application_id = identifier(values, "userId"), identifier(values, "applicationId")
    if user_id is None and application_id is None:
        raise general_error("missing", "You must specify a token, a userId or an applicationId.")
    if user_id is not None and accounts.find_user(db, user_id) is None:
        raise RefusedError(404)
    if (
        application_id
        and not db.execute("SELECT 1 FROM applications WHERE id = ?", (application_id,)).fetchone()
    ):
        raise RefusedError(404)
    ended = tokens.revoke(db, service.state.now(), user_id=user_id, application_id=application_id)
    if ended:
        service.webhooks.tokens_revoked(user_id, application_id)


def _without_null_words(service: Service, values: dict[str, Any]) -> dict[str, Any]:
    # The official TypeScript client sends the words "null" and "undefined" for parameters left out.
    if not service.state.switches.lenient_null:
        return values
    return {name: value for name, value in values.items() if value not in ("null", "undefined")}


def includeme(config: Configurator) -> None:
    """Routes of this module."""
    config.add_route("jwt_refresh", "/api/jwt/refresh")
    config.add_route("jwt_refresh_one", "/api/jwt/refresh/{tokenId}")
    config.add_view(exchange, route_name="jwt_refresh", request_method="POST")
    config.add_view(listing, route_name="jwt_refresh", request_method="GET")
    config.add_view(revoke, route_name="jwt_refresh", request_method="DELETE")
    config.add_view(show, route_name="jwt_refresh_one", request_method="GET")
    config.add_view(revoke, route_name="jwt_refresh_one", request_method="DELETE")
