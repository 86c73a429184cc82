"""Setting up a development provider: the tenant, the three applications and the demonstration users."""

import sqlite3
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypedDict

from shopforum.webhooks.event_mapping import EVENTS

from . import accounts
from .applications import put_application, put_webhook
from .database import Database
from .passwords import Passwords
from .service import DEFAULT_ISSUER, default_tenant, put_tenant, tenant

ROLES = {
    "store": ("shopper",),
    "forums": ("member", "moderator"),
    "admin": ("viewer", "responder", "owner"),
}
# The role of those who sign up.
DEFAULT_ROLES = {"store": "shopper", "forums": "member"}


class Client(TypedDict):
    """An application as the sites know it: its id and its OAuth client secret."""

    id: str
    client_secret: str


class DemoUser(TypedDict):
    """A user to create; ``registrations`` maps application ids to role names."""

    id: str
    email: str
    password: str
    firstName: str
    lastName: str
    registrations: Mapping[str, Iterable[str]]


class SampleToken(TypedDict):
    """A refresh token that nobody holds; instants are milliseconds since the epoch."""

    id: str
    user_id: str
    application_id: str
    auth_instant: int
    start_instant: int


def provision_tokens(database: str | Path, tokens: Iterable[SampleToken]) -> None:
    """Create refresh tokens for users and applications that exist. Raises sqlite3.IntegrityError for one that exists, too."""
    opened = Database(database)
    try:
        with opened.write() as db:
            db.executemany(
                "INSERT INTO refresh_tokens (id, token_hash, user_id, application_id, auth_instant, insert_instant, start_instant,"
                " meta_data) VALUES (:id, randomblob(32), :user_id, :application_id, :auth_instant, :auth_instant, :start_instant, '{}')",
                [dict(token) for token in tokens],
            )
    finally:
        opened.close()


def provision(
    database: str | Path,
    *,
    tenant_id: str,
    applications: Mapping[str, Client],
    users: Iterable[DemoUser] = (),
    issuer: str = DEFAULT_ISSUER,
    urls: Mapping[str, str] | None = None,
    verify_email: bool = False,
    webhook_url: str | None = None,
) -> None:
    """Create what is missing in the provider's database file, which a running provider may have open.

    ``applications`` maps ``store``, ``forums`` and ``admin`` to their ids and secrets; their settings are
    brought to what the sites need. ``urls`` are the addresses of store and forums, for the links in mails. Users that exist
    already stay as they are; with ``verify_email`` new ones have to confirm their addresses. ``webhook_url`` gets all events
    of ``EVENTS``. Safe to repeat. Raises
    ValueError for a name that is not one of the three.
    """
    unknown = set(applications) - set(ROLES)
    if unknown:
        raise ValueError(f"unknown applications: {', '.join(sorted(unknown))}")
    opened = Database(database)
    try:
        hashes = _password_hashes(opened, list(users := list(users)))
        with opened.write() as db:
            _put_tenant(db, tenant_id.lower(), issuer, verify_email=verify_email)
            for name, client in applications.items():
                _put_application(db, name, client, tenant_id.lower(), (urls or {}).get(name))
            if webhook_url:
                _put_webhook(db, webhook_url, tenant_id.lower())
            for user in users:
                _put_user(db, user, hashes)
    finally:
        opened.close()


def _password_hashes(database: Database, users: list[DemoUser]) -> dict[str, str]:
    """One hash for each distinct password of the users to create.

    Users with the same demonstration password share one hash and its salt, so that a few hundred users are
    seeded in no time. Everywhere else each password has a salt of its own.
    """
    with database.read() as db:
        missing = {user["password"] for user in users if accounts.find_user(db, user["id"]) is None}
    hasher = Passwords()
    return {password: hasher.hash(password) for password in missing}


def _put_tenant(db: sqlite3.Connection, tenant_id: str, issuer: str, *, verify_email: bool) -> None:
    known = db.execute("SELECT 1 FROM tenants").fetchone() is not None
    body = tenant(db) if known else default_tenant(tenant_id, issuer)
    wanted = {
        "emailConfiguration": {"verifyEmail": verify_email},
        "webAuthnConfiguration": {
            "enabled": True,
            "bootstrapWorkflow": {"enabled": True, "userVerificationRequirement": "required"},
        },
    }
    put_tenant(db, body | {"id": tenant_id, "issuer": issuer, **wanted})


def _put_webhook(db: sqlite3.Connection, url: str, tenant_id: str) -> None:
    webhook_id = str(uuid.uuid5(uuid.UUID(tenant_id), url))
    wanted = {
        "url": url,
        "tenantIds": [tenant_id],
        "eventsEnabled": dict.fromkeys(EVENTS, True),
        "signatureConfiguration": {"enabled": True},
    }
    put_webhook(db, webhook_id, {}, wanted)
    enabled = {"events": {name: {"enabled": True} for name in EVENTS}}
    put_tenant(db, tenant(db) | {"eventConfiguration": enabled})


def _put_application(
    db: sqlite3.Connection, name: str, client: Client, tenant_id: str, url: str | None
) -> None:
    settings: dict[str, Any] = {
        "name": name,
        "loginConfiguration": {
            "allowTokenRefresh": True,
            # An admin session cannot be renewed without a login.
            "generateRefreshTokens": name != "admin",
            "requireAuthentication": True,
        },
        "oauthConfiguration": {
            "clientAuthenticationPolicy": "Required",
            "clientSecret": client["client_secret"],
            "enabledGrants": ["refresh_token"],
        },
        "passwordlessConfiguration": {"enabled": name != "admin"},
        "roles": [
            {
                "id": str(uuid.uuid5(uuid.UUID(client["id"]), role)),
                "name": role,
                "isDefault": role == DEFAULT_ROLES.get(name),
            }
            for role in ROLES[name]
        ],
        "data": {"passwordResetUrl": f"{url}/password/reset"} if url else {},
    }
    put_application(db, client["id"].lower(), settings, tenant_id)


def _put_user(db: sqlite3.Connection, user: DemoUser, hashes: dict[str, str]) -> None:
    if accounts.find_user(db, user["id"]) is not None:
        return
    # Demonstration users look as if they had been there for a while; the clock of the machine is good enough.
    now = int(db.execute("SELECT unixepoch() * 1000").fetchone()[0])
    body = accounts.new_user_body(user["id"], now)
    body |= {"email": user["email"].lower(), "firstName": user["firstName"], "lastName": user["lastName"]}
    accounts.store_user(db, body, hashes[user["password"]], create=True)
    for application_id, roles in ((one.lower(), roles) for one, roles in user["registrations"].items()):
        registration_id = str(uuid.uuid5(uuid.UUID(user["id"]), application_id))
        accounts.store_registration(
            db, user["id"], accounts.new_registration(application_id, registration_id, list(roles), now)
        )
