"""The response to a successful login or refresh: the JWT, the refresh token and FusionAuth's own cookies."""

import sqlite3
from typing import Any

from pyramid.request import Request
from pyramid.response import Response

from . import accounts
from .errors import answer, nothing
from .jwts import claims_for
from .service import Service, tenant
from .tokens import Issued


def access_token(
    service: Service,
    db: sqlite3.Connection,
    user: sqlite3.Row,
    *,
    application_id: str | None,
    refresh: Issued | None,
    kind: str,
    seconds: int,
) -> tuple[str, int]:
    """A signed JWT and the instant when it ends, in milliseconds; ``kind`` is its ``authenticationType``."""
    now = service.state.now()
    home = tenant(db)
    registration = accounts.registration_of(db, user["id"], application_id)
    claims = claims_for(
        issuer=home["issuer"],
        tenant_id=home["id"],
        user=accounts.user_body(user),
        application_id=application_id,
        registration=registration and accounts.with_groups(db, user["id"], registration),
        refresh_token_id=refresh.id if refresh else None,
        authentication_type=kind,
        auth_instant=refresh.auth_instant if refresh else now,
        now=now,
        seconds=seconds,
    )
    if (custom := service.lambda_for(application_id)) is not None:
        claims = {name: value for name, value in claims.items() if name not in custom.without} | custom.claims
    return service.keys.sign(claims, "refresh_token" if kind == "REFRESH_TOKEN" else "password"), claims[
        "exp"
    ] * 1000


def with_cookies(request: Request, response: Response, token: str | None, refresh: Issued | None) -> Response:
    """Set the two cookies that FusionAuth sets; a backend's HTTP client must not keep them between users."""
    secure = request.scheme == "https"
    if token:
        response.set_cookie("access_token", token, path="/", httponly=True, samesite="Lax", secure=secure)
    if refresh:
        response.set_cookie(
            "refresh_token",
            refresh.value,
            max_age=refresh.policy.ttl // 1000,
            path="/",
            httponly=True,
            samesite="Lax",
            secure=secure,
        )
    return response


def logged_out() -> Response:
    """The empty answer that clears both cookies."""
    response = nothing(200)
    for name in ("access_token", "refresh_token"):
        response.delete_cookie(name, path="/")
    return response


def login_answer(
    request: Request,
    status: int,
    body: dict[str, Any],
    *,
    token: tuple[str, int] | None,
    refresh: Issued | None,
) -> Response:
    """The answer of 200, 202, 212 and 213: ``body`` with the tokens, and the cookies."""
    if token:
        body["token"], body["tokenExpirationInstant"] = token
    if refresh:
        body["refreshToken"], body["refreshTokenId"] = refresh.value, refresh.id
    return with_cookies(request, answer(body, status), token[0] if token else None, refresh)
