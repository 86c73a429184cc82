"""Refresh token policies of a tenant, overridden by an application, overridden by the test hooks."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .errors import field_error
from .json_fields import flag, mapping, whole

_MINUTE = 60_000
EXPIRATIONS = ("Fixed", "SlidingWindow", "SlidingWindowWithMaximumLifetime")
USAGES = ("Reusable", "OneTimeUse")
_MAXIMUM_MINUTES = 10_512_000  # twenty years
_REVOCATIONS = {
    "onLoginPrevented": True,
    "onMultiFactorEnable": False,
    "onOneTimeTokenReuse": False,
    "onPasswordChanged": True,
}
JWT_CONFIGURATION: dict[str, Any] = {
    "timeToLiveInSeconds": 3600,
    "refreshTokenTimeToLiveInMinutes": 43_200,
    "refreshTokenExpirationPolicy": "Fixed",
    "refreshTokenSlidingWindowConfiguration": {"maximumTimeToLiveInMinutes": 43_200},
    "refreshTokenUsagePolicy": "Reusable",
    "refreshTokenOneTimeUseConfiguration": {"gracePeriodInSeconds": 0},
    "refreshTokenRevocationPolicy": _REVOCATIONS,
}


@dataclass(frozen=True)
class Policy:
    """The current policy for the refresh tokens of one application; lengths in milliseconds."""

    jwt_seconds: int
    ttl: int
    expiration: str
    maximum: int
    one_time: bool
    grace: int
    on_login_prevented: bool
    on_password_changed: bool
    on_reuse: bool

    @property
    def sliding(self) -> bool:
        """Return whether each use starts the time to live anew."""
        return self.expiration != "Fixed"

    def expired(self, insert_instant: int, start_instant: int, now: int) -> bool:
        """Return whether a token with these two instants has expired. The lengths in force now decide."""
        if start_instant + self.ttl < now:
            return True
        return self.expiration == "SlidingWindowWithMaximumLifetime" and insert_instant + self.maximum < now


def deep_merge(base: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """``base`` with ``change`` over it, objects merged key by key; null removes a key, as PATCH does."""
    merged = dict(base)
    for key, value in change.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, dict):
            below = merged.get(key)
            merged[key] = deep_merge(below if isinstance(below, dict) else {}, value)
        else:
            merged[key] = value
    return merged


def choice(values: Mapping[str, Any], name: str, allowed: tuple[str, ...]) -> str:
    """One of the allowed words, the first by default. Raises a 400 for another."""
    value = values.get(name, allowed[0])
    if value not in allowed:
        raise field_error(name, "invalid", f"The [{name}] property must be one of {', '.join(allowed)}.")
    return str(value)


def read_policy(configuration: Mapping[str, Any]) -> Policy:
    """Read a ``jwtConfiguration``, with the documented defaults. Raises a 400 that names the wrong field."""
    full = deep_merge(JWT_CONFIGURATION, configuration)
    sliding = mapping(full, "refreshTokenSlidingWindowConfiguration")
    one_time = mapping(full, "refreshTokenOneTimeUseConfiguration")
    revocation = mapping(full, "refreshTokenRevocationPolicy")
    jwt_seconds = whole(full, "timeToLiveInSeconds", 3600, low=1, high=31_536_000)
    ttl = whole(full, "refreshTokenTimeToLiveInMinutes", 43_200, low=1, high=_MAXIMUM_MINUTES)
    maximum = whole(sliding, "maximumTimeToLiveInMinutes", 43_200, low=1, high=_MAXIMUM_MINUTES)
    grace = whole(one_time, "gracePeriodInSeconds", 0, high=86_399)
    expiration = choice(full, "refreshTokenExpirationPolicy", EXPIRATIONS)
    if expiration == "SlidingWindowWithMaximumLifetime" and maximum < ttl:
        raise field_error(
            "maximumTimeToLiveInMinutes",
            "invalid",
            "The maximum must not be less than refreshTokenTimeToLiveInMinutes.",
        )
    return Policy(
        jwt_seconds=jwt_seconds,
        ttl=ttl * _MINUTE,
        expiration=expiration,
        maximum=maximum * _MINUTE,
        one_time=choice(full, "refreshTokenUsagePolicy", USAGES) == "OneTimeUse",
        grace=grace * 1000,
        on_login_prevented=flag(revocation, "onLoginPrevented", True),
        on_password_changed=flag(revocation, "onPasswordChanged", True),
        on_reuse=flag(revocation, "onOneTimeTokenReuse"),
    )


def layered(
    tenant: Mapping[str, Any], application: Mapping[str, Any] | None, override: Mapping[str, Any]
) -> Policy:
    """The policy from a tenant's and an application's JSON and the test hooks' override."""
    configuration = mapping(tenant, "jwtConfiguration")
    own = mapping(application or {}, "jwtConfiguration")
    if flag(own, "enabled"):
        # The revocation policy belongs to the tenant alone.
        own.pop("refreshTokenRevocationPolicy", None)
        configuration = deep_merge(configuration, own)
    return read_policy(deep_merge(configuration, override))


def policy_for(db: sqlite3.Connection, application_id: str | None, override: Mapping[str, Any]) -> Policy:
    """The policy in force for an application; for None, the tenant's."""
    tenant = db.execute("SELECT body FROM tenants").fetchone()
    row = db.execute("SELECT body FROM applications WHERE id = ?", (application_id,)).fetchone()
    return layered(json.loads(tenant["body"]), json.loads(row["body"]) if row else None, override)
