"""A store, forums and an admin console over FusionAuth, with login sessions that are seen, ended and trusted.

`main` makes one site; `shopforum.hosts` serves the three from one process. docs/request.md follows one request
through the files.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .web.redirects import SiteApp


def main(global_config: dict[str, str], **ini: str) -> "SiteApp":
    """Paste app factory: the site that `shopforum.site` names. Raises SettingsError for settings it cannot run on."""
    # Imported late: each command of the command line imports this package first, and most need no site.
    from pyramid.config import Configurator

    from . import configuration, idp
    from .core import logs, migrations
    from .core.database import Database
    from .core.engine import create_engine
    from .idp import FusionAuth
    from .sessions import SIGNED_IN
    from .web.redirects import SiteApp

    parsed = configuration.load(ini)
    site = parsed.site
    logs.configure(parsed.settings.log_format)
    with Configurator(settings=dict(parsed.raw)) as config:
        config.registry.site = site
        config.registry.parsed_settings = parsed
        config.registry.migration_head = migrations.head()
        config.include(".web")
        config.include(".sessions")
        engine = create_engine(parsed.settings.database_url, parsed.settings.pool_size)
        config.registry.db = Database(engine, parsed.settings.prepare)
        config.add_request_method(lambda request: request.registry.db, "db", property=True)
        config.set_session_engine(engine, parsed.settings.prepare)
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
