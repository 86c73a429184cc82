"""The statements that change session rows and their credentials. One function is one statement or one transaction.

The conditions that decide are in the WHERE of the statement that acts. PostgreSQL reads them again on the newest
version of the row after it has waited for a lock, so of two that race one finds its condition gone. There is no other
locking. The statement that reads a session for a page is in lookup.py. Internal.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA

from ..core.database import Database, once_more
from . import audit
from .audit import Client, Event
from .live import CLOSED_GATE, IN_USE, KEYED, LIVE, UNENDED, WITHHELD, matching_rule
from .model import Credential, LoginStart
from .rows import FoundSession, RenewedSession, SessionOwner, StartedSession

_START = text(
    f"""
WITH clock AS (SELECT clock_timestamp() AS at), started AS (
  INSERT INTO sessions AS s (site, user_id, user_name, user_email, roles, refresh_token_id, authenticated_at,
    epoch, absolute_end, idle_end, last_seen_at, head_since, due_at,
    address, agent, last_address, last_agent, login_form, bindable_until)
  SELECT :site, :user_id, :user_name, :user_email, :roles, :refresh_token_id, :authenticated_at,
    least(CAST(:epoch AS bigint), (SELECT n FROM revocation_counter)),
    CAST(:authenticated_at AS timestamptz) + :absolute * interval '1 second',
    least(at + :idle * interval '1 second', CAST(:authenticated_at AS timestamptz) + :absolute * interval '1 second'),
    at, at, at + :rotate_every * interval '1 second',
    CAST(:address AS inet), :agent, CAST(:address AS inet), :agent, CAST(:login_form AS bytea),
    at + CAST(:binding_window AS float8) * interval '1 second' FROM clock
  RETURNING s.*, extract(epoch FROM s.absolute_end - clock_timestamp())::int AS ends_in
), paired AS (
  INSERT INTO session_credentials (session_hash, key_id, session_id, number, parent, refresh_hash, why, seen_at,
    seen_address, seen_agent)
  SELECT :session_hash, :key_id, id, 1, 0, :refresh_hash, 'login', clock_timestamp(), CAST(:address AS inet), :agent FROM started
), placed AS (
  INSERT INTO session_places (session_id, address, agent)
  SELECT id, CAST(:address AS inet), :agent FROM started WHERE CAST(:address AS inet) IS NOT NULL
), offered AS (
  INSERT INTO session_challenges (hash, session_id, purpose, expires_at)
  SELECT CAST(:challenge_hash AS bytea), id, 'registration', bindable_until FROM started WHERE bindable_until IS NOT NULL
)
SELECT s.id, s.ends_in, gate.id AS ended_by, rule.id AS rule_id FROM started s
LEFT JOIN LATERAL ({CLOSED_GATE}) gate ON true
LEFT JOIN LATERAL ({matching_rule()}) rule ON true"""
)

# Places kept for one session, the latest: invented user agents must neither fill the database nor hide a thief behind them.
MOST_PLACES = 50

# Write the client's place down for the sessions of a CTE, `source`.
_PLACE = f"""trimmed AS (
  DELETE FROM session_places p USING {{source}} t WHERE p.session_id = t.id
    AND (p.address, p.agent) IS DISTINCT FROM (CAST(:address AS inet), :agent)
    AND (p.address, p.agent) IN (SELECT o.address, o.agent FROM session_places o WHERE o.session_id = t.id
      ORDER BY o.last_at DESC, o.first_at DESC OFFSET {MOST_PLACES - 1})
), placed AS (
  INSERT INTO session_places (session_id, address, agent)
  SELECT id, CAST(:address AS inet), :agent FROM {{source}} WHERE CAST(:address AS inet) IS NOT NULL
  ON CONFLICT (session_id, address, agent) DO UPDATE SET last_at = now()
)"""

# Extend the idle timeout of a session whose head was shown. Of many requests at once one finds it due.
_TOUCH = text(
    f"""
WITH touched AS (
  UPDATE sessions s SET last_seen_at = now(), last_address = CAST(:address AS inet), last_agent = :agent,
    idle_end = least(now() + :idle * interval '1 second', absolute_end)
  WHERE s.id = :id AND s.head = :number AND {UNENDED} AND {IN_USE} AND s.quarantined_at IS NULL AND {KEYED}
    AND ((s.last_address, s.last_agent) IS DISTINCT FROM (CAST(:address AS inet), :agent)
      OR s.last_seen_at < now() - :touch_every * interval '1 second')
  RETURNING id
), {_PLACE.format(source="touched")}
SELECT 1 FROM touched"""
)

_SEE_PLACE = text(
    f"WITH seen AS (SELECT CAST(:id AS uuid) AS id), {_PLACE.format(source='seen')} SELECT 1 FROM seen"
)

# A pair was shown for the first time, so the browser has it. Of many tabs that show it at once, one finds the head as it
# was read; the others look again.
_TAKE_OVER = text(
    f"""
WITH taken AS (
  UPDATE sessions s SET head = :number, head_parent = :parent, head_since = now(), unshown = 0,
    due_at = now() + :rotate_every * interval '1 second', last_seen_at = now(),
    idle_end = CASE WHEN {IN_USE} THEN least(now() + :idle * interval '1 second', absolute_end) ELSE idle_end END
  WHERE s.id = :id AND s.head = :head AND CAST(:parent AS int) IN (s.head, s.head_parent) AND {UNENDED}
    AND s.quarantined_at IS NULL AND {KEYED}
  RETURNING s.id
), old AS (
  UPDATE session_credentials c SET replaced_at = now() FROM taken WHERE c.session_id = taken.id AND c.number = :head
)
UPDATE session_credentials c SET seen_at = now(), seen_address = CAST(:address AS inet), seen_agent = :agent
FROM taken WHERE c.session_id = taken.id AND c.number = :number RETURNING c.number"""
)

# `issued` is as it was read: of many tabs that find a successor due, one finds it unchanged.
_HAND_OUT = text(
    f"""
WITH handed AS (
  UPDATE sessions s SET issued = issued + 1, unshown = unshown + 1, due_at = now() + :retry * interval '1 second'
  WHERE s.id = :id AND s.issued = :issued AND s.head = :number AND s.unshown < :cap AND s.due_at <= now()
    AND {UNENDED} AND s.quarantined_at IS NULL AND {KEYED}
  RETURNING s.id, s.issued
)
INSERT INTO session_credentials (session_hash, key_id, session_id, number, parent, refresh_hash, why, asked_address,
  asked_agent)
SELECT :session_hash, :key_id, id, issued, :number, :refresh_hash, 'rotation', CAST(:address AS inet), :agent FROM handed
RETURNING number"""
)

# A lease that ends later than any could tells that the clock has stepped back, as after a failover: its request may have died,
# and the session would wait for it until the clock has caught up. A minute more, for a claim that has waited for the row.
_CLAIM = text(
    f"""
UPDATE sessions s SET lease = :lease, lease_until = now() + :lease_seconds * interval '1 second'
WHERE s.id = :id AND s.issued = :issued AND s.head = :number AND s.unshown < :cap AND {UNENDED} AND {KEYED}
  AND (s.lease_until IS NULL OR s.lease_until <= now()
    OR s.lease_until > now() + :lease_seconds * interval '1 second' + interval '1 minute')
RETURNING s.id"""
)

_RENEW = text(
    f"""
WITH renewed AS (
  UPDATE sessions s SET issued = issued + 1, unshown = unshown + 1, due_at = now() + :retry * interval '1 second',
    refreshed_at = now(), last_seen_at = now(), refresh_count = refresh_count + 1, lease = NULL, lease_until = NULL,
    idle_end = least(now() + :idle * interval '1 second', absolute_end),
    refresh_token_id = coalesce(CAST(:refresh_token_id AS uuid), refresh_token_id),
    roles = coalesce(CAST(:roles AS text[]), roles), roles_read_at = now(),
    user_name = coalesce(CAST(:user_name AS text), user_name),
    user_email = coalesce(CAST(:user_email AS text), user_email),
    last_address = CAST(:address AS inet), last_agent = :agent
  WHERE s.id = :id AND s.lease = :lease AND {LIVE} AND {KEYED}
  RETURNING id, user_id, site, head, issued, quarantined_at
), {_PLACE.format(source="renewed")}
INSERT INTO session_credentials (session_hash, key_id, session_id, number, parent, refresh_hash, why, asked_address,
  asked_agent)
SELECT :session_hash, :key_id, id, issued, head, :refresh_hash, 'refresh', CAST(:address AS inet), :agent FROM renewed
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

_ROTATE_SOON = text("UPDATE sessions SET due_at = least(due_at, now()) WHERE id = :id AND ended_at IS NULL")

_CLAIM_ROLES = text(
    """UPDATE sessions SET roles_read_at = now() WHERE id = :id AND ended_at IS NULL
    AND roles_read_at <= now() - :every * interval '1 second' RETURNING id"""
)

_SET_ROLES = text("UPDATE sessions SET roles = :roles WHERE id = :id AND roles <> CAST(:roles AS text[])")


def now(db: Database) -> datetime:
    """Return the database's clock, a UTC instant: the only clock the session core goes by."""
    at: datetime = db.only(text("SELECT clock_timestamp() AS at"))["at"]
    return at


def login_start(db: Database) -> LoginStart:
    """Return the moment at which a login begins."""
    return LoginStart(**db.only(text("SELECT clock_timestamp() AS at, n AS epoch FROM revocation_counter")))


def start(connection: Connection, **values: Any) -> StartedSession:
    """Insert a session with its first pair of credentials. `values` are the parameters of the statement."""
    return StartedSession(**connection.execute(_START, values).mappings().one())


def _read(found: FoundSession) -> dict[str, Any]:
    """Return what every write repeats of the session as it was read."""
    return {"id": found.id, "number": found.number, "with_key": found.with_key}


def touch(db: Database, found: FoundSession, client: Client, *, idle: float, touch_every: float) -> None:
    """Extend the idle timeout, where the head was last seen longer than `touch_every` ago or in another place. Seconds."""
    values = {**_read(found), "idle": idle, "touch_every": touch_every}
    db.all(_TOUCH, **values, **client.parameters())


def see_place(db: Database, found: FoundSession, client: Client) -> None:
    """Write down a place from which the session was used, where nothing else of it may change."""
    db.all(_SEE_PLACE, id=found.id, **client.parameters())


def take_over(db: Database, found: FoundSession, client: Client, *, idle: float, rotate_every: float) -> bool:
    """Make the presented pair the head. False where another request was faster: look again. Durations in seconds."""
    values = {**_read(found), "head": found.head, "parent": found.parent}
    row = db.one(_TAKE_OVER, **values, idle=idle, rotate_every=rotate_every, **client.parameters())
    return row is not None


def hand_out(
    db: Database, found: FoundSession, credential: Credential, client: Client, *, retry: float, cap: int
) -> bool:
    """Hand out a successor of the head; the next is due after `retry` seconds. False for all but one of the tabs that try
    at once, and where `cap` were handed out already.
    """
    values = {**_read(found), "issued": found.issued, "retry": retry, "cap": cap}
    return db.one(_HAND_OUT, **values, **vars(credential), **client.parameters()) is not None


def claim(db: Database, found: FoundSession, lease: UUID, seconds: float, cap: int) -> bool:
    """Take the lease of a refresh for so many seconds. False while another request holds it, or has refreshed already."""
    values = {**_read(found), "issued": found.issued, "cap": cap}
    return db.one(_CLAIM, **values, lease=lease, lease_seconds=seconds) is not None


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
