"""The settings of the sessions, all under `sessions.`. Durations are in seconds in the ini file and here."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ..core.settings import Setting, SettingsError, read, refuse_unknown, setting, settings_of
from .keyring import Keyring
from .risk_signals import MODES, SIGNALS
from .rotation import Timing

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
        "all sites that share the tables; the provider is told of each when everyone is revoked; default: this site",
    )
    renewable: bool = setting(
        "sessions.renewable",
        True,
        "false: no refresh cookie and no refresh; the idle timeout ends the session",
    )
    idle: float = _duration("idle", 1800.0, "idle timeout")
    absolute: float = _duration(
        "absolute", 30 * 86400.0, "absolute timeout, counted from the password; a refresh never moves it"
    )
    rotate_every: float = _duration(
        "rotate_every", 600.0, "a session id that is older is replaced while it is used"
    )
    grace: float = _duration(
        "grace", 60.0, "a replaced pair is served for this long, for requests already on their way"
    )
    retry_every: float = _duration(
        "retry_every",
        30.0,
        "the next session id is offered after this time, while the browser has shown none",
    )
    most_unshown: int = setting(
        "sessions.most_unshown",
        8,
        "session ids offered in a row of which the browser has shown none; then the password is asked for",
        least=1,
        most=100,
    )
    touch_every: float = _duration(
        "touch_every", 60.0, "a session that was seen within this time is not written to"
    )
    max_per_user: int = setting(
        "sessions.max_per_user",
        60,
        "live sessions of one user on one site; a further login ends those that were idle longest",
        least=1,
        most=999_999,
    )
    lease: float = _duration("lease", 5.0, "time for one request to refresh a session before another may try")
    refresh_wait: float = _duration("refresh_wait", 6.0, "time that a request waits for another's refresh")
    most_waiting: int = setting(
        "sessions.most_waiting",
        64,
        "requests of one process that wait at once for another's refresh; a further one is answered 503",
        least=1,
        most=999,
    )
    roles_every: float = _duration(
        "roles_every", 0.0, "roles older than this are read again from the provider; 0: only at a refresh"
    )
    risk: str = setting(
        "sessions.risk",
        "monitor",
        "effect of risk signals: none, a flag, or quarantine until the password is given again",
        of=MODES,
    )
    risk_signals: tuple[str, ...] = setting(
        "sessions.risk_signals",
        # A phone changes its network many times a day.
        tuple(name for name in SIGNALS if name != "other_network"),
        "the signals that count",
        of=SIGNALS,
    )
    binding: str = setting(
        "sessions.binding",
        "offer",
        "sessions bound to a key of the device (DBSC): offer it at each login; require it, or the session ends in quarantine "
        "after a minute; off binds no further session. A bound session stays bound under each of them",
        of=("off", "offer", "require"),
    )
    binding_life: int = setting(
        "sessions.binding_life",
        600,
        "seconds; life of the cookie that proves the device. A stolen one is good for so long, and five seconds; browsers allow "
        "a site about six renewals in nine minutes",
        least=120,
        most=86400,
    )
    acts_days: int = setting(
        "sessions.acts_days",
        90,
        "days for which the acts of sessions are kept, such as an order or a post, to tell what a thief did; 0: none is kept",
        least=0,
        most=3650,
    )
    same_site: str = setting(
        "sessions.same_site",
        "Lax",
        "SameSite of the cookies; Strict for a site that no other site links to",
        of=("Lax", "Strict"),
    )

    @property
    def timing(self) -> Timing:
        """The lengths of the rules of rotation."""
        return Timing(self.rotate_every, self.grace, self.most_unshown, self.retry_every)


def declared() -> tuple[Setting, ...]:
    """Return all settings of the sessions."""
    return settings_of(Config)


def parse(settings: Mapping[str, str]) -> Config:
    """Read the settings. Raises SettingsError, which names the key that is missing, unknown or invalid."""
    refuse_unknown(settings, declared())
    config = read(Config, settings)
    if config.idle > config.absolute:
        raise SettingsError("sessions.idle is longer than sessions.absolute")
    # Otherwise a replaced pair in its grace could be presented for a refresh, which only the newest pair may be.
    if config.renewable and config.grace + config.touch_every >= config.idle:
        raise SettingsError(
            "sessions.grace and sessions.touch_every together must be shorter than sessions.idle"
        )
    return replace(config, sites=config.sites or (config.site,))
