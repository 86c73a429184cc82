"""API tokens: create, find by keyed hash, revoke.

A token is `sfa_` and 256 random bits; the prefix helps people and scanners to recognize a leaked token. The database holds
an HMAC-SHA-256 of it, under a key that is not in the database.

A token has the rights of its maker. It ends when the maker's account is closed or is no longer an owner's, and it is
refused while a deny rule refuses the maker or the client's address. Every token expires; an unused one expires sooner.
"""

import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA

from ..core import user_agents
from ..core.database import Database, once_more
from ..core.permissions import TOKEN_MAKERS
from ..sessions import audit, deny_rules, live
from ..sessions.audit import Client, Event
from ..sessions.keyring import Keyring
from ..sessions.vocabulary import EventName, InitiatingEntity
from . import rate_limit

PREFIX = "sfa_"
SCOPES = {
    "sessions:read": "See sessions, their timelines and receipts",
    "sessions:revoke": "End sessions of up to a hundred people an hour, but no owner's at the console",
    "everyone:revoke": "End everyone's sessions, all of a site, or those of any number of people",
    "events:read": "Read the audit log",
}
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,59}")
NAME_HINT = "Letters, digits and . _ - @, at most 60, beginning with a letter or a digit."
# Days until a token expires: by default, at most, and unused.
DAYS, MOST_DAYS, UNUSED_DAYS = 365, 3650, 90

_SHAPE = re.compile(r"sfa_[A-Za-z0-9_-]{43}")
_KIND = "api token"


@dataclass(frozen=True)
class Actor:
    """The actor who creates or revokes a token, as the audit log names it, with the client."""

    name: str
    client: Client
    initiating_entity: str = InitiatingEntity.ADMIN
    user_id: UUID | None = None


@dataclass(frozen=True)
class Token:
    """A token that was presented. `refused` says why it is refused: revoked, expired, unused, orphaned (its maker has lost the
    right to it) or blocked (by a deny rule in force). `maker_id` is the owner who made it, None for the command line.
    """

    id: UUID
    name: str
    scopes: frozenset[str]
    refused: str | None
    maker_id: UUID | None

    @property
    def actor(self) -> str:
        """The token's name in the audit log."""
        return f"token:{self.name}"


@dataclass(frozen=True)
class TokenRow:
    """A token in a list. `state` is `valid`, as `Token.refused`, or `keyless`: its key was removed from `shopforum.secret`.
    `ends_at` is when it expires unless it is used.
    """

    id: UUID
    name: str
    scopes: list[str]
    created_at: datetime
    created_by: str
    maker_id: UUID | None
    expires_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None
    ends_at: datetime
    state: str


_CREATE = text(
    """INSERT INTO api_tokens (hash, key_id, name, scopes, created_by, maker_id, expires_at)
    VALUES (:hash, :key_id, :name, :scopes, :created_by, :maker_id, clock_timestamp() + :days * interval '1 day') RETURNING id"""
)

_MAKERS = ", ".join(f"'{role}'" for role in sorted(TOKEN_MAKERS))

# The provider has closed the maker's account since, or removed it from the console; or the maker's latest console session
# has no role that makes tokens. Without any console session, the maker keeps the right.
_ORPHANED = f"""(EXISTS (SELECT 1 FROM revocations r WHERE r.user_id = t.maker_id AND r.created_at > t.created_at
      AND r.initiating_entity = 'idp' AND (r.site IS NULL OR r.site = 'admin')
      AND r.reason_code IN ('account_closed', 'account_deleted', 'account_locked', 'registration_removed'))
    OR NOT coalesce((SELECT s.roles && ARRAY[{_MAKERS}] FROM sessions s WHERE s.user_id = t.maker_id AND s.site = 'admin'
      ORDER BY s.created_at DESC LIMIT 1), true))"""

ENDS = f"least(t.expires_at, coalesce(t.last_used_at, t.created_at) + interval '{UNUSED_DAYS} days')"

_STATE = f"""CASE WHEN t.revoked_at IS NOT NULL THEN 'revoked'
    WHEN t.expires_at <= clock_timestamp() THEN 'expired'
    WHEN {ENDS} <= clock_timestamp() THEN 'unused'
    WHEN {_ORPHANED} THEN 'orphaned' END"""

USABLE = f"{_STATE} IS NULL"

_BLOCKED = f"""EXISTS (SELECT 1 FROM standing_rules r WHERE r.user_id = t.maker_id AND {live.RULE_IN_FORCE}
    AND (r.site IS NULL OR r.site = 'admin') AND r.network IS NULL AND r.device = '')"""

# Made under a key that is not in `shopforum.secret`: no presented token can match its hash.
_KEYLESS = "t.key_id <> ALL (CAST(:key_ids AS text[]))"

_LIST = text(
    f"""SELECT t.id, t.name, t.scopes, t.created_at, t.created_by, t.maker_id, t.expires_at, t.last_used_at, t.revoked_at,
      {ENDS} AS ends_at, coalesce({_STATE}, CASE WHEN {_KEYLESS} THEN 'keyless' WHEN {_BLOCKED} THEN 'blocked' ELSE 'valid' END) AS state
    FROM api_tokens t WHERE CAST(:maker_id AS uuid) IS NULL OR t.maker_id = CAST(:maker_id AS uuid)
    ORDER BY t.revoked_at IS NOT NULL, t.created_at DESC, t.id LIMIT 500"""
)

_ACTORS = text(
    """SELECT DISTINCT unnest(ARRAY[created_by, 'token:' || name]) AS actor FROM api_tokens
    WHERE maker_id = CAST(:maker_id AS uuid)"""
)

_REMOVED_KEYS = text(
    f"SELECT DISTINCT t.key_id FROM api_tokens t WHERE {_KEYLESS} AND {USABLE} ORDER BY t.key_id LIMIT 20"
)

_REVOKE = text(
    """UPDATE api_tokens SET revoked_at = clock_timestamp() WHERE revoked_at IS NULL AND (id = CAST(:id AS uuid)
      OR name = CAST(:name AS text) OR maker_id = CAST(:maker_id AS uuid) OR CAST(:everyone AS boolean)) RETURNING id, name"""
)

_REVOKE_ORPHANS = text(
    f"""UPDATE api_tokens t SET revoked_at = clock_timestamp() WHERE revoked_at IS NULL AND maker_id IS NOT NULL
    AND {_ORPHANED} RETURNING id, name"""
)

_VALID = text(f"SELECT t.id FROM api_tokens t WHERE t.hash = ANY (:hashes) AND {USABLE}").bindparams(
    bindparam("hashes", type_=ARRAY(BYTEA))
)

# One statement finds the token, notes its use and counts the call; a refused token is not counted. A use stores the token under
# the newest key, so that an older key can go.
_FIND = text(
    f"""
WITH found AS (
  SELECT t.id, t.name, t.scopes, t.maker_id, t.last_used_at, rule.id AS rule_id,
    coalesce({_STATE}, CASE WHEN rule.id IS NOT NULL THEN 'blocked' END) AS refused
  FROM api_tokens t LEFT JOIN LATERAL ({live.matching_rule(user="t.maker_id", site="'admin'")}) rule ON true
  WHERE t.hash = ANY (:hashes)
), touched AS (
  UPDATE api_tokens t SET last_used_at = clock_timestamp(), hash = :newest, key_id = :key_id FROM found f WHERE t.id = f.id AND f.refused IS NULL
    AND (f.last_used_at IS NULL OR f.last_used_at < clock_timestamp() - interval '1 minute')
), taken AS ({rate_limit.taken("SELECT 'token:' || id FROM found WHERE refused IS NULL")})
SELECT id, name, scopes, maker_id, refused, rule_id, EXISTS (SELECT 1 FROM taken) AS free FROM found"""
).bindparams(bindparam("hashes", type_=ARRAY(BYTEA)))


# Why a token is refused, as `Token.refused`, in words.
_WHY = {
    "revoked": "The API token that it was asked with was revoked since.",
    "expired": "The API token that it was asked with has expired since.",
    "unused": "The API token that it was asked with has expired since, unused.",
    "orphaned": "The maker of the API token that it was asked with has lost the right to it.",
    "blocked": "A deny rule refuses the maker of the API token that it was asked with.",
}

_REFUSED_NOW = text(
    f"SELECT coalesce({_STATE}, CASE WHEN {_BLOCKED} THEN 'blocked' END) AS refused FROM api_tokens t WHERE t.id = :id"
)


@once_more
def create(
    db: Database, keys: Keyring, name: str, scopes: Iterable[str], days: int | None, actor: Actor
) -> tuple[UUID, str]:
    """Create a token that expires after `days`, DAYS where None. Return its id and the token, which cannot be shown again.

    The caller has checked `name` and `scopes` (`NAME`, `SCOPES`).
    """
    days = days or DAYS
    token = PREFIX + secrets.token_urlsafe(32)
    granted = [scope for scope in SCOPES if scope in set(scopes)]
    values: dict[str, Any] = {"name": name, "scopes": granted, "created_by": actor.name}
    values |= {"maker_id": actor.user_id, "days": days}
    with db.transaction() as connection:
        token_id: UUID = connection.execute(
            _CREATE, {**values, "hash": keys.digest("", _KIND, token), "key_id": keys.id}
        ).scalar_one()
        detail = {"token": str(token_id), "name": name, "scopes": granted, "days": days}
        audit.write(connection, _event(EventName.API_TOKEN_CREATED, actor, detail))
    return token_id, token


def listed(db: Database, keys: Keyring, maker_id: UUID | None = None) -> list[TokenRow]:
    """Return all tokens, or those of one maker: revoked ones last, then newest first, at most 500; never a hash."""
    return [TokenRow(**row) for row in db.all(_LIST, maker_id=maker_id, key_ids=[*keys.ids])]


def actors(db: Database, maker_id: UUID) -> frozenset[str]:
    """Return the names in the audit log of a maker and of all tokens that the maker has ever made; empty without a token."""
    return frozenset(row["actor"] for row in db.all(_ACTORS, maker_id=maker_id))


def removed_keys(db: Database, keys: Keyring) -> list[str]:
    """Return the ids of keys under which usable tokens were made, and which are not in `shopforum.secret` any more."""
    return [row["key_id"] for row in db.all(_REMOVED_KEYS, key_ids=[*keys.ids])]


@once_more
def revoke(
    db: Database,
    actor: Actor,
    *,
    token_id: UUID | None = None,
    name: str | None = None,
    maker_id: UUID | None = None,
    everyone: bool = False,
) -> int:
    """Revoke a token, all of a name, all of a maker or everyone's, from the next call on; return how many were not revoked
    before.
    """
    values = {"id": token_id, "name": name, "maker_id": maker_id, "everyone": everyone}
    with db.transaction() as connection:
        rows = connection.execute(_REVOKE, values).all()
        _note_revoked(connection, rows, actor)
    return len(rows)


def revoke_made_by(connection: Connection, maker_id: UUID, actor: Actor) -> None:
    """Revoke a maker's tokens, in the transaction that takes the right to them away."""
    values = {"id": None, "name": None, "maker_id": maker_id, "everyone": False}
    rows = connection.execute(_REVOKE, values).all()
    _note_revoked(connection, rows, actor)


@once_more
def revoke_orphans(db: Database) -> int:
    """Revoke the tokens whose makers have lost the right to them, so that neither a new login nor a purge of old sessions
    brings one back. Return how many.
    """
    with db.transaction() as connection:
        rows = connection.execute(_REVOKE_ORPHANS).all()
        _note_revoked(connection, rows, Actor("tokens without a maker", Client(), InitiatingEntity.SYSTEM))
    return len(rows)


def _note_revoked(connection: Connection, rows: Sequence[Any], actor: Actor) -> None:
    for row in rows:
        detail = {"token": str(row.id), "name": row.name}
        audit.write(connection, _event(EventName.API_TOKEN_REVOKED, actor, detail))


def why_refused(connection: Connection, token_id: UUID) -> str:
    """Return why a token could not be used now, in words about a request that was asked for with it; empty for one that could."""
    row = connection.execute(_REFUSED_NOW, {"id": token_id}).first()
    if row is None:
        return "There is no such API token as it was asked with any more."
    return _WHY[row.refused] if row.refused else ""


def is_valid(db: Database, keys: Keyring, token: str) -> bool:
    """Return whether a token could be used now. This is not counted as a use."""
    return bool(_SHAPE.fullmatch(token) and db.one(_VALID, hashes=keys.digests("", _KIND, token)))


def find(db: Database, keys: Keyring, token: str, rate: rate_limit.Rate, client: Client) -> Token | None:
    """Find the token that was presented; None if it is unknown. Count the call, and a hit of the deny rule that refuses it.

    Raises `rate_limit.TooFast` where it is used faster than `rate`.
    """
    row = (
        db.one(
            _FIND,
            hashes=keys.digests("", _KIND, token),
            newest=keys.digest("", _KIND, token),
            key_id=keys.id,
            address=client.address,
            device=user_agents.text(client.agent),
            **vars(rate),
        )
        if _SHAPE.fullmatch(token)
        else None
    )
    if row is None:
        return None
    if row["refused"] == "blocked":
        deny_rules.hit(db, row["rule_id"])
    if not row["refused"] and not row["free"]:
        raise rate_limit.TooFast(rate)
    return Token(row["id"], row["name"], frozenset(row["scopes"]), row["refused"], row["maker_id"])


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
