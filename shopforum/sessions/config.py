"""The settings of the sessions, all under `sessions.`. Durations are in seconds in the ini file and here."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ..core.settings import Setting, SettingsError, read, refuse_unknown, setting, settings_of
from .keyring import Keyring
from .risk_signals import MODES, SIGNALS

# Seconds. Browsers keep a cookie for 400 days at most (RFC 6265bis).
_LONGEST = 400 * 86400


def _duration(name: str, default: float, meaning: str) -> float:
    """Declare a setting that is a duration in seconds."""
    declared: float = setting(f"sessions.{name}", default, f"seconds; {meaning}", least=0, most=_LONGEST)
    return declared


def _secrets(text: str) -> Keyring:
    return Keyring(text.split())


@dataclass(frozen=True, kw_only=True)
class Config:
    """The settings of one site, parsed. Durations in seconds."""

    site: str = setting("sessions.site", None, "the name of this site; part of every hash and every row")
    secrets: Keyring = setting(
        "sessions.secret",
        None,
        "keys of all hashes, 32 characters or more each, the newest first",
        convert=_secrets,
        kind="words",
        secret=True,
    )
    sites: tuple[str, ...] = setting(
        "sessions.sites",
        (),
        "all sites that share the tables, told to the provider when everyone is revoked; this one if not set",
    )
    renewable: bool = setting(
        "sessions.renewable", True, "false: no refresh cookie, no refresh; the idle time-out ends the session"
    )
    idle: float = _duration("idle", 1800.0, "idle time-out")
    absolute: float = _duration(
        "absolute", 30 * 86400.0, "absolute time-out, counted from the password; a refresh never moves it"
    )
    rotate_every: float = _duration("rotate_every", 600.0, "a session id in use is replaced when it is older")
    grace: float = _duration(
        "grace", 60.0, "a replaced pair is served for as long, for requests already on their way"
    )
    lost_after: float = _duration(
        "lost_after",
        10.0,
        "a one-time refresh token not taken up after so long was lost; shorter than the provider's grace",
    )
    touch_every: float = _duration(
        "touch_every", 60.0, "a session seen more lately than this is not written to"
    )
    max_per_user: int = setting(
        "sessions.max_per_user",
        60,
        "live sessions of one person on one site; a further login ends those idle longest",
        least=1,
        most=999_999,
    )
    lease: float = _duration("lease", 5.0, "how long one request may take to refresh before another tries")
    refresh_wait: float = _duration("refresh_wait", 6.0, "how long a request waits for another's refresh")
    roles_every: float = _duration(
        "roles_every", 0.0, "roles older than this are asked for again; 0: only at a refresh"
    )
    risk: str = setting(
        "sessions.risk",
        "monitor",
        "what risk signals do: nothing, a flag, or a quarantine until the password is given",
        of=MODES,
    )
    risk_signals: tuple[str, ...] = setting(
        "sessions.risk_signals",
        # A phone changes its network many times a day.
        tuple(name for name in SIGNALS if name != "other_network"),
        "which signals count",
        of=SIGNALS,
    )
    same_site: str = setting(
        "sessions.same_site", "Lax", "of the cookies; Strict for a site nobody links to", of=("Lax", "Strict")
    )


def declared() -> tuple[Setting, ...]:
    """Return all settings of the sessions."""
    return settings_of(Config)


def parse(settings: Mapping[str, str]) -> Config:
    """Read the settings. Raises SettingsError naming the key that is missing, unknown or makes no sense."""
    refuse_unknown(settings, declared())
    config = read(Config, settings)
    if config.idle > config.absolute:
        raise SettingsError("sessions.idle is longer than sessions.absolute")
    # A pair in its grace could otherwise be asked to refresh, which only the newest may.
    if config.renewable and config.grace + config.touch_every >= config.idle:
        raise SettingsError(
            "sessions.grace and sessions.touch_every together must be shorter than sessions.idle"
        )
    return replace(config, sites=config.sites or (config.site,))
