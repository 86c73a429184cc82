"""Test hooks under ``/hooks/``: what tests and demonstrations need and a real provider does not offer.

They are never recorded as calls and never disturbed by injected faults. Unknown names in a body are a 400, so
that a misspelt hook is not a test that passes for nothing. No token value is ever shown.
"""

import json
import sqlite3
from typing import Any

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response

from . import accounts, tokens
from .errors import RefusedError, answer, field_error, general_error, nothing
from .json_fields import (
    flag,
    identifier,
    json_body,
    mapping,
    only,
    required_identifier,
    required_text,
    strings,
    text,
    whole,
)
from .jwts import RESERVED_CLAIMS
from .policies import JWT_CONFIGURATION, deep_merge, layered
from .service import service_of, tenant
from .state import Lambda

_SHORT_POLICY = {
    "usage": ("refreshTokenUsagePolicy",),
    "expiration": ("refreshTokenExpirationPolicy",),
    "grace_seconds": ("refreshTokenOneTimeUseConfiguration", "gracePeriodInSeconds"),
    "ttl_minutes": ("refreshTokenTimeToLiveInMinutes",),
    "maximum_minutes": ("refreshTokenSlidingWindowConfiguration", "maximumTimeToLiveInMinutes"),
    "jwt_seconds": ("timeToLiveInSeconds",),
    "on_reuse": ("refreshTokenRevocationPolicy", "onOneTimeTokenReuse"),
    "on_password_changed": ("refreshTokenRevocationPolicy", "onPasswordChanged"),
    "on_login_prevented": ("refreshTokenRevocationPolicy", "onLoginPrevented"),
}


def calls(request: Request) -> Response:
    """``GET /hooks/calls``."""
    return answer({"calls": service_of(request).state.calls()})


def clear_calls(request: Request) -> Response:
    """``DELETE /hooks/calls``."""
    service_of(request).state.clear_calls()
    return nothing(204)


def switch(request: Request) -> Response:
    """``POST /hooks/legacy_404`` and ``POST /hooks/lenient_null``: ``{"on": bool}``."""
    name, body = request.path.rpartition("/")[2], json_body(request)
    only(body, ("on",))
    if not isinstance(body.get("on"), bool):
        raise field_error("on", "couldNotConvert", "The [on] property must be true or false.")
    setattr(service_of(request).state.switches, name, body["on"])
    return answer({"on": body["on"]})


def expire(request: Request) -> Response:
    """``POST /hooks/expire``: tokens by ``refreshTokenId``, ``userId`` or ``email`` expire now."""
    service, body = service_of(request), json_body(request)
    only(body, ("refreshTokenId", "userId", "email", "applicationId"))
    token_id, application_id = identifier(body, "refreshTokenId"), identifier(body, "applicationId")
    with service.database.write() as db:
        user_id = None if token_id else _user(db, body)["id"]
        cursor = db.execute(
            "UPDATE refresh_tokens SET start_instant = 0, insert_instant = min(insert_instant, 0)"
            " WHERE revoked_instant IS NULL AND (id = ? OR user_id = ?)"
            " AND (? IS NULL OR application_id = ?)",
            (token_id, user_id, application_id, application_id),
        )
    return answer({"expired": cursor.rowcount})


def lock(request: Request) -> Response:
    """``POST /hooks/lock`` ``{"email" or "userId", "on"}``: a locked user's login answers 423."""
    service, body = service_of(request), json_body(request)
    only(body, ("email", "userId", "on"))
    locked = flag(body, "on", True)
    with service.database.write() as db:
        user_id = _user(db, body)["id"]
        accounts.update_body(db, user_id, {"active": not locked})
        if locked:
            service.webhooks.about_user("user.deactivate", db, user_id)
        if locked and service.policy(db, None).on_login_prevented:
            tokens.revoke(db, service.state.now(), user_id=user_id)
    return answer({"locked": locked})


def user_state(request: Request) -> Response:
    """``POST /hooks/user``: put a user into the state behind one of the documented login statuses.

    ``passwordChangeRequired`` (203), ``verified`` false (212), ``registrationVerified`` false (213, all of
    the user's registrations), ``twoFactor`` true (242), ``twoFactorRequired`` true (242 without methods for who has none),
    ``loginPrevented`` true (409), ``expired`` true (410).
    """
    service, body = service_of(request), json_body(request)
    flags = (
        "passwordChangeRequired",
        "verified",
        "registrationVerified",
        "twoFactor",
        "twoFactorRequired",
        "loginPrevented",
        "expired",
    )
    only(body, ("email", "userId", *flags))
    given = {name: flag(body, name) for name in flags if name in body}
    now = service.state.now()
    with service.database.write() as db:
        user = _user(db, body)
        accounts.update_body(db, user["id"], _user_changes(given, user, now))
        if given.get("loginPrevented") and service.policy(db, None).on_login_prevented:
            tokens.revoke(db, now, user_id=user["id"])
        if "registrationVerified" in given:
            for row in db.execute(
                "SELECT body FROM registrations WHERE user_id = ?", (user["id"],)
            ).fetchall():
                changed = json.loads(row["body"]) | {"verified": given["registrationVerified"]}
                accounts.store_registration(db, user["id"], changed)
    return answer(given)


def _user_changes(given: dict[str, bool], user: sqlite3.Row, now: int) -> dict[str, Any]:
    changes: dict[str, Any] = {
        name: given[name]
        for name in ("passwordChangeRequired", "verified", "twoFactorRequired")
        if name in given
    }
    if "expired" in given:
        changes["expiry"] = now - 1 if given["expired"] else None
    if "twoFactor" in given:
        method = {"id": "TEST", "method": "email", "email": user["email"]}
        changes["twoFactor"] = {"methods": [method] if given["twoFactor"] else []}
    if "loginPrevented" in given:
        action = {"name": "Login prevented", "localizedName": "Login prevented", "expiry": now + 86_400_000}
        changes["loginPrevented"] = action if given["loginPrevented"] else None
    return changes


def webhook(request: Request) -> Response:
    """``POST /hooks/webhook`` ``{"url"}``: who is told of events from now on, until the hooks are reset."""
    body = json_body(request)
    only(body, ("url",))
    service_of(request).state.switches.webhook = required_text(body, "url")
    return answer({"url": body["url"]})


def policy(request: Request) -> Response:
    """``POST /hooks/policy``: lay policies over the stored ones, for one application or for all.

    Short names (``usage``, ``expiration``, ``grace_seconds``, ``ttl_minutes``, ``maximum_minutes``,
    ``jwt_seconds``, ``on_reuse``, ``on_password_changed``, ``on_login_prevented``) or FusionAuth's own.
    ``reset`` removes them.
    """
    service, body = service_of(request), json_body(request)
    only(body, ("applicationId", *_SHORT_POLICY, *JWT_CONFIGURATION))
    application_id = identifier(body, "applicationId")
    override: dict[str, Any] = {}
    for name, value in body.items():
        if name == "applicationId":
            continue
        nested: Any = value
        for key in reversed(_SHORT_POLICY.get(name, (name,))):
            nested = {key: nested}
        override = deep_merge(override, nested)
    policies = service.state.switches.policy
    merged = deep_merge(policies.get(application_id, {}), override)
    with service.database.read() as db:
        everywhere = deep_merge(policies.get(None, {}), merged)
        layered(tenant(db), None, everywhere)
        if (
            application_id
            and not db.execute("SELECT 1 FROM applications WHERE id = ?", (application_id,)).fetchone()
        ):
            raise RefusedError(404)
    policies[application_id] = merged
    return answer(everywhere)


def customize(request: Request) -> Response:
    """``POST /hooks/lambda``: customers' lambdas, for one application or for all, until the hooks are reset.

    ``set`` adds or replaces claims of the JWTs, ``remove`` names claims that go; FusionAuth's reserved claims are a 400.
    ``refuse`` is the code with which logins are refused after the right password.
    """
    service, body = service_of(request), json_body(request)
    only(body, ("applicationId", "set", "remove", "refuse"))
    claims, without = mapping(body, "set"), strings(body, "remove")
    if reserved := sorted(RESERVED_CLAIMS.intersection([*claims, *without])):
        raise general_error("invalid", f"A lambda cannot change {', '.join(reserved)}.")
    custom = Lambda(claims, tuple(without), text(body, "refuse"))
    service.state.switches.lambdas[identifier(body, "applicationId")] = custom
    return nothing(204)


def reset(request: Request) -> Response:
    """``POST /hooks/reset``: clear faults, calls, switches, hook policies, codes and the clock's offset."""
    service_of(request).state.reset()
    return nothing(204)


def advance(request: Request) -> Response:
    """``POST /hooks/advance`` ``{"seconds"}``: move the provider's clock, also back; answers ``{"now"}``."""
    body = json_body(request)
    only(body, ("seconds",))
    seconds = whole(body, "seconds", low=-3_153_600_000, high=3_153_600_000)
    if seconds is None:
        raise field_error("seconds", "blank", "You must specify the [seconds] property.")
    return answer({"now": service_of(request).state.advance(seconds * 1000)})


def token_states(request: Request) -> Response:
    """``GET /hooks/tokens?userId=``: ids and states, newest first, revoked ones included."""
    service = service_of(request)
    user_id = required_identifier(request.GET, "userId")
    now = service.state.now()
    with service.database.read() as db:
        rows = db.execute(
            "SELECT * FROM refresh_tokens WHERE user_id = ? ORDER BY insert_instant DESC, rowid DESC",
            (user_id,),
        ).fetchall()
        listed = [
            {
                "refreshTokenId": row["id"],
                "applicationId": row["application_id"],
                "state": tokens.state(row, service.policy(db, row["application_id"]), now),
                "insertInstant": row["insert_instant"],
                "startInstant": row["start_instant"],
            }
            for row in rows
        ]
    return answer({"tokens": listed})


def two_factor(request: Request) -> Response:
    """``GET /hooks/two-factor/{twoFactorId}``: the code of a challenge, as the user would receive it."""
    found = service_of(request).state.find_challenge("twoFactor", request.matchdict["twoFactorId"])
    if found is None:
        raise RefusedError(404)
    return answer({"twoFactorId": found.id, "userId": found.user_id, "code": found.code})


def two_factor_pending(request: Request) -> Response:
    """``GET /hooks/two-factor``: all pending challenges with their codes, for trying the sites by hand."""
    service = service_of(request)
    with service.database.read() as db:
        pending = [
            (one, accounts.find_user(db, one.user_id)) for one in service.state.challenges("twoFactor")
        ]
    listed = [
        {"twoFactorId": one.id, "userId": one.user_id, "email": user["email"], "code": one.code}
        for one, user in pending
        if user is not None
    ]
    return answer({"challenges": listed})


def _user(db: sqlite3.Connection, body: dict[str, Any]) -> sqlite3.Row:
    user_id = identifier(body, "userId")
    row = (
        accounts.find_user(db, user_id)
        if user_id
        else accounts.find_by_login(db, required_text(body, "email"))
    )
    if row is None:
        raise general_error("unknownUser", "There is no such user.", 404)
    return row


def includeme(config: Configurator) -> None:
    """Routes of this module."""
    hooks = (
        ("calls", "GET", calls),
        ("calls", "DELETE", clear_calls),
        ("legacy_404", "POST", switch),
        ("lenient_null", "POST", switch),
        ("expire", "POST", expire),
        ("lock", "POST", lock),
        ("user", "POST", user_state),
        ("policy", "POST", policy),
        ("webhook", "POST", webhook),
        ("lambda", "POST", customize),
        ("reset", "POST", reset),
        ("advance", "POST", advance),
        ("tokens", "GET", token_states),
        ("two-factor", "GET", two_factor_pending),
        ("two-factor/{twoFactorId}", "GET", two_factor),
    )
    for path in dict.fromkeys(path for path, _, _ in hooks):
        config.add_route(f"hook_{path}", f"/hooks/{path}")
    for path, method, view in hooks:
        config.add_view(view, route_name=f"hook_{path}", request_method=method)
