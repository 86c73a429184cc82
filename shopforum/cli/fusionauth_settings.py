"""The settings that FusionAuth needs, as changes to its objects: `shopforum check` names them, `fusionauth setup` makes them.

Each function compares an object of FusionAuth's API with what the sites need and returns a patch of the differences, empty
where the object is fit. Settings that a site does not need are left as they are.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shopforum.configuration import Configuration
from shopforum.core.permissions import CONSOLE_ROLES
from shopforum.core.sites import ADMIN
from shopforum.idp import same_id
from shopforum.login import settings as login_settings
from shopforum.sessions import config as sessions_config
from shopforum.webhooks.event_mapping import EVENTS

# The roles of each site.
ROLES = {"store": ("shopper",), "forums": ("member", "moderator"), ADMIN: tuple(sorted(CONSOLE_ROLES))}
# The roles of those who sign up.
DEFAULT_ROLES = {"store": "shopper", "forums": "member"}
# Seconds in which a refresh token that was replaced is still accepted: so long may a lost response take to be noticed.
_GRACE = 60
_DAY = 86_400

Patch = dict[str, Any]


@dataclass(frozen=True)
class Tokens:
    """The refresh tokens' policies in force for an application. Lengths are in seconds."""

    life: int
    expiration: str
    one_time: bool
    grace: int

    def __str__(self) -> str:
        usage = f"OneTimeUse with {self.grace} s of grace" if self.one_time else "Reusable"
        return f"refresh tokens are {usage}, {self.expiration}, and live {self.life / _DAY:g} days"


def application_changes(
    application: Mapping[str, Any], tenant: Mapping[str, Any], site: Configuration
) -> Patch:
    """Compare an application. The console's sessions are never refreshed, so its application needs less."""
    refreshable = site.site.name != ADMIN
    wanted: Patch = {"loginConfiguration": {"requireAuthentication": True}}
    if refreshable:
        wanted["loginConfiguration"] |= {"generateRefreshTokens": True, "allowTokenRefresh": True}
    if refreshable and login_settings.parse(site.raw).mail_codes:
        wanted["passwordlessConfiguration"] = {"enabled": True}
    patch = _differences(wanted, application)
    grants = _part(application, "oauthConfiguration").get("enabledGrants") or []
    if refreshable and site.idp.refresh_endpoint == "oauth2" and "refresh_token" not in grants:
        patch["oauthConfiguration"] = {"enabledGrants": [*grants, "refresh_token"]}
    if _part(application, "jwtConfiguration").get("enabled") and refreshable:
        patch |= _token_changes(application, tenant, site)
    return patch


def missing_roles(application: Mapping[str, Any], site: str) -> list[str]:
    """Return the roles of a site that its application does not have."""
    known = {role.get("name") for role in application.get("roles") or [] if isinstance(role, dict)}
    return [role for role in ROLES[site] if role not in known]


def tenant_changes(tenant: Mapping[str, Any], site: Configuration, *, events: bool) -> Patch:
    """Compare a tenant: policies of refresh tokens, and with `events` the events that it sends. `site` is one whose sessions
    are refreshed.
    """
    revocation = {"onPasswordChanged": True, "onLoginPrevented": True}
    wanted: Patch = {"jwtConfiguration": {"refreshTokenRevocationPolicy": revocation}}
    if events:
        wanted["eventConfiguration"] = {"events": {name: {"enabled": True} for name in EVENTS}}
    logins = login_settings.parse(site.raw)
    if logins.passkeys:
        # Without verification by the device, whoever finds it would be logged in.
        workflow = {"enabled": True, "userVerificationRequirement": "required"}
        wanted["webAuthnConfiguration"] = {"enabled": True, "bootstrapWorkflow": workflow}
        if logins.passkey_domain:
            wanted["webAuthnConfiguration"]["relyingPartyId"] = logins.passkey_domain
    return _merged(_differences(wanted, tenant), _token_changes({}, tenant, site))


def webhook_changes(webhook: Mapping[str, Any], tenant_id: str) -> Patch:
    """Compare the webhook for the console: which tenants it hears, which events, and whether they are signed."""
    wanted: Patch = {
        "eventsEnabled": dict.fromkeys(EVENTS, True),
        "signatureConfiguration": {"enabled": True},
    }
    patch = _differences(wanted, webhook)
    tenants = webhook.get("tenantIds") or []
    if not webhook.get("global") and not any(same_id(one, tenant_id) for one in tenants):
        patch["tenantIds"] = [*tenants, tenant_id]
    return patch


def webhook_url(site: Configuration) -> str:
    """Return the address at which the console receives FusionAuth's events."""
    return f"{site.site.urls[ADMIN]}/webhooks/fusionauth"


def tokens(application: Mapping[str, Any], tenant: Mapping[str, Any]) -> Tokens:
    """Read the policies in force: those of the application where it has its own, else the tenant's."""
    own = _part(application, "jwtConfiguration")
    used = {**_part(tenant, "jwtConfiguration"), **(own if own.get("enabled") else {})}
    return Tokens(
        life=int(used.get("refreshTokenTimeToLiveInMinutes") or 43_200) * 60,
        expiration=str(used.get("refreshTokenExpirationPolicy") or "Fixed"),
        one_time=used.get("refreshTokenUsagePolicy") == "OneTimeUse",
        grace=int(_part(used, "refreshTokenOneTimeUseConfiguration").get("gracePeriodInSeconds") or 0),
    )


def lambdas(application: Mapping[str, Any]) -> list[str]:
    """Return the kinds of lambdas that an application has."""
    return sorted(
        name.removesuffix("Id") for name, value in _part(application, "lambdaConfiguration").items() if value
    )


def said(patch: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Return a patch as `key = value`, one for each value."""
    found = []
    for name, value in patch.items():
        if isinstance(value, dict):
            found += said(value, f"{prefix}{name}.")
        else:
            shown = (
                str(value).lower()
                if isinstance(value, bool)
                else ", ".join(value)
                if isinstance(value, list)
                else value
            )
            found.append(f"{prefix}{name} = {shown}")
    return found


def _token_changes(application: Mapping[str, Any], tenant: Mapping[str, Any], site: Configuration) -> Patch:
    """Return what is unfit in the policies of refresh tokens.

    A token that does not outlive the idle timeout refreshes no session. A one-time token without a grace signs out everybody
    whose response is lost.
    """
    config = sessions_config.parse({**site.raw})
    policies = tokens(application, tenant)
    change: Patch = {}
    if policies.life <= config.idle:
        change["refreshTokenTimeToLiveInMinutes"] = max(1, round(config.absolute / 60))
    if policies.one_time and policies.grace < 1:
        change["refreshTokenOneTimeUseConfiguration"] = {"gracePeriodInSeconds": _GRACE}
    return {"jwtConfiguration": change} if change else {}


def _differences(wanted: Mapping[str, Any], actual: Mapping[str, Any]) -> Patch:
    """Return the part of `wanted` that `actual` does not have."""
    patch: Patch = {}
    for name, value in wanted.items():
        if isinstance(value, dict):
            below = _differences(value, _part(actual, name))
            if below:
                patch[name] = below
        elif actual.get(name) != value:
            patch[name] = value
    return patch


def _merged(one: Patch, other: Patch) -> Patch:
    """Return two patches as one."""
    merged = dict(one)
    for name, value in other.items():
        below = merged.get(name)
        merged[name] = _merged(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged


def _part(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = body.get(name)
    return found if isinstance(found, dict) else {}
