"""The services of one site, made from its settings: the database, FusionAuth and the sessions.

The application factory adds the site's pages to them. The worker and the command line serve no page: they use the services
alone, and make no routes and views first.
"""

from collections.abc import Mapping
from contextlib import suppress

from sqlalchemy.exc import SQLAlchemyError

from . import configuration, schema
from .configuration import Configuration
from .core import logs, relay
from .core.database import Database
from .core.databases import PARTS, Databases
from .core.engine import create_engine, refuse_unsuitable
from .core.sites import SiteSettings
from .idp import FusionAuth
from .mail import outgoing
from .sessions import Sessions
from .sessions import config as sessions_config
from .web.services import Services


def connected(parsed: Configuration) -> tuple[Databases, FusionAuth]:
    """Make the engines of the databases and the client of FusionAuth. Raises SettingsError for an unsuitable database."""
    found = databases(parsed.settings, parsed.settings.pool_size)
    for each in found.all:
        refuse_unsuitable(each.engine)
    for part, each in found.apart.items():
        with suppress(SQLAlchemyError):
            relay.refuse_same(PARTS[part], each, found.sessions)
    return found, FusionAuth(parsed.idp)


def databases(settings: SiteSettings, pool_size: int | None) -> Databases:
    """Make an engine for each of the databases, as `create_engine` does. None connects before it is used."""
    urls = settings.database_urls
    made = {
        url: Database(create_engine(url, pool_size, pooler=settings.pooler), settings.prepared)
        for url in {*urls.values()}
    }
    return Databases({part: made[url] for part, url in urls.items()})


def assembled(parsed: Configuration, databases: Databases, idp: FusionAuth, sessions: Sessions) -> Services:
    """Return the services that every program of a site has."""
    services = Services(
        site=parsed.site,
        databases=databases,
        sessions=sessions,
        idp=idp,
        idp_settings=parsed.idp,
        settings=parsed.raw,
    )
    services.add(schema.user_data())
    return services


def without_pages(ini: Mapping[str, str]) -> Services:
    """Return the services of a site for a program that serves no pages, from a section of the ini file. Raises SettingsError."""
    parsed = configuration.load(ini)
    logs.configure(parsed.settings.log_format)
    found, idp = connected(parsed)
    sessions = Sessions(found.sessions, sessions_config.parse(parsed.raw), idp)
    services = assembled(parsed, found, idp, sessions)
    services.add(outgoing.parse(parsed.raw))
    return services
