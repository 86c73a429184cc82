"""All tables of the application, collected from the packages that define them, and those of them with data about users.

Migrations are checked against them.
"""

import importlib

from sqlalchemy import MetaData

from .core.personal import UserData
from .core.tables import metadata
from .sessions import tables as session_tables

_TABLE_MODULES = (
    "shopforum.web.tables",
    "shopforum.login.tables",
    "shopforum.account.tables",
    "shopforum.mail.tables",
    "shopforum.store.tables",
    "shopforum.forums.tables",
    "shopforum.webhooks.tables",
    "shopforum.operations.tables",
    "shopforum.api_tokens.tables",
    "shopforum.api.tables",
)

_PERSONAL_MODULES = (
    "shopforum.store.personal",
    "shopforum.forums.personal",
    "shopforum.login.personal",
    "shopforum.account.personal",
    "shopforum.mail.personal",
    "shopforum.sessions.personal",
    "shopforum.operations.personal",
    "shopforum.api_tokens.personal",
    "shopforum.web.personal",
)


def user_data() -> UserData:
    """Return the tables with data about users, of all packages."""
    modules = map(importlib.import_module, _PERSONAL_MODULES)
    return UserData(tuple(table for module in modules for table in module.TABLES))


def all_metadata() -> list[MetaData]:
    """Return the tables of the session core and of the sites, for Alembic."""
    for module in _TABLE_MODULES:
        importlib.import_module(module)
    return [session_tables.metadata, metadata]


def needed_rights() -> list[tuple[str, str]]:
    """Return the privileges that the sites need, as pairs of a table and a privilege: all four, unless the table lists its own."""
    return [
        (table.name, privilege)
        for each in all_metadata()
        for table in each.sorted_tables
        for privilege in table.info.get("sites_need", ("SELECT", "INSERT", "UPDATE", "DELETE"))
    ]
