"""Sample data that shows the product: people, carts and orders, a community, and sessions in every state."""

import random
from pathlib import Path
from uuid import UUID

from sqlalchemy import text

from shopforum import configuration
from shopforum.core.engine import create_unpooled_engine
from shopforum.core.ini_files import section

from . import forums, sessions, store
from .crowd import crowd
from .users import LOGINS, Login, provision

__all__ = ["LOGINS", "Login", "provision", "seed"]

# Fixed, so that everybody sees the same people, goods and topics.
_SEED = 20261123


def seed(ini: Path, idp_database: Path) -> None:
    """Fill a fresh instance, once: a database that has products already is left as it is.

    `ini` is the instance's ini file, `idp_database` the development identity provider's file. The crowd has no
    passwords: only `LOGINS` can log in.
    """
    options = configuration.load(section(str(ini), "store")).raw
    provision(options, idp_database)
    dice = random.Random(_SEED)  # noqa: S311 - sample data, not secrets
    everybody = [(p.id, p.name, p.email) for p in crowd(dice)]
    shoppers, members = (_logins(site) + everybody for site in ("store", "forums"))
    with create_unpooled_engine(options["database.url"]).begin() as connection:
        if connection.execute(text("SELECT 1 FROM products LIMIT 1")).first():
            return
        store.seed(connection, [user_id for user_id, _, _ in shoppers], dice)
        forums.seed(connection, [(user_id, name) for user_id, name, _ in members], dice)
        sessions.seed(connection, shoppers, dice)


def _logins(site: str) -> list[tuple[UUID, str, str]]:
    """Those of the demo logins who belong to a site: id, name, e-mail."""
    return [
        (UUID(login.id), f"{login.first_name} {login.last_name}", login.email)
        for login in LOGINS
        if site in login.roles
    ]
