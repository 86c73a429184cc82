"""The services of one site, made from its settings: the database, FusionAuth and the sessions.

The application factory adds the site's pages to them. The worker and the command line serve no page: they use the services
alone, and make no routes and views first.
"""

from collections.abc import Mapping

from sqlalchemy import Engine

from . import configuration, schema
from .configuration import Configuration
from .core import logs
from .core.database import Database
from .core.engine import create_engine, refuse_unsuitable
from .idp import FusionAuth
from .mail import outgoing
from .sessions import Sessions
from .sessions import config as sessions_config
from .web.services import Services


def connected(parsed: Configuration) -> tuple[Engine, FusionAuth]:
    """Make the engine of the site's database and the client of FusionAuth. Raises SettingsError for an unsuitable database."""
    settings = parsed.settings
    engine = create_engine(settings.database_url, settings.pool_size, pooler=settings.pooler)
    refuse_unsuitable(engine)
    return engine, FusionAuth(parsed.idp)


def assembled(parsed: Configuration, db: Database, idp: FusionAuth, sessions: Sessions) -> Services:
    """Return the services that every program of a site has."""
    services = Services(
        site=parsed.site,
        db=db,
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
    engine, idp = connected(parsed)
    db = Database(engine, parsed.settings.prepared)
    services = assembled(parsed, db, idp, Sessions(db, sessions_config.parse(parsed.raw), idp))
    services.add(outgoing.parse(parsed.raw))
    return services
