"""All tables of the application, put together from the packages that define them; the migrations are held against it."""

import importlib

from sqlalchemy import MetaData

from .core.tables import metadata
from .sessions import tables as session_tables

_TABLE_MODULES = (
    "shopforum.login.tables",
    "shopforum.account.tables",
    "shopforum.store.tables",
    "shopforum.forums.tables",
    "shopforum.webhooks.tables",
    "shopforum.api_tokens.tables",
    "shopforum.api.tables",
)


def all_metadata() -> list[MetaData]:
    """The tables of the session core and those of the sites, for Alembic."""
    for module in _TABLE_MODULES:
        importlib.import_module(module)
    return [session_tables.metadata, metadata]
