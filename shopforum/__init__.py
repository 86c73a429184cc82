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
    from . import configuration, schema, site_services
    from .core import logs, metrics, readiness
    from .core.permissions import READ, ROLES
    from .core.sites import ADMIN
    from .sessions import SIGNED_IN, registry_of
    from .web import services
    from .web.redirects import SiteApp
    from .web.site_config import SiteConfigurator

    parsed = configuration.load(ini)
    site, settings = parsed.site, parsed.settings
    logs.configure(settings.log_format)
    with SiteConfigurator(settings=dict(parsed.raw)) as config:
        databases, idp = site_services.connected(parsed)
        metrics.watch_pools(site.name, (each.engine for each in databases.all))
        idp.breaker.watch(site.name)
        config.include(".sessions")
        config.set_session_engine(databases.sessions.engine, settings.prepared)
        config.set_session_authority(idp)
        sessions = registry_of(config.registry).sessions
        shared = site_services.assembled(parsed, databases, idp, sessions)
        # Not from the pool: a site whose pages hold all connections is busy, and ready all the same.
        unpooled = site_services.databases(settings, None)
        shared.add(
            readiness.of_site(
                site.name, unpooled, databases, schema.needed_rights(), sessions.config.secrets.ids
            )
        )
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
            # A console login, too, finds that the account is to be deleted.
            config.include(".account.deletion_undo")
        else:
            config.include(".account")
        config.include(f".{site.name}")
        return SiteApp(config.make_wsgi_app())
