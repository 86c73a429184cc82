"""A store, forums and an admin console over FusionAuth, with login sessions that are seen, ended and trusted.

`main` makes one site; `shopforum.hosts` serves the three from one process. docs/request.md follows one request
through the files.
"""

from pyramid.config import Configurator

from . import db, idp, logs, migrations
from . import settings as site_settings
from .idp import FusionAuth
from .sessions import SIGNED_IN
from .web.redirects import SiteApp

# The console reads with any of its roles; nobody renews its sessions by a cookie (NIST SP 800-63B-4, 5.1).
_SESSION_DEFAULTS = {
    "store": {},
    "forums": {},
    # An admin who changes the network or the browser gives the password again, and a role that was taken away counts
    # within a minute.
    "admin": {
        "sessions.renewable": "false",
        "sessions.same_site": "Strict",
        "sessions.rotate_every": "300",
        "sessions.roles_every": "60",
        "sessions.risk": "enforce",
        "sessions.risk_signals": "other_system other_browser older_browser two_places other_network",
    },
}


def main(global_config: dict[str, str], **ini: str) -> SiteApp:
    """Paste app factory: the site that `shopforum.site` names. Raises SettingsError for settings it cannot run on."""
    raw = site_settings.with_environment(ini)
    parsed = site_settings.parse(raw)
    site = parsed.site
    logs.configure(parsed.log_format)
    defaults = {"sessions.sites": "store forums", **_SESSION_DEFAULTS[site.name]}
    fixed = {"sessions.site": site.name, "sessions.secret": parsed.secret}
    with Configurator(settings={**defaults, **raw, **fixed}) as config:
        config.registry.site = site
        config.registry.parsed_settings = parsed
        config.registry.migration_head = migrations.head()
        config.include(".web")
        config.include(".sessions")
        db.add_database(config, db.create(parsed.database_url, parsed.pool_size), parsed.prepare)
        idp.add_idp(config, FusionAuth(parsed.idp))
        # Refuse by default: a view that says nothing needs somebody signed in, on the console a role.
        config.set_default_permission("console:read" if site.name == "admin" else SIGNED_IN)
        config.include(".login")
        if site.name != "admin":
            config.include(".account")
        if site.name == "admin":
            config.include(".webhooks")
            config.include(".api")
        config.include(f".{site.name}")
        return SiteApp(config.make_wsgi_app())
