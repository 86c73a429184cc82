"""The sites' own database access: one engine a site, and one MetaData for the tables of store, forums and login.

Pages use the same short statements and transactions as the heart (`shopforum.sessions.database`): `request.db`.
"""

import importlib

from pyramid.config import Configurator
from sqlalchemy import Engine, MetaData, create_engine

from . import migrations
from .sessions import tables as session_tables
from .sessions.database import Database

metadata = MetaData(naming_convention=session_tables.metadata.naming_convention)

_TABLE_MODULES = (
    "shopforum.login.tables",
    "shopforum.account.tables",
    "shopforum.store.tables",
    "shopforum.forums.tables",
    "shopforum.webhooks.tables",
    "shopforum.api.tables",
)


def all_metadata() -> list[MetaData]:
    """Every table of the application, for migrations: the heart's and the pages'."""
    for module in _TABLE_MODULES:
        importlib.import_module(module)
    return [session_tables.metadata, metadata]


def create(url: str, pool_size: int) -> Engine:
    """An engine with a pool of its own. A page waits at most 5 seconds for a connection, a statement at most 10."""
    return create_engine(
        migrations.driver_url(url),
        # A failed statement's values may be personal; they have no place in a log.
        hide_parameters=True,
        isolation_level="AUTOCOMMIT",
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=5,
        connect_args={
            "connect_timeout": 3,
            "application_name": "shopforum",
            "options": "-c statement_timeout=10000 -c lock_timeout=5000 -c timezone=UTC"
            # A process that was frozen within a revocation would else keep every other from revoking.
            " -c idle_in_transaction_session_timeout=10000",
        },
    )


def add_database(config: Configurator, engine: Engine, prepare: bool = True) -> None:
    """Make `request.db` and hand the engine to the sessions. `prepare` as for `Database`."""
    config.registry.db = Database(engine, prepare)
    config.set_session_engine(engine, prepare)
    config.add_request_method(lambda request: request.registry.db, "db", property=True)
