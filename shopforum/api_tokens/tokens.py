"""API tokens: made, shown once, found by their keyed hash, revoked.

A token is `sfa_` and 256 random bits: the prefix lets people and scanners know one where it does not belong. The
database holds an HMAC-SHA-256 of it, under a key that is not in the database.

A token's authority is its maker's. It ends when the maker's account is closed or is an owner's no more, and it is refused
while a deny rule refuses the maker or the address it comes from. Every token expires, and one that nobody uses is over
sooner.
"""

import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, RowMapping, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA

from ..core import user_agents
from ..core.database import Database, once_more
from ..core.permissions import TOKEN_MAKERS
from ..sessions import audit, deny_rules, live
from ..sessions.audit import Client, Event
from ..sessions.keyring import Keyring
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
# So long a token is good where nothing else is said, and at most; and so long it may lie unused.
DAYS, MOST_DAYS, UNUSED_DAYS = 365, 3650, 90

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
    """A token that was presented. `refused` says why it is good for nothing: revoked, expired, unused, orphaned (its maker
    has no right to it any more) or blocked (by a deny rule, for as long as that is in force).
    """

    id: UUID
    name: str
    scopes: frozenset[str]
    refused: str | None

    @property
    def actor(self) -> str:
        """Its name in the trail."""
        return f"token:{self.name}"


_CREATE = text(
    """INSERT INTO api_tokens (hash, name, scopes, created_by, maker_id, expires_at)
    VALUES (:hash, :name, :scopes, :created_by, :maker_id, clock_timestamp() + :days * interval '1 day') RETURNING id"""
)

_MAKERS = ", ".join(f"'{role}'" for role in sorted(TOKEN_MAKERS))

# The provider has closed the maker's account since, or taken it off the console; or the maker's last session there has no
# role that makes tokens. Of a maker whom nobody knows nothing is said.
_ORPHANED = f"""(EXISTS (SELECT 1 FROM revocations r WHERE r.user_id = t.maker_id AND r.created_at > t.created_at
      AND r.initiating_entity = 'idp' AND (r.site IS NULL OR r.site = 'admin')
      AND r.reason_code IN ('account_closed', 'account_deleted', 'account_locked', 'registration_removed'))
    OR NOT coalesce((SELECT s.roles && ARRAY[{_MAKERS}] FROM sessions s WHERE s.user_id = t.maker_id AND s.site = 'admin'
      ORDER BY s.created_at DESC LIMIT 1), true))"""

_ENDS = f"least(t.expires_at, coalesce(t.last_used_at, t.created_at) + interval '{UNUSED_DAYS} days')"

_STATE = f"""CASE WHEN t.revoked_at IS NOT NULL THEN 'revoked'
    WHEN t.expires_at <= clock_timestamp() THEN 'expired'
    WHEN {_ENDS} <= clock_timestamp() THEN 'unused'
    WHEN {_ORPHANED} THEN 'orphaned' END"""

_BLOCKED = f"""EXISTS (SELECT 1 FROM standing_rules r WHERE r.user_id = t.maker_id AND {live.RULE_IN_FORCE}
    AND (r.site IS NULL OR r.site = 'admin') AND r.network IS NULL AND r.device = '')"""

_LIST = text(
    f"""SELECT t.id, t.name, t.scopes, t.created_at, t.created_by, t.maker_id, t.expires_at, t.last_used_at, t.revoked_at,
      {_ENDS} AS ends_at, coalesce({_STATE}, CASE WHEN {_BLOCKED} THEN 'blocked' ELSE 'valid' END) AS state
    FROM api_tokens t WHERE CAST(:maker_id AS uuid) IS NULL OR t.maker_id = CAST(:maker_id AS uuid)
    ORDER BY t.revoked_at IS NOT NULL, t.created_at DESC, t.id LIMIT 500"""
)

_REVOKE = text(
    """UPDATE api_tokens SET revoked_at = clock_timestamp() WHERE revoked_at IS NULL AND (id = CAST(:id AS uuid)
      OR name = CAST(:name AS text) OR maker_id = CAST(:maker_id AS uuid)) RETURNING id, name"""
)

_REVOKE_ORPHANS = text(
    f"""UPDATE api_tokens t SET revoked_at = clock_timestamp() WHERE revoked_at IS NULL AND maker_id IS NOT NULL
    AND {_ORPHANED} RETURNING id, name"""
)

_VALID = text(f"SELECT t.id FROM api_tokens t WHERE t.hash = ANY (:hashes) AND {_STATE} IS NULL").bindparams(
    bindparam("hashes", type_=ARRAY(BYTEA))
)

# The token, its use and its place in the bucket, in one statement: a token that is refused takes none.
_FIND = text(
    f"""
WITH found AS (
  SELECT t.id, t.name, t.scopes, t.last_used_at, rule.id AS rule_id,
    coalesce({_STATE}, CASE WHEN rule.id IS NOT NULL THEN 'blocked' END) AS refused
  FROM api_tokens t LEFT JOIN LATERAL ({live.matching_rule(user="t.maker_id", site="'admin'")}) rule ON true
  WHERE t.hash = ANY (:hashes)
), touched AS (
  UPDATE api_tokens t SET last_used_at = clock_timestamp() FROM found f WHERE t.id = f.id AND f.refused IS NULL
    AND (f.last_used_at IS NULL OR f.last_used_at < clock_timestamp() - interval '1 minute')
), taken AS ({rate_limit.taken("SELECT 'token:' || id FROM found WHERE refused IS NULL")})
SELECT id, name, scopes, refused, rule_id, EXISTS (SELECT 1 FROM taken) AS free FROM found"""
).bindparams(bindparam("hashes", type_=ARRAY(BYTEA)))


@once_more
def create(
    db: Database, keys: Keyring, name: str, scopes: Iterable[str], days: int | None, actor: Actor
) -> tuple[UUID, str]:
    """Make a token that is good for some days, DAYS where None is given. Returns its id and the token itself, which
    nobody can show again. `name` and `scopes` have been checked (`NAME`, `SCOPES`).
    """
    days = days or DAYS
    token = PREFIX + secrets.token_urlsafe(32)
    granted = [scope for scope in SCOPES if scope in set(scopes)]
    values: dict[str, Any] = {"name": name, "scopes": granted, "created_by": actor.name}
    values |= {"maker_id": actor.user_id, "days": days}
    with db.transaction() as connection:
        token_id: UUID = connection.execute(
            _CREATE, {**values, "hash": keys.digest("", _KIND, token)}
        ).scalar_one()
        detail = {"token": str(token_id), "name": name, "scopes": granted, "days": days}
        audit.write(connection, _event("api_token_created", actor, detail))
    return token_id, token


def listed(db: Database, maker_id: UUID | None = None) -> list[RowMapping]:
    """All tokens, or those of one maker, with their `state` (valid, or as `Token.refused`) and when they end if nobody uses
    them (`ends_at`); the newest first, at most 500; never a hash.
    """
    return db.all(_LIST, maker_id=maker_id)


@once_more
def revoke(
    db: Database,
    actor: Actor,
    *,
    token_id: UUID | None = None,
    name: str | None = None,
    maker_id: UUID | None = None,
) -> int:
    """Revoke a token, all of a name or all of a maker, from the next call on; returns how many were still to be revoked."""
    with db.transaction() as connection:
        rows = connection.execute(_REVOKE, {"id": token_id, "name": name, "maker_id": maker_id}).all()
        _note_revoked(connection, rows, actor)
    return len(rows)


def revoke_made_by(connection: Connection, maker_id: UUID, actor: Actor) -> None:
    """Revoke what somebody made, in the transaction that takes the right to it away."""
    rows = connection.execute(_REVOKE, {"id": None, "name": None, "maker_id": maker_id}).all()
    _note_revoked(connection, rows, actor)


@once_more
def revoke_orphans(db: Database) -> int:
    """Revoke for good the tokens whose makers have no right to them any more: a new login, or a purge of old sessions, shall
    not bring one back. Returns how many.
    """
    with db.transaction() as connection:
        rows = connection.execute(_REVOKE_ORPHANS).all()
        _note_revoked(connection, rows, Actor("tokens without a maker", Client(), "system"))
    return len(rows)


def _note_revoked(connection: Connection, rows: Sequence[Any], actor: Actor) -> None:
    for row in rows:
        detail = {"token": str(row.id), "name": row.name}
        audit.write(connection, _event("api_token_revoked", actor, detail))


def is_valid(db: Database, keys: Keyring, token: str) -> bool:
    """Whether a token could be used now. Counts as no use."""
    return bool(_SHAPE.fullmatch(token) and db.one(_VALID, hashes=keys.digests("", _KIND, token)))


def find(db: Database, keys: Keyring, token: str, rate: rate_limit.Rate, client: Client) -> Token | None:
    """The token that was presented, or None for an unknown one. Counts a use, and a hit of the rule that refuses it.

    Raises `rates.TooFast` where it has been used faster than `rate`.
    """
    row = (
        db.one(
            _FIND,
            hashes=keys.digests("", _KIND, token),
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
