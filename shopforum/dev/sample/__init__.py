"""Sample data that shows the product: people, carts and orders, a community, and sessions in every state."""

import random
import secrets
from collections.abc import Mapping
from pathlib import Path
from uuid import UUID

from sqlalchemy import Connection, text

from shopforum import configuration
from shopforum.core.engine import create_unpooled_engine
from shopforum.core.ini_files import section
from shopforum.sessions import live
from shopforum.sessions.vocabulary import State

from ..idp.provision import provision_tokens
from . import forums, sessions, store
from .crowd import Person, crowd
from .users import LOGINS, Login, provision

__all__ = ["LOGINS", "Login", "provision", "seed"]

# Fixed, so that everybody sees the same people, goods and topics.
_SEED = 20261123


def seed(ini: Path, idp_database: Path) -> None:
    """Fill a fresh instance, once: a database that has products already is left as it is.

    `ini` is the instance's ini file, `idp_database` the development identity provider's file. Nobody knows the crowd's
    password: only `LOGINS` can log in.
    """
    options = configuration.load(section(str(ini), "store")).raw
    provision(options, idp_database)
    dice = random.Random(_SEED)  # noqa: S311 - sample data, not secrets
    people = crowd(dice)
    everybody = [(p.id, p.name, p.email) for p in people]
    shoppers, members = (_logins(site) + everybody for site in ("store", "forums"))
    with create_unpooled_engine(options["database.url"]).begin() as connection:
        if connection.execute(text("SELECT 1 FROM products LIMIT 1")).first():
            return
        store.seed(connection, [user_id for user_id, _, _ in shoppers], dice)
        forums.seed(connection, [(user_id, name) for user_id, name, _ in members], dice)
        sessions.seed(connection, shoppers, dice)
        _provide(connection, options, idp_database, people)


# The refresh tokens of the sessions that are not over: each live one has its own at the provider, as in earnest.
_TOKENS = text(
    f"""SELECT s.refresh_token_id, s.user_id, s.site, extract(epoch FROM s.created_at) AS created,
      extract(epoch FROM coalesce(s.refreshed_at, s.created_at)) AS started
    FROM sessions s WHERE {live.STATE} IN ('{State.ACTIVE}', '{State.DORMANT}')"""
)


def _provide(
    connection: Connection, options: Mapping[str, str], idp_database: Path, people: list[Person]
) -> None:
    """Make some people, and the tokens of the live sessions, known to the provider."""
    password, roles = secrets.token_urlsafe(), {"store": ("shopper",), "forums": ("member",)}
    logins = [Login(p.email, password, p.first_name, p.last_name, roles) for p in people]
    provision(options, idp_database, logins)
    provision_tokens(
        idp_database,
        [
            {
                "id": str(row.refresh_token_id),
                "user_id": str(row.user_id),
                "application_id": options[f"idp.{row.site}.application_id"].lower(),
                "auth_instant": int(row.created * 1000),
                "start_instant": int(row.started * 1000),
            }
            for row in connection.execute(_TOKENS)
        ],
    )


def _logins(site: str) -> list[tuple[UUID, str, str]]:
    """Those of the demo logins who belong to a site: id, name, e-mail."""
    return [
        (UUID(login.id), f"{login.first_name} {login.last_name}", login.email)
        for login in LOGINS
        if site in login.roles
    ]
