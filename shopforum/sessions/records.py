"""The statements that change session rows and their credentials. One function is one statement or one transaction.

The conditions that decide are in the WHERE of the statement that acts. PostgreSQL reads them again on the newest
version of the row after it has waited for a lock, so of two that race one finds its condition gone. There is no other
locking. The statement that reads a session for a page is in lookup.py. Internal.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA

from ..core.database import Database, once_more
from . import audit
from .audit import Client, Event
from .live import CLOSED_GATE, LIVE, UNENDED, WITHHELD, matching_rule
from .model import Credential
from .rows import FoundSession, RenewedSession, SessionOwner, StartedSession

_START = text(
    f"""
WITH clock AS (SELECT clock_timestamp() AS at), started AS (
  INSERT INTO sessions AS s (site, user_id, user_name, user_email, roles, refresh_token_id, authenticated_at,
    cleared_at, absolute_end, idle_end, last_seen_at, issued_at, promoted_at,
    address, agent, last_address, last_agent, login_form)
  SELECT :site, :user_id, :user_name, :user_email, :roles, :refresh_token_id, :authenticated_at, :authenticated_at,
    CAST(:authenticated_at AS timestamptz) + :absolute * interval '1 second',
    least(at + :idle * interval '1 second', CAST(:authenticated_at AS timestamptz) + :absolute * interval '1 second'),
    at, at, at, CAST(:address AS inet), :agent, CAST(:address AS inet), :agent, CAST(:login_form AS bytea) FROM clock
  RETURNING s.*, extract(epoch FROM s.absolute_end - clock_timestamp())::int AS ends_in
), paired AS (
  INSERT INTO session_credentials (session_hash, session_id, generation, refresh_hash, why, seen_at, seen_address,
    seen_agent)
  SELECT :session_hash, id, 1, :refresh_hash, 'login', clock_timestamp(), CAST(:address AS inet), :agent FROM started
), placed AS (
  INSERT INTO session_places (session_id, address, agent)
  SELECT id, CAST(:address AS inet), :agent FROM started WHERE CAST(:address AS inet) IS NOT NULL
)
SELECT s.id, s.ends_in, gate.id AS ended_by, rule.id AS rule_id FROM started s
LEFT JOIN LATERAL ({CLOSED_GATE}) gate ON true
LEFT JOIN LATERAL ({matching_rule()}) rule ON true"""
)

# The browser has shown the new credential: the one it had before is now the previous one.
_PROMOTE = text(
    """
WITH promoted AS (
  UPDATE sessions SET floor = previous, previous = generation, generation = :presented, promoted_at = now()
  WHERE id = :id AND generation < :presented AND ended_at IS NULL RETURNING id
)
UPDATE session_credentials c SET seen_at = now(), seen_address = CAST(:address AS inet), seen_agent = :agent
FROM promoted WHERE c.session_id = promoted.id AND c.generation = :presented"""
)

# `issued` is as it was read: of many tabs that find a rotation due, one finds it unchanged.
_ROTATE = text(
    """
WITH rotated AS (
  UPDATE sessions SET issued = issued + 1, issued_at = now()
  WHERE id = :id AND issued = :issued AND ended_at IS NULL RETURNING id, issued
)
INSERT INTO session_credentials (session_hash, session_id, generation, refresh_hash, why)
SELECT :session_hash, id, issued, :refresh_hash, 'rotation' FROM rotated RETURNING generation"""
)

_CLAIM = text(
    f"""
UPDATE sessions s SET lease = :lease, lease_until = now() + :lease_seconds * interval '1 second'
WHERE s.id = :id AND s.issued = :issued AND {UNENDED} AND (s.lease_until IS NULL OR s.lease_until <= now())
RETURNING s.id"""
)

_RENEW = text(
    f"""
WITH renewed AS (
  UPDATE sessions s SET issued = issued + 1, issued_at = now(), refreshed_at = now(), last_seen_at = now(),
    refresh_count = refresh_count + 1, lease = NULL, lease_until = NULL,
    idle_end = least(now() + :idle * interval '1 second', absolute_end),
    refresh_token_id = coalesce(CAST(:refresh_token_id AS uuid), refresh_token_id),
    roles = coalesce(CAST(:roles AS text[]), roles), roles_read_at = now(),
    last_address = CAST(:address AS inet), last_agent = :agent
  WHERE s.id = :id AND s.lease = :lease AND {LIVE}
  RETURNING id, user_id, site, issued, quarantined_at
), placed AS (
  INSERT INTO session_places (session_id, address, agent)
  SELECT id, CAST(:address AS inet), :agent FROM renewed WHERE CAST(:address AS inet) IS NOT NULL
  ON CONFLICT (session_id, address, agent) DO UPDATE SET last_at = now()
)
INSERT INTO session_credentials (session_hash, session_id, generation, refresh_hash, why)
SELECT :session_hash, id, issued, :refresh_hash, 'refresh' FROM renewed
RETURNING (SELECT {WITHHELD} FROM renewed s) AS withheld"""
)

_RELEASE = text("UPDATE sessions SET lease = NULL, lease_until = NULL WHERE id = :id AND lease = :lease")

_EXPIRE = text(
    """UPDATE sessions SET ended_at = clock_timestamp(), end_reason = :reason, lease = NULL, lease_until = NULL
    WHERE id = :id AND lease = :lease AND ended_at IS NULL RETURNING id"""
)

_BY_REFRESH = text(
    """SELECT s.id, s.user_id, s.site FROM session_credentials c JOIN sessions s ON s.id = c.session_id
    WHERE c.refresh_hash = ANY (:hashes) ORDER BY s.created_at DESC LIMIT 1"""
).bindparams(bindparam("hashes", type_=ARRAY(BYTEA)))

_BY_SESSION_ID = text(
    """SELECT s.id, s.user_id, s.site FROM session_credentials c JOIN sessions s ON s.id = c.session_id
    WHERE c.session_hash = ANY (:hashes)"""
).bindparams(bindparam("hashes", type_=ARRAY(BYTEA)))

# Far enough back for any setting. A successor that is handed out already keeps its instant.
_ROTATE_SOON = text(
    """UPDATE sessions SET issued_at = '-infinity' WHERE id = :id AND issued = generation AND ended_at IS NULL"""
)

_CLAIM_ROLES = text(
    """UPDATE sessions SET roles_read_at = now() WHERE id = :id AND ended_at IS NULL
    AND roles_read_at <= now() - :every * interval '1 second' RETURNING id"""
)

_SET_ROLES = text("UPDATE sessions SET roles = :roles WHERE id = :id AND roles <> CAST(:roles AS text[])")


def now(db: Database) -> Any:
    """Return the database's clock, a UTC instant: the only clock the session core goes by."""
    return db.only(text("SELECT clock_timestamp() AS at"))["at"]


def start(connection: Connection, **values: Any) -> StartedSession:
    """Insert a session with its first pair of credentials. `values` are the parameters of the statement."""
    return StartedSession(**connection.execute(_START, values).mappings().one())


def promote(db: Database, found: FoundSession, client: Client) -> None:
    """Make the presented, newer credential the current one. A second tab that presents it changes nothing."""
    db.all(_PROMOTE, id=found.id, presented=found.presented, **client.parameters())


def rotate(db: Database, found: FoundSession, credential: Credential) -> bool:
    """Hand out a successor. False for all but one of the tabs that try at once."""
    return db.one(_ROTATE, id=found.id, issued=found.issued, **vars(credential)) is not None


def claim(db: Database, found: FoundSession, lease: UUID, seconds: float) -> bool:
    """Take the lease of a refresh for so many seconds. False while another request holds it, or has refreshed already."""
    row = db.one(_CLAIM, id=found.id, issued=found.issued, lease=lease, lease_seconds=seconds)
    return row is not None


@once_more
def renew(db: Database, event: Event, credential: Credential, **values: Any) -> RenewedSession | None:
    """Finish a refresh: the session is active again under a new pair. None where it was revoked meanwhile, or the lease
    ran out and another request has it.
    """
    with db.transaction() as connection:
        values = {**values, **vars(credential), **event.client.parameters()}
        row = connection.execute(_RENEW, values).mappings().first()
        if row is None:
            return None
        audit.write(connection, event)
        return RenewedSession(**row)


def release(db: Database, session_id: UUID, lease: UUID) -> None:
    """Give the lease back after a refresh that failed for another reason than the token."""
    db.all(_RELEASE, id=session_id, lease=lease)


@once_more
def expire(db: Database, event: Event, lease: UUID, reason: str) -> bool:
    """End a session whose refresh token is dead. False where the caller does not hold the lease any more."""
    with db.transaction() as connection:
        row = connection.execute(_EXPIRE, {"id": event.session_id, "lease": lease, "reason": reason}).first()
        if row is not None:
            audit.write(connection, event)
        return row is not None


def by_refresh_token(db: Database, hashes: Sequence[bytes]) -> SessionOwner | None:
    """Return the session that a refresh token was issued with, for the audit log; never to sign anybody in."""
    row = db.one(_BY_REFRESH, hashes=list(hashes))
    return None if row is None else SessionOwner(**row)


def by_session_id(db: Database, hashes: Sequence[bytes]) -> SessionOwner | None:
    """Return the session that a session id belongs to, on whatever site, for the audit log."""
    row = db.one(_BY_SESSION_ID, hashes=list(hashes))
    return None if row is None else SessionOwner(**row)


def rotate_soon(db: Database, session_id: UUID) -> None:
    """Have the session id replaced at the session's next request, however young it is."""
    db.all(_ROTATE_SOON, id=session_id)


def claim_roles(db: Database, session_id: UUID, every: float) -> bool:
    """Choose which request reads the roles again where they are older than `every` seconds: True for one of them."""
    return db.one(_CLAIM_ROLES, id=session_id, every=every) is not None


def set_roles(db: Database, session_id: UUID, roles: Sequence[str]) -> None:
    """Write the roles that the provider has sent."""
    db.all(_SET_ROLES, id=session_id, roles=list(roles))
