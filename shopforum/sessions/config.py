"""The add-on's settings, all under `sessions.`; durations are seconds in the ini and here.

| key | default | what it is |
|---|---|---|
| sessions.site | required | the name of this site; part of every hash and every row |
| sessions.secret | required | the keys, separated by spaces, the newest first; 32 characters or more each |
| sessions.sites | the site | all sites that share the tables, told to the provider when everyone is revoked |
| sessions.renewable | true | false: no refresh cookie, no refresh; the idle time-out ends the session |
| sessions.idle | 1800 | idle time-out |
| sessions.absolute | 2592000 | absolute time-out, counted from the password; a refresh never moves it |
| sessions.rotate_every | 600 | a session id in use is replaced when it is older |
| sessions.grace | 60 | a replaced pair is served for as long, for requests already on their way |
| sessions.lost_after | 10 | a one-time refresh token not taken up after so long was lost; shorter than the provider's grace |
| sessions.touch_every | 60 | a session seen more lately than this is not written to |
| sessions.max_per_user | 60 | live sessions of one person on one site; a further login ends those idle longest |
| sessions.lease | 5 | how long one request may take to refresh before another tries |
| sessions.refresh_wait | 6 | how long a request waits for another's refresh |
| sessions.roles_every | 0 | roles older than this are asked for again; 0: only at a refresh |
| sessions.risk | monitor | what risk signals do (risk.py): off, monitor (flags) or enforce (quarantine) |
| sessions.risk_signals | all but other_network | which ones count |
| sessions.same_site | Lax | of the cookies; Strict for a site nobody links to |
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from pyramid.settings import asbool, aslist

from .risk import MODES, SIGNALS
from .tokens import Secrets


@dataclass(frozen=True)
class Config:
    """The settings of one site, parsed. Durations in seconds."""

    site: str
    secrets: Secrets = field(repr=False)
    sites: tuple[str, ...]
    renewable: bool = True
    idle: float = 1800
    absolute: float = 30 * 86400
    rotate_every: float = 600
    grace: float = 60
    lost_after: float = 10
    touch_every: float = 60
    max_per_user: int = 60
    lease: float = 5
    refresh_wait: float = 6
    roles_every: float = 0
    risk: str = "monitor"
    # A phone changes its network many times a day.
    risk_signals: tuple[str, ...] = tuple(name for name in SIGNALS if name != "other_network")
    same_site: str = "Lax"


_DURATIONS = (
    "idle",
    "absolute",
    "rotate_every",
    "grace",
    "lost_after",
    "touch_every",
    "lease",
    "refresh_wait",
    "roles_every",
)


def parse(settings: Mapping[str, str]) -> Config:
    """Read the settings. Raises ValueError naming the key that is missing or makes no sense."""
    site = settings.get("sessions.site", "")
    if not site:
        raise ValueError("sessions.site is missing")
    config = Config(
        site=site,
        secrets=Secrets(aslist(settings.get("sessions.secret", ""))),
        sites=tuple(aslist(settings.get("sessions.sites", site))),
        renewable=asbool(settings.get("sessions.renewable", "true")),
        same_site=settings.get("sessions.same_site", "Lax"),
        risk=settings.get("sessions.risk", Config.risk),
        risk_signals=tuple(aslist(settings.get("sessions.risk_signals", " ".join(Config.risk_signals)))),
        max_per_user=_count(settings, "max_per_user"),
        **{name: _seconds(settings, name) for name in _DURATIONS},
    )
    if config.same_site not in ("Lax", "Strict"):
        raise ValueError("sessions.same_site must be Lax or Strict")
    if config.risk not in MODES:
        raise ValueError(f"sessions.risk must be one of {', '.join(MODES)}")
    if not set(config.risk_signals) <= set(SIGNALS):
        raise ValueError(f"sessions.risk_signals must be of {', '.join(SIGNALS)}")
    if config.idle > config.absolute:
        raise ValueError("sessions.idle is longer than sessions.absolute")
    # A pair in its grace could otherwise be asked to refresh, which only the newest may.
    if config.renewable and config.grace + config.touch_every >= config.idle:
        raise ValueError(
            "sessions.grace and sessions.touch_every together must be shorter than sessions.idle"
        )
    return config


def _count(settings: Mapping[str, str], name: str) -> int:
    text = settings.get(f"sessions.{name}", str(getattr(Config, name)))
    if not re.fullmatch(r"[1-9][0-9]{0,5}", text):
        raise ValueError(f"sessions.{name} must be a whole number, 1 or more")
    return int(text)


def _seconds(settings: Mapping[str, str], name: str) -> float:
    default: float = getattr(Config, name)
    try:
        value = float(settings.get(f"sessions.{name}", default))
    except ValueError:
        raise ValueError(f"sessions.{name} must be a number of seconds") from None
    # 400 days is the longest that browsers keep a cookie (RFC 6265bis).
    if not 0 <= value <= 400 * 86400:
        raise ValueError(f"sessions.{name} must be between 0 and 400 days, in seconds")
    return value
