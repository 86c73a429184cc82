"""The settings of the webhooks, under `webhooks.`: events from FusionAuth, and the endpoints that get the audit log."""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from ..core.settings import Setting, SettingsError, find, read, setting, settings_of, variable
from ..core.sites import is_development
from .events import SENT

ALGORITHMS = (
    *(f"{kind}{size}" for kind in ("RS", "ES", "HS") for size in (256, 384, 512)),
    "EdDSA",
)


@dataclass(frozen=True)
class Endpoint:
    """An endpoint that gets messages about the audit log.

    `secrets` are keys of HMAC, the newest first. `events` are the names of the events that it gets.
    """

    name: str
    url: str
    secrets: tuple[bytes, ...] = field(repr=False)
    events: frozenset[str]


def _name(text: str) -> tuple[str, ...]:
    names = tuple(text.split())
    if len({name.replace("-", "_") for name in names}) != len(names):
        raise ValueError("names an endpoint twice")
    if not all(re.fullmatch(r"[a-z][a-z0-9_-]{0,39}", name) for name in names):
        raise ValueError("takes names of small letters, digits, - and _")
    return names


@dataclass(frozen=True, kw_only=True)
class WebhookSettings:
    """Events from FusionAuth, and endpoints for the audit log."""

    fusionauth: str = setting(
        "webhooks.fusionauth",
        "off",
        "the one signature algorithm that is accepted from FusionAuth; off: no events are accepted",
        of=("off", *ALGORITHMS),
    )
    secret: str = setting(
        "webhooks.fusionauth_secret",
        "",
        "the shared secret for an HS algorithm; the other kinds use FusionAuth's published keys",
        secret=True,
    )
    max_age: int = setting(
        "webhooks.max_age",
        300,
        "seconds; the audit log marks an older event from FusionAuth as late",
        least=1,
        most=3600,
    )
    out: tuple[str, ...] = setting(
        "webhooks.out",
        (),
        "names of the endpoints that get messages about the audit log",
        convert=_name,
        kind="words",
    )
    endpoints: tuple[Endpoint, ...]

    @property
    def algorithm(self) -> str | None:
        """The algorithm of FusionAuth's signatures, or None if no events are accepted from FusionAuth."""
        return None if self.fusionauth == "off" else self.fusionauth


def endpoint_settings(name: str) -> tuple[Setting, Setting, Setting]:
    """Return the settings of one endpoint: its address, its secrets, its events."""
    return (
        Setting(f"webhooks.{name}.url", "the endpoint's address", _url, "https:// address"),
        Setting(
            f"webhooks.{name}.secret",
            "whsec_ and base64 of 24 to 64 bytes; two while one replaces the other",
            _secrets,
            "words",
            secret=True,
        ),
        Setting(
            f"webhooks.{name}.events",
            "names of the events that it gets; all if not set",
            _events,
            "words",
            frozenset(SENT),
        ),
    )


def declared(raw: Mapping[str, str]) -> tuple[Setting, ...]:
    """Return all settings, including those of the endpoints that `webhooks.out` names. Raises SettingsError."""
    names = find(WebhookSettings, "webhooks.out").read(raw)
    return (*settings_of(WebhookSettings), *(one for name in names for one in endpoint_settings(name)))


def parse(raw: Mapping[str, str]) -> WebhookSettings:
    """Read the webhooks' settings. Raises SettingsError, which names the wrong key."""
    parsed = read(WebhookSettings, raw, endpoints=())
    algorithm = parsed.algorithm or ""
    # As long as the hash (RFC 7518, 3.2).
    if algorithm.startswith("HS") and len(parsed.secret.encode()) < int(algorithm[2:]) // 8:
        key = "webhooks.fusionauth_secret"
        raise SettingsError(f"{key} must have {int(algorithm[2:]) // 8} bytes or more: set {variable(key)}")
    endpoints = tuple(_endpoint(raw, name) for name in parsed.out)
    return replace(parsed, endpoints=endpoints)


def _endpoint(raw: Mapping[str, str], name: str) -> Endpoint:
    url, secret, events = endpoint_settings(name)
    # In development the receiver is on the same machine.
    if not url.read(raw).startswith("https://") and not is_development(raw):
        raise SettingsError(f"{url.key} must be an address that begins with https://")
    return Endpoint(name, url.read(raw), secret.read(raw), events.read(raw))


def _url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https"):
        raise ValueError("must be an address that begins with https://")
    if not parts.hostname or "@" in parts.netloc:
        raise ValueError("must name a host, and no user")
    return text


def _events(text: str) -> frozenset[str]:
    events = frozenset(text.split())
    if unknown := events - set(SENT):
        raise ValueError(f"names unknown events: {', '.join(sorted(unknown))}")
    return events


def _secrets(text: str) -> tuple[bytes, ...]:
    try:
        found = tuple(base64.b64decode(one.removeprefix("whsec_"), validate=True) for one in text.split())
    except binascii.Error:
        found = ()
    if not found or any(not 24 <= len(secret) <= 64 for secret in found):
        raise ValueError("must be whsec_ and base64 of 24 to 64 bytes")
    return found
