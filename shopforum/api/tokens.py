"""API tokens: made, shown once, found by their keyed hash, revoked.

A token is `sfa_` and 256 random bits: the prefix lets people and scanners know one where it does not belong. The
database holds an HMAC-SHA-256 of it, under a key that is not in the database.
"""

import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA

from ..sessions import audit
from ..sessions.audit import Client, Event
from ..sessions.database import Database
from ..sessions.tokens import Secrets
from . import rates

PREFIX = "sfa_"
SCOPES = {
    "sessions:read": "See sessions, their timelines and receipts",
    "sessions:revoke": "End sessions of up to a hundred people an hour, but no owner's at the console",
    "everyone:revoke": "End everyone's sessions, all of a site, or those of any number of people",
    "events:read": "Read the audit log",
}
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,59}")
NAME_HINT = "Letters, digits and . _ - @, at most 60, beginning with a letter or a digit."
MOST_DAYS = 3650

_SHAPE = re.compile(r"sfa_[A-Za-z0-9_-]{43}")
_KIND = "api token"


@dataclass(frozen=True)
class Actor:
    """Who makes or revokes a token: `initiating_entity` and `name` as the trail has them, and from where."""

    name: str
    client: Client
    initiating_entity: str = "admin"
    user_id: UUID | None = None


@dataclass(frozen=True)
class Token:
    """A token that was presented. `refused` says why it is good for nothing: revoked, or expired."""

    id: UUID
    name: str
    scopes: frozenset[str]
    refused: str | None

    @property
    def actor(self) -> str:
        """Its name in the trail."""
        return f"token:{self.name}"


_CREATE = text(
    """INSERT INTO api_tokens (hash, name, scopes, created_by, expires_at)
    VALUES (:hash, :name, :scopes, :created_by, clock_timestamp() + :days * interval '1 day') RETURNING id"""
)

_STATE = """CASE WHEN t.revoked_at IS NOT NULL THEN 'revoked'
    WHEN t.expires_at <= clock_timestamp() THEN 'expired' END"""

_LIST = text(
    f"""SELECT t.id, t.name, t.scopes, t.created_at, t.created_by, t.expires_at, t.last_used_at, t.revoked_at,
      coalesce({_STATE}, 'valid') AS state
    FROM api_tokens t ORDER BY t.revoked_at IS NOT NULL, t.created_at DESC, t.id LIMIT 500"""
)

_REVOKE = text(
    """UPDATE api_tokens SET revoked_at = clock_timestamp()
    WHERE revoked_at IS NULL AND (id = CAST(:id AS uuid) OR name = CAST(:name AS text)) RETURNING id, name"""
)

_VALID = text(f"SELECT t.id FROM api_tokens t WHERE t.hash = ANY (:hashes) AND {_STATE} IS NULL").bindparams(
    bindparam("hashes", type_=ARRAY(BYTEA))
)

# The token, its use and its place in the bucket, in one statement: a token that is refused takes none.
_FIND = text(
    f"""
WITH found AS (
  SELECT t.id, t.name, t.scopes, t.last_used_at, {_STATE} AS refused FROM api_tokens t WHERE t.hash = ANY (:hashes)
), touched AS (
  UPDATE api_tokens t SET last_used_at = clock_timestamp() FROM found f WHERE t.id = f.id AND f.refused IS NULL
    AND (f.last_used_at IS NULL OR f.last_used_at < clock_timestamp() - interval '1 minute')
), taken AS ({rates.taken("SELECT 'token:' || id FROM found WHERE refused IS NULL")})
SELECT id, name, scopes, refused, EXISTS (SELECT 1 FROM taken) AS free FROM found"""
).bindparams(bindparam("hashes", type_=ARRAY(BYTEA)))


def create(
    db: Database, keys: Secrets, name: str, scopes: Iterable[str], days: int | None, actor: Actor
) -> tuple[UUID, str]:
    """Make a token that is good for some days, or until it is revoked. Returns its id and the token itself, which
    nobody can show again. `name` and `scopes` have been checked (`NAME`, `SCOPES`).
    """
    token = PREFIX + secrets.token_urlsafe(32)
    granted = [scope for scope in SCOPES if scope in set(scopes)]
    values = {"name": name, "scopes": granted, "created_by": actor.name, "days": days}
    with db.transaction() as connection:
        token_id: UUID = connection.execute(
            _CREATE, {**values, "hash": keys.digest("", _KIND, token)}
        ).scalar_one()
        detail = {"token": str(token_id), "name": name, "scopes": granted, "days": days}
        audit.write(connection, _event("api_token_created", actor, detail))
    return token_id, token


def listed(db: Database) -> list[RowMapping]:
    """All tokens with their `state` (valid, expired, revoked), the newest first, at most 500; never a hash."""
    return db.all(_LIST)


def revoke(db: Database, actor: Actor, *, token_id: UUID | None = None, name: str | None = None) -> int:
    """Revoke a token, or all of a name, from the next call on; returns how many were still to be revoked."""
    with db.transaction() as connection:
        rows = connection.execute(_REVOKE, {"id": token_id, "name": name}).all()
        for row in rows:
            detail = {"token": str(row.id), "name": row.name}
            audit.write(connection, _event("api_token_revoked", actor, detail))
    return len(rows)


def is_valid(db: Database, keys: Secrets, token: str) -> bool:
    """Whether a token could be used now. Counts as no use."""
    return bool(_SHAPE.fullmatch(token) and db.one(_VALID, hashes=keys.digests("", _KIND, token)))


def find(db: Database, keys: Secrets, token: str, rate: rates.Rate) -> Token | None:
    """The token that was presented, or None for an unknown one. Counts a use.

    Raises `rates.TooFast` where it has been used faster than `rate`.
    """
    row = (
        db.one(_FIND, hashes=keys.digests("", _KIND, token), **vars(rate))
        if _SHAPE.fullmatch(token)
        else None
    )
    if row is None:
        return None
    if not row["refused"] and not row["free"]:
        raise rates.TooFast(rate)
    return Token(row["id"], row["name"], frozenset(row["scopes"]), row["refused"])


def _event(name: str, actor: Actor, detail: dict[str, Any]) -> Event:
    return Event(
        name,
        "admin",
        actor.client,
        initiating_entity=actor.initiating_entity,
        actor=actor.name,
        user_id=actor.user_id,
        detail=detail,
    )
