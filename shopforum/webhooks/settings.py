"""Settings of the webhooks, all under `webhooks.`.

| key | default | what it is |
|---|---|---|
| webhooks.fusionauth | off | the one signature algorithm that is accepted from FusionAuth: RS256 … EdDSA, HS256 … |
| webhooks.fusionauth_secret | | the shared secret for an HS algorithm; the other kinds use FusionAuth's published keys |
| webhooks.max_age | 300 | seconds; an event from FusionAuth that is older is called late in the audit log |
| webhooks.out | | names of the endpoints that are told, separated by spaces |
| webhooks.NAME.url | | where the endpoint is |
| webhooks.NAME.secret | | `whsec_` and base64 of 24 to 64 bytes; several while one is replaced |
| webhooks.NAME.events | all | names of events, separated by spaces |
"""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from pyramid.settings import asbool, aslist

from ..settings import SettingsError, number, variable
from .events import TOLD

ALGORITHMS = (
    *(f"{kind}{size}" for kind in ("RS", "ES", "HS") for size in (256, 384, 512)),
    "EdDSA",
)


@dataclass(frozen=True)
class Endpoint:
    """Somebody who is told. `secrets` are keys of HMAC, the newest first; `events` names of the audit log."""

    name: str
    url: str
    secrets: tuple[bytes, ...] = field(repr=False)
    events: frozenset[str]


@dataclass(frozen=True)
class WebhookSettings:
    """The settings above, parsed. `algorithm` is None where FusionAuth is not listened to."""

    algorithm: str | None
    secret: str = field(repr=False)
    max_age: int
    endpoints: tuple[Endpoint, ...]


def parse(raw: Mapping[str, str]) -> WebhookSettings:
    """Read the settings. Raises SettingsError naming the key that makes no sense."""
    algorithm, secret = raw.get("webhooks.fusionauth", "off"), raw.get("webhooks.fusionauth_secret", "")
    if algorithm != "off" and algorithm not in ALGORITHMS:
        raise SettingsError(f"webhooks.fusionauth must be off or one of {', '.join(ALGORITHMS)}")
    # As long as the hash (RFC 7518, 3.2).
    if algorithm.startswith("HS") and len(secret.encode()) < int(algorithm[2:]) // 8:
        key = "webhooks.fusionauth_secret"
        raise SettingsError(f"{key} must have {int(algorithm[2:]) // 8} bytes or more: set {variable(key)}")
    names = aslist(raw.get("webhooks.out", ""))
    if len(set(names)) != len(names):
        raise SettingsError("webhooks.out names an endpoint twice")
    return WebhookSettings(
        algorithm=None if algorithm == "off" else algorithm,
        secret=secret,
        max_age=number(raw, "webhooks.max_age", 300, 1, 3600),
        endpoints=tuple(_endpoint(raw, name) for name in names),
    )


def _endpoint(raw: Mapping[str, str], name: str) -> Endpoint:
    if not re.fullmatch(r"[a-z][a-z0-9_-]{0,39}", name):
        raise SettingsError("webhooks.out takes names of small letters, digits, - and _")
    url = raw.get(f"webhooks.{name}.url", "").strip()
    parts = urlsplit(url)
    development = asbool(raw.get("shopforum.development", "false"))
    if parts.scheme != "https" and not (development and parts.scheme == "http"):
        raise SettingsError(f"webhooks.{name}.url must be an address that begins with https://")
    if not parts.hostname or "@" in parts.netloc:
        raise SettingsError(f"webhooks.{name}.url must name a host, and no user")
    events = frozenset(aslist(raw.get(f"webhooks.{name}.events", ""))) or frozenset(TOLD)
    if unknown := events - set(TOLD):
        raise SettingsError(f"webhooks.{name}.events: nobody is told of {', '.join(sorted(unknown))}")
    return Endpoint(name, url, _secrets(raw, name), events)


def _secrets(raw: Mapping[str, str], name: str) -> tuple[bytes, ...]:
    key = f"webhooks.{name}.secret"
    try:
        found = tuple(
            base64.b64decode(text.removeprefix("whsec_"), validate=True) for text in aslist(raw.get(key, ""))
        )
    except binascii.Error:
        found = ()
    if not found or any(not 24 <= len(secret) <= 64 for secret in found):
        raise SettingsError(f"{key} must be whsec_ and base64 of 24 to 64 bytes: set {variable(key)}")
    return found
