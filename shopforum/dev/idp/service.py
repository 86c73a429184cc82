"""The parts of one running provider, put together, and what every view needs of them."""

import json
import sqlite3
import uuid
from pathlib import Path
from typing import Any

from pyramid.request import Request

from .database import Database
from .errors import RefusedError
from .json_fields import has_api_key
from .jwts import SigningKey
from .mails import Mails
from .passwords import Passwords
from .policies import JWT_CONFIGURATION, Policy, deep_merge, policy_for
from .state import Lambda, State
from .webhooks import Webhooks

VERSION = "1.69.0"
DEFAULT_ISSUER = "http://localhost:9011"


class Service:
    """Database, keys and memory of one provider."""

    def __init__(
        self,
        database: str | Path,
        api_key: str,
        webhook: str | None = None,
        mail_folder: Path | None = None,
        webhook_authority: Path | None = None,
    ) -> None:
        """Open the database file, with a tenant and a signing key made where there are none.

        ``webhook`` is the address that is told of events, until the hook of that name sets another, and
        ``webhook_authority`` the certificate that it is trusted by where it is https. ``mail_folder`` is where mails are
        written to.
        """
        if not api_key or not api_key.isascii():
            raise ValueError("the API key must be ASCII text and not empty")
        self.api_key = api_key
        self.database = Database(database)
        self.keys = SigningKey(self.database)
        self.passwords = Passwords()
        self.state = State()
        self.mails = Mails(mail_folder)
        self.webhooks = Webhooks(self.database, self.keys, self.state, webhook, webhook_authority)
        with self.database.write() as db:
            if db.execute("SELECT 1 FROM tenants").fetchone() is None:
                put_tenant(db, default_tenant(str(uuid.uuid4())))

    def close(self) -> None:
        """End the webhooks' thread and close the database."""
        self.webhooks.close()
        self.database.close()

    def policy(self, db: sqlite3.Connection, application_id: str | None) -> Policy:
        """The refresh token policy in force for an application, the test hooks' override included."""
        overrides = self.state.switches.policy
        override = deep_merge(overrides.get(None, {}), overrides.get(application_id, {}))
        return policy_for(db, application_id, override)

    def lambda_for(self, application_id: str | None) -> Lambda | None:
        """Return the lambda that the test hooks have set for an application; None if there is none."""
        lambdas = self.state.switches.lambdas
        return lambdas.get(application_id) or lambdas.get(None)

    def bearer_claims(self, request: Request) -> dict[str, Any] | None:
        """The claims of the request's JWT, from a Bearer header or the ``access_token`` cookie; or None."""
        header = request.headers.get("Authorization", "")
        if header.startswith("Bearer "):
            return self.keys.read(header.removeprefix("Bearer "), self.state.now())
        cookie = request.cookies.get("access_token")
        return self.keys.read(cookie, self.state.now()) if cookie else None

    def key_or_owner(self, request: Request) -> str | None:
        """None for a caller with the API key, the user's id for one with a JWT; an empty 401 for others."""
        if has_api_key(request, self.api_key):
            return None
        claims = self.bearer_claims(request)
        if claims is None:
            raise RefusedError(401)
        return str(claims["sub"])


def service_of(request: Request) -> Service:
    """The provider that serves this request."""
    service: Service = request.registry["devidp"]
    return service


def default_tenant(tenant_id: str, issuer: str = DEFAULT_ISSUER) -> dict[str, Any]:
    """A tenant with the documented defaults."""
    return {
        "id": tenant_id,
        "name": "Default",
        "issuer": issuer,
        "jwtConfiguration": JWT_CONFIGURATION,
        "loginConfiguration": {"requireAuthentication": True},
        "emailConfiguration": {"verifyEmail": False},
    }


def tenant(db: sqlite3.Connection) -> dict[str, Any]:
    """The one tenant."""
    body: dict[str, Any] = json.loads(db.execute("SELECT body FROM tenants").fetchone()["body"])
    return body


def put_tenant(db: sqlite3.Connection, body: dict[str, Any]) -> None:
    """Store the one tenant."""
    db.execute("DELETE FROM tenants")
    db.execute("INSERT INTO tenants (id, body) VALUES (?, ?)", (body["id"], json.dumps(body)))
