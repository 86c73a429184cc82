"""A store, forums and an admin console over FusionAuth, with login sessions that can be listed, explained and revoked.

`main` makes one site; `shopforum.hosts` serves the three from one process. docs/request.md follows one request
through the files.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .web.redirects import SiteApp


def main(global_config: dict[str, str], **ini: str) -> "SiteApp":
    """Paste app factory: the site that `shopforum.site` names. Raises SettingsError for settings that it cannot run on."""
    # Imported late: each command of the command line imports this package first, and most need no site.
    from functools import partial

    from . import configuration, schema
    from .core import logs, metrics
    from .core.database import Database
    from .core.engine import create_engine, refuse_unsuitable
    from .core.permissions import READ, ROLES
    from .core.readiness import Readiness
    from .core.sites import ADMIN
    from .idp import FusionAuth
    from .sessions import SIGNED_IN, registry_of
    from .web import services
    from .web.redirects import SiteApp
    from .web.services import Services
    from .web.site_config import SiteConfigurator

    parsed = configuration.load(ini)
    site = parsed.site
    logs.configure(parsed.settings.log_format)
    with SiteConfigurator(settings=dict(parsed.raw)) as config:
        connect = partial(create_engine, parsed.settings.database_url, pooler=parsed.settings.pooler)
        engine = connect(parsed.settings.pool_size)
        refuse_unsuitable(engine)
        idp = FusionAuth(parsed.idp)
        metrics.watch_pool(site.name, engine)
        idp.breaker.watch(site.name)
        config.include(".sessions")
        config.set_session_engine(engine, parsed.settings.prepared)
        config.set_session_authority(idp)
        shared = Services(
            site=site,
            db=Database(engine, parsed.settings.prepared),
            sessions=registry_of(config.registry).sessions,
            idp=idp,
            idp_settings=parsed.idp,
            settings=parsed.raw,
        )
        # Not from the pool: a site whose pages hold all connections is busy, and ready all the same.
        keys = shared.sessions.config.secrets.ids
        shared.add(Readiness(Database(connect(None)), schema.needed_rights(), keys, engine))
        services.install(config.registry, shared)
        config.include(".web")
        config.add_session_permissions(ROLES[site.name])
        # Deny by default: a view that names no permission requires a signed-in user, and on the console a role.
        config.set_default_permission(READ if site.name == ADMIN else SIGNED_IN)
        config.include(".login")
        if site.name == ADMIN:
            config.include(".webhooks")
            config.include(".operations")
            config.include(".api")
        else:
            config.include(".account")
        config.include(f".{site.name}")
        return SiteApp(config.make_wsgi_app())
