"""The settings of FusionAuth, all under `idp.`."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..core.settings import Setting, read, setting, settings_of


def _application(site: str) -> Setting:
    return Setting(f"idp.{site}.application_id", f"FusionAuth's id of the {site} application", str, "id")


def _client_secret(site: str) -> Setting:
    meaning = f"the {site} application's client secret, for the OAuth endpoints"
    return Setting(f"idp.{site}.client_secret", meaning, str, "text", "", secret=True)


@dataclass(frozen=True, kw_only=True)
class IdpSettings:
    """The settings by which one site reaches FusionAuth. Timeouts are in seconds."""

    url: str = setting(
        "idp.url", None, "FusionAuth's address", convert=lambda text: text.rstrip("/"), kind="URL"
    )
    api_key: str = setting(
        "idp.api_key",
        None,
        "a key with the rights that docs/fusionauth.md lists, and no others",
        secret=True,
    )
    tenant_id: str | None = setting(
        "idp.tenant_id", None, "the tenant, where FusionAuth has several", optional=True
    )
    issuer: str = setting("idp.issuer", "", "the tenant's issuer, where it is not FusionAuth's address")
    refresh_endpoint: str = setting(
        "idp.refresh_endpoint",
        "jwt",
        "which endpoint refreshes: /api/jwt/refresh or /oauth2/token",
        of=("jwt", "oauth2"),
    )
    # Both together stay below the lease of a message of the outbox (`sessions/outbox.py`).
    connect_timeout: float = setting(
        "idp.connect_timeout", 1.0, "seconds to wait for a connection", least=0.01, most=10
    )
    read_timeout: float = setting(
        "idp.read_timeout", 3.0, "seconds to wait for an answer", least=0.01, most=15
    )
    application_id: str
    # The applications of all sites, for revocations that reach further than this site.
    applications: Mapping[str, str]
    client_secret: str = field(repr=False)


def declared(sites: tuple[str, ...]) -> tuple[Setting, ...]:
    """Return all settings for these sites."""
    return (
        *settings_of(IdpSettings),
        *(_application(site) for site in sites),
        *(_client_secret(site) for site in sites),
    )


def parse(raw: Mapping[str, str], site: str, sites: tuple[str, ...]) -> IdpSettings:
    """Read the settings of one site of several. Raises SettingsError."""
    applications = {name: _application(name).read(raw) for name in sites}
    return read(
        IdpSettings,
        raw,
        application_id=applications[site],
        applications=applications,
        client_secret=_client_secret(site).read(raw),
    )
