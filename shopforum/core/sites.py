"""The names of the sites, and the settings of a site that belong to no package: secret, addresses, database, logs."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from .engine import driver_url
from .settings import SettingsError, find, read, setting, variable

STORE, FORUMS, ADMIN = "store", "forums", "admin"
SITES = (STORE, FORUMS, ADMIN)
TITLES = {STORE: "Harbour Store", FORUMS: "Harbour Forums", ADMIN: "Harbour Console"}
# The secrets in development.ini begin with this word. They are public.
DEMO = "development"


@dataclass(frozen=True)
class Site:
    """One of the three sites. `urls` are the addresses of all of them, by name."""

    name: str
    title: str
    url: str
    urls: Mapping[str, str]
    development: bool

    @property
    def host(self) -> str:
        """The Host header that this site accepts, with the port unless it is the default of the scheme."""
        return urlsplit(self.url).netloc


def _origin(text: str) -> str:
    """Read an origin. A path or a user in it would make the checks of Host and Origin ambiguous. Raises ValueError."""
    value = text.rstrip("/").lower()
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or value != f"{parts.scheme}://{parts.netloc}" or "@" in value:
        raise ValueError("must be an origin such as https://store.example.com")
    return value


def _postgresql(text: str) -> str:
    driver_url(text)
    return text


_ORIGIN = "origin, such as https://store.example.com"


def _own_database(key: str, holds: str) -> str:
    declared: str = setting(
        key,
        "",
        f"a database of its own for {holds}; default: database.url (docs/operations.md, Growth)",
        convert=_postgresql,
        kind="postgresql:// address",
        secret=True,
    )
    return declared


@dataclass(frozen=True, kw_only=True)
class SiteSettings:
    """The settings of a site that belong to no package."""

    name: str = setting(
        "shopforum.site",
        None,
        "which site this section of the ini file is",
        of=SITES,
        in_environment=False,
    )
    development: bool = setting(
        "shopforum.development", False, "true allows http and demo secrets; never in production"
    )
    secret: str = setting(
        "shopforum.secret",
        None,
        "keys of all hashes and form tokens, 32 characters or more each, the newest first",
        secret=True,
    )
    store_url: str = setting(
        "shopforum.store_url", None, "the store's address", convert=_origin, kind=_ORIGIN
    )
    forums_url: str = setting(
        "shopforum.forums_url", None, "the forums' address", convert=_origin, kind=_ORIGIN
    )
    admin_url: str = setting(
        "shopforum.admin_url", None, "the console's address", convert=_origin, kind=_ORIGIN
    )
    database_url: str = setting(
        "database.url",
        None,
        "the PostgreSQL database; each % in an ini file is written twice",
        convert=_postgresql,
        kind="postgresql:// address",
        secret=True,
    )
    sessions_database_url: str = _own_database(
        "sessions.database_url", "the sessions, with the logins, the accounts, the console and the API"
    )
    store_database_url: str = _own_database("database.store_url", "the store's products, carts and orders")
    forums_database_url: str = _own_database("database.forums_url", "the forums' topics, posts and inboxes")
    pool_size: int = setting(
        "database.pool_size", 10, "connections of each process to each database", least=1, most=1000
    )
    prepare: bool = setting(
        "database.prepare",
        True,
        "let the server keep the plans of the most frequent statements; never done behind a pooler",
    )
    pooler: bool = setting(
        "database.pooler",
        False,
        "true behind a connection pooler such as pgbouncer: nothing is set for a session, and the database role must have "
        "the time limits (docs/operations.md)",
    )
    log_format: str = setting("log.format", "json", "how log lines are written", of=("json", "console"))

    @property
    def database_urls(self) -> dict[str, str]:
        """The address of the database of each part, by `databases.PARTS`."""
        own = {
            "sessions": self.sessions_database_url,
            STORE: self.store_database_url,
            FORUMS: self.forums_database_url,
        }
        return {part: url or self.database_url for part, url in own.items()}

    @property
    def prepared(self) -> bool:
        """Return whether statements are prepared. A prepared statement belongs to a session, which a pooler shares."""
        return self.prepare and not self.pooler


def parse(raw: Mapping[str, str]) -> SiteSettings:
    """Read the settings above. Raises SettingsError."""
    parsed = read(SiteSettings, raw)
    if len(set(urls(parsed).values())) != len(SITES):
        raise SettingsError("the three sites need three different hosts")
    return parsed


def is_development(raw: Mapping[str, str]) -> bool:
    """Return whether http and demo secrets are allowed. Raises SettingsError."""
    return bool(find(SiteSettings, "shopforum.development").read(raw))


def urls(parsed: SiteSettings) -> dict[str, str]:
    """Return the address of each site, by name."""
    return {STORE: parsed.store_url, FORUMS: parsed.forums_url, ADMIN: parsed.admin_url}


def site(parsed: SiteSettings) -> Site:
    """Return the site that these settings describe."""
    addresses = urls(parsed)
    return Site(parsed.name, TITLES[parsed.name], addresses[parsed.name], addresses, parsed.development)


def refuse_unsafe(parsed: SiteSettings, api_key: str) -> None:
    """Raise SettingsError for demo secrets or addresses without TLS in production (ASVS 5.0 3.3.1, 6.3.2, 13.3.1)."""
    for name, url in urls(parsed).items():
        if not url.startswith("https://"):
            raise SettingsError(f"shopforum.{name}_url must start with https:// outside development")
    secrets = [("shopforum.secret", key) for key in parsed.secret.split()] + [("idp.api_key", api_key)]
    for key, value in secrets:
        if len(value) < 32 or value.startswith(DEMO):
            raise SettingsError(
                f"{key} must be a secret of your own, 32 characters or more: set {variable(key)}"
            )
