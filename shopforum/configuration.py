"""All settings of a site: the ini file, overridden by the environment, read once at boot. docs/settings.md has the keys.

The environment can set each key, for all sites or for one, and overrides the ini file: `idp.api_key` is the
variable SHOPFORUM_IDP_API_KEY, the console's `sessions.idle` SHOPFORUM_ADMIN_SESSIONS_IDLE; with `_FILE` after the
name, the variable is the path of a file with the value. Secrets belong there in production. An unknown key or variable
stops the boot.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from .api.settings import ApiSettings
from .core import sites
from .core.databases import PARTS, SESSIONS
from .core.metrics import MetricsSettings
from .core.settings import (
    Setting,
    SettingsError,
    find,
    from_environment,
    read,
    refuse_unknown,
    refuse_unknown_variables,
    settings_of,
)
from .core.sites import ADMIN, SITES, Site, SiteSettings
from .forums.settings import ForumSettings
from .idp import settings as idp_settings
from .idp.settings import IdpSettings
from .login.settings import LoginSettings
from .mail import outgoing
from .operations.settings import OperationsSettings
from .sessions import config as sessions_config
from .sessions.witness import WitnessSettings
from .web import canary
from .webhooks import settings as webhook_settings

# An admin who changes the network or the browser gives the password again, a role that was taken away counts within a
# minute, and nobody renews a session of the console by a cookie (NIST SP 800-63B-4, 5.1).
CONSOLE_DEFAULTS = {
    "database.pool_size": "5",
    "sessions.idle": "900",
    "sessions.absolute": "28800",
    "sessions.renewable": "false",
    "sessions.same_site": "Strict",
    "sessions.rotate_every": "300",
    "sessions.roles_every": "60",
    "sessions.risk": "enforce",
    "sessions.risk_signals": "other_system other_browser older_browser two_places other_network",
}
# Keys that the application sets itself, from the keys under `shopforum.`.
_SESSIONS_OWN = {"sessions.site", "sessions.secret", "sessions.sites"}


@dataclass(frozen=True)
class Configuration:
    """The settings that the app factory of a site needs. `raw` has all keys as text, for the packages."""

    site: Site
    settings: SiteSettings
    idp: IdpSettings
    raw: Mapping[str, str]


def groups(raw: Mapping[str, str] | None = None) -> dict[str, tuple[Setting, ...]]:
    """Return all keys by subject, in the order of the documentation, with those of the webhook endpoints that `raw` names."""
    sessions = tuple(one for one in sessions_config.declared() if one.key not in _SESSIONS_OWN)
    return {
        "The site": settings_of(SiteSettings),
        "FusionAuth": idp_settings.declared(SITES),
        "Sessions": sessions,
        "Login": settings_of(LoginSettings),
        "Mail": settings_of(outgoing.MailSettings),
        "Webhooks": webhook_settings.declared(raw or {}),
        "Console": settings_of(OperationsSettings),
        "Admin API": settings_of(ApiSettings),
        "Forums": settings_of(ForumSettings),
        "Audit log": settings_of(WitnessSettings),
        "Metrics": settings_of(MetricsSettings),
        "Canary": settings_of(canary.CanarySettings),
    }


def load(ini: Mapping[str, str]) -> Configuration:
    """Read the settings of one site from a section of the ini file and the environment, and check the rules between keys.
    Raises SettingsError.
    """
    raw = complete(ini)
    site = sites.parse(raw)
    idp = idp_settings.parse(raw, site.name, SITES)
    if not site.development:
        sites.refuse_unsafe(site, idp.api_key)
    own = {
        "sessions.sites": " ".join(name for name in SITES if name != ADMIN),
        "sessions.site": site.name,
        "sessions.secret": site.secret,
    }
    raw = {**raw, **own}
    # The session core gets its engine from the application, and refuses keys that are not its own.
    raw.pop(PARTS[SESSIONS], None)
    # The packages read their settings again. Reading them all here lets `shopforum check` report all errors.
    sessions_config.parse(raw)
    webhook_settings.parse(raw)
    outgoing.parse(raw)
    canary.parse(raw)
    for cls in (
        LoginSettings,
        ForumSettings,
        OperationsSettings,
        ApiSettings,
        MetricsSettings,
        WitnessSettings,
    ):
        read(cls, raw)
    return Configuration(sites.site(site), site, idp, raw)


def database_urls(ini: Mapping[str, str]) -> dict[str, str]:
    """Return the addresses of the databases, each once, by the first part that it is for (`databases.PARTS`). It needs no other
    key, because migrations run before a site is set up. Raises SettingsError.
    """
    raw = complete(ini)
    shared = str(find(SiteSettings, "database.url").read(raw))
    found: dict[str, str] = {}
    for part, key in PARTS.items():
        found.setdefault(str(find(SiteSettings, key).read(raw) or shared), part)
    return {part: url for url, part in found.items()}


def complete(ini: Mapping[str, str]) -> dict[str, str]:
    """Return the settings of a section, overridden by the environment. Raises SettingsError for an unknown key."""
    site = ini.get("shopforum.site", "")
    if site not in SITES:
        raise SettingsError(f"shopforum.site must be one of {', '.join(SITES)}")
    merged = {**(CONSOLE_DEFAULTS if site == ADMIN else {}), **ini}
    # The environment may also name the webhook endpoints, which bring keys of their own.
    merged |= from_environment(_declared({}), site)
    declared = _declared(merged)
    merged |= from_environment(declared, site)
    refuse_unknown(merged, declared)
    refuse_unknown_variables(declared, SITES)
    return merged


def _declared(raw: Mapping[str, str]) -> tuple[Setting, ...]:
    return tuple(one for group in groups(raw).values() for one in group)
