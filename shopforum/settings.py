"""Settings of one site: the ini file, overridden by the environment, parsed once at boot.

Every key of an ini file can be given by the environment instead, and the environment wins: the key
`idp.api_key` is the variable `SHOPFORUM_IDP_API_KEY`, `shopforum.secret` is `SHOPFORUM_SECRET`. Secrets belong
there in production. A missing or malformed key stops the boot with its name: nothing is guessed.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import urlsplit

from pyramid.settings import asbool

Number = TypeVar("Number", int, float)

SITES = ("store", "forums", "admin")
TITLES = {"store": "Harbour Store", "forums": "Harbour Forums", "admin": "Harbour Console"}


class SettingsError(ValueError):
    """A setting is missing or makes no sense. The message names the key, never a secret's value."""


@dataclass(frozen=True)
class IdpSettings:
    """How to reach FusionAuth. Time-outs are seconds."""

    url: str
    api_key: str = field(repr=False)
    application_id: str
    # Every site's application, for revocations that reach further than this site.
    applications: Mapping[str, str]
    client_secret: str = field(repr=False)
    tenant_id: str | None
    refresh_endpoint: str
    connect_timeout: float
    read_timeout: float


@dataclass(frozen=True)
class Site:
    """One of the three sites, as everything but the boot needs to know it."""

    name: str
    title: str
    url: str
    urls: Mapping[str, str]
    development: bool

    @property
    def host(self) -> str:
        """The one Host header this site answers to, with the port where it is not the scheme's own."""
        return urlsplit(self.url).netloc


@dataclass(frozen=True)
class Settings:
    """Everything that one site's app factory needs, typed."""

    site: Site
    secret: str = field(repr=False)
    database_url: str = field(repr=False)
    pool_size: int
    prepare: bool
    idp: IdpSettings
    log_format: str


def with_environment(settings: Mapping[str, str]) -> dict[str, str]:
    """The ini's settings with the environment's laid over them; see the module's docstring for the names."""
    merged = dict(settings)
    for key in settings.keys() | _KNOWN:
        value = os.environ.get(variable(key))
        if value is not None:
            merged[key] = value
    return merged


def variable(key: str) -> str:
    """The environment variable that overrides an ini key."""
    return "SHOPFORUM_" + key.removeprefix("shopforum.").upper().replace(".", "_")


_KNOWN = frozenset(
    {
        "shopforum.secret",
        "database.url",
        "idp.url",
        "idp.api_key",
        "idp.tenant_id",
        *(f"shopforum.{site}_url" for site in SITES),
        *(f"idp.{site}.{key}" for site in SITES for key in ("application_id", "client_secret")),
    }
)


def parse(raw: Mapping[str, str]) -> Settings:
    """Read the settings of one site. `raw` is what `with_environment` returned. Raises SettingsError."""
    name = _required(raw, "shopforum.site")
    if name not in SITES:
        raise SettingsError(f"shopforum.site must be one of {', '.join(SITES)}")
    urls = {site: _origin(raw, f"shopforum.{site}_url") for site in SITES}
    if len(set(urls.values())) != len(SITES):
        raise SettingsError("the three sites need three different hosts")
    development = asbool(raw.get("shopforum.development", "false"))
    secret = _required(raw, "shopforum.secret")
    if not development:
        _refuse_unsafe(urls, secret, raw)
    return Settings(
        site=Site(name, TITLES[name], urls[name], urls, development),
        secret=secret,
        database_url=_required(raw, "database.url"),
        pool_size=number(raw, "database.pool_size", 10, 1, 1000),
        prepare=asbool(raw.get("database.prepare", "true")),
        idp=IdpSettings(
            url=_required(raw, "idp.url").rstrip("/"),
            api_key=_required(raw, "idp.api_key"),
            application_id=_required(raw, f"idp.{name}.application_id"),
            applications={site: _required(raw, f"idp.{site}.application_id") for site in SITES},
            client_secret=raw.get(f"idp.{name}.client_secret", ""),
            tenant_id=raw.get("idp.tenant_id") or None,
            refresh_endpoint=_one_of(raw, "idp.refresh_endpoint", ("jwt", "oauth2")),
            connect_timeout=number(raw, "idp.connect_timeout", 1.0, 0.01, 60),
            read_timeout=number(raw, "idp.read_timeout", 3.0, 0.01, 60),
        ),
        log_format=_one_of(raw, "log.format", ("json", "console")),
    )


def _refuse_unsafe(urls: Mapping[str, str], secret: str, raw: Mapping[str, str]) -> None:
    """Production never starts with demo secrets or without TLS (ASVS 5.0 3.3.1, 6.3.2, 13.3.1)."""
    for site, url in urls.items():
        if not url.startswith("https://"):
            raise SettingsError(f"shopforum.{site}_url must start with https:// outside development")
    for key, value in (("shopforum.secret", secret), ("idp.api_key", raw.get("idp.api_key", ""))):
        if len(value) < 32 or value.startswith("development"):
            raise SettingsError(
                f"{key} must be a secret of your own, 32 characters or more: set {variable(key)}"
            )


def _required(raw: Mapping[str, str], key: str) -> str:
    value = raw.get(key, "").strip()
    if not value:
        raise SettingsError(f"{key} is missing: set it in the ini file or as {variable(key)}")
    return value


def _origin(raw: Mapping[str, str], key: str) -> str:
    """An origin and nothing more: a path or a user in it would make the Host and Origin checks guess."""
    value = _required(raw, key).rstrip("/").lower()
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or value != f"{parts.scheme}://{parts.netloc}" or "@" in value:
        raise SettingsError(f"{key} must be an origin such as https://store.example.com")
    return value


def number(raw: Mapping[str, str], key: str, default: Number, least: float, most: float) -> Number:
    """A setting from `least` to `most`, a whole number where the default is one. Raises SettingsError."""
    try:
        value = type(default)(raw.get(key, default))
    except ValueError:
        kind = "whole number" if isinstance(default, int) else "number"
        raise SettingsError(f"{key} must be a {kind}") from None
    if not least <= value <= most:
        raise SettingsError(f"{key} must be from {least:,} to {most:,}")
    return value


def _one_of(raw: Mapping[str, str], key: str, allowed: tuple[str, ...]) -> str:
    value = raw.get(key, allowed[0])
    if value not in allowed:
        raise SettingsError(f"{key} must be one of {', '.join(allowed)}")
    return value
