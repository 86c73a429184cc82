"""Every statement on session rows and their credentials. One function is one statement or one short transaction.

The conditions that decide are in the WHERE of the statement that acts. PostgreSQL reads them again on the newest
version of the row after waiting for a lock, so of two that race one finds its condition gone: that is all the locking
there is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, RowMapping, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA

from ..core import user_agents
from ..core.database import Database, once_more
from ..core.prepared_statements import Prepared
from . import audit
from .audit import Client, Event
from .live import CLOSED_GATE, IN_USE, LIVE, UNENDED, WITHHELD, matching_rule

# Made-up agents shall not fill the database; whoever has used so many is conspicuous enough.
MOST_PLACES = 50

# Seen last in another network. A machine with addresses of both families uses now this one, now that one: they are
# not compared with each other.
_MOVED = """(family(s.last_address) = family(CAST(:network AS cidr))
    AND NOT s.last_address <<= CAST(:network AS cidr))"""

_FIND = Prepared(
    "find",
    f"""
WITH found AS (
  SELECT s.id, s.site, s.user_id, s.user_name, s.user_email, s.roles, s.refresh_token_id, s.agent,
    s.last_address, s.last_agent, s.issued, s.generation, s.end_reason, s.quarantined_at, s.new_sign_in,
    c.generation AS presented,
    c.refresh_hash IS NULL OR c.refresh_hash = ANY (:refresh_hashes) AS paired,
    {UNENDED} AND gate.id IS NULL AS live,
    coalesce(s.revocation_id, CASE WHEN s.ended_at IS NULL THEN gate.id END) AS ended_by,
    {IN_USE} AS active,
    CASE WHEN c.generation > s.generation THEN 'next'
      WHEN c.generation = s.generation THEN 'current'
      WHEN c.generation > s.previous AND c.why = 'refresh' AND EXISTS (SELECT 1 FROM session_credentials n
        WHERE n.session_id = s.id AND n.generation = s.generation AND n.why = 'refresh') THEN 'sibling'
      WHEN c.generation > s.floor AND s.promoted_at > now() - :grace * interval '1 second' THEN 'previous'
      ELSE 'spent' END AS standing,
    CASE WHEN s.issued = s.generation THEN s.issued_at <= now() - :rotate_every * interval '1 second'
      ELSE s.issued_at <= now() - :grace * interval '1 second' END AS rotation_due,
    s.issued > s.generation AND s.issued_at BETWEEN now() - :grace * interval '1 second'
      AND now() - :lost_after * interval '1 second' AND EXISTS (SELECT 1 FROM session_credentials n
      WHERE n.session_id = s.id AND n.generation = s.issued AND n.refresh_hash <> ALL (:refresh_hashes)) AS response_lost,
    coalesce({_MOVED}, false) AS moved,
    CASE WHEN {_MOVED} THEN EXISTS (SELECT 1 FROM session_places p
      WHERE p.session_id = s.id AND p.address <<= CAST(:network AS cidr)
      AND p.last_at > now() - :at_once * interval '1 second') ELSE false END AS came_back,
    CAST(:roles_every AS float8) > 0 AND s.roles_read_at <= now() - :roles_every * interval '1 second' AS roles_due,
    rule.id AS rule_id,
    extract(epoch FROM s.absolute_end - now())::int AS remaining,
    extract(epoch FROM now() - s.authenticated_at) AS authenticated_ago
  FROM session_credentials c JOIN sessions s ON s.id = c.session_id
    LEFT JOIN LATERAL ({CLOSED_GATE}) gate ON true
    LEFT JOIN LATERAL ({matching_rule()}) rule ON true
  WHERE c.session_hash = ANY (:session_hashes) AND s.site = :site
), touched AS (
  UPDATE sessions t SET last_seen_at = now(), last_address = CAST(:address AS inet), last_agent = :agent,
    idle_end = least(now() + :idle * interval '1 second', t.absolute_end)
  FROM found f WHERE :touch AND t.id = f.id AND f.paired AND f.live AND f.active AND f.standing <> 'spent'
    AND f.rule_id IS NULL AND t.quarantined_at IS NULL
    AND (CAST(:only AS uuid) IS NULL OR t.id = :only) AND t.ended_at IS NULL AND t.idle_end > now()
    AND CASE WHEN (t.last_address, t.last_agent) IS DISTINCT FROM (CAST(:address AS inet), :agent) THEN :move
      ELSE t.last_seen_at < now() - :touch_every * interval '1 second' END
  RETURNING t.id
), placed AS (
  INSERT INTO session_places (session_id, address, agent)
  SELECT f.id, CAST(:address AS inet), :agent FROM found f
  WHERE CAST(:address AS inet) IS NOT NULL AND f.paired AND f.live AND f.active
    AND (f.id IN (SELECT id FROM touched)
      OR (NOT (:touch AND :move)
        AND (f.last_address, f.last_agent) IS DISTINCT FROM (CAST(:address AS inet), :agent)))
    AND ((SELECT count(*) FROM session_places p WHERE p.session_id = f.id) < {MOST_PLACES}
      OR EXISTS (SELECT 1 FROM session_places p WHERE (p.session_id, p.address, p.agent)
        = (f.id, CAST(:address AS inet), :agent)))
  ON CONFLICT (session_id, address, agent) DO UPDATE SET last_at = now()
)
SELECT * FROM found""",
)

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
  RETURNING s.*, extract(epoch FROM s.absolute_end - clock_timestamp())::int AS remaining
), paired AS (
  INSERT INTO session_credentials (session_hash, session_id, generation, refresh_hash, why, seen_at, seen_address,
    seen_agent)
  SELECT :session_hash, id, 1, :refresh_hash, 'login', clock_timestamp(), CAST(:address AS inet), :agent FROM started
), placed AS (
  INSERT INTO session_places (session_id, address, agent)
  SELECT id, CAST(:address AS inet), :agent FROM started WHERE CAST(:address AS inet) IS NOT NULL
)
SELECT s.id, s.remaining, gate.id AS ended_by, rule.id AS rule_id FROM started s
LEFT JOIN LATERAL ({CLOSED_GATE}) gate ON true
LEFT JOIN LATERAL ({matching_rule()}) rule ON true"""
)

# The new credential was seen, so the browser has it: what it had before is now the previous one.
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
WITH turned AS (
  UPDATE sessions SET issued = issued + 1, issued_at = now()
  WHERE id = :id AND issued = :issued AND ended_at IS NULL RETURNING id, issued
)
INSERT INTO session_credentials (session_hash, session_id, generation, refresh_hash, why)
SELECT :session_hash, id, issued, :refresh_hash, 'rotation' FROM turned RETURNING generation"""
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
RETURNING (SELECT {WITHHELD} FROM renewed s) AS held"""
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

# Far enough back for any setting; an instant that is handed out already stays where it is.
_ROTATE_SOON = text(
    """UPDATE sessions SET issued_at = '-infinity' WHERE id = :id AND issued = generation AND ended_at IS NULL"""
)

_CLAIM_ROLES = text(
    """UPDATE sessions SET roles_read_at = now() WHERE id = :id AND ended_at IS NULL
    AND roles_read_at <= now() - :every * interval '1 second' RETURNING id"""
)

_SET_ROLES = text("UPDATE sessions SET roles = :roles WHERE id = :id AND roles <> CAST(:roles AS text[])")


@dataclass(frozen=True)
class Credential:
    """The stored half of a pair: digests of a session id and of the refresh token it goes with."""

    session_hash: bytes
    refresh_hash: bytes | None


def now(db: Database) -> Any:
    """The database's clock, a UTC instant: the only clock the heart goes by."""
    return db.only(text("SELECT clock_timestamp() AS at"))["at"]


def find(db: Database, **values: Any) -> RowMapping | None:
    """The session that a session id belongs to, touched if it is good and was not touched lately. One statement."""
    return db.one(_FIND, **values)


def start(connection: Connection, **values: Any) -> RowMapping:
    """Insert a session with its first pair of credentials; returns its id, the seconds until its absolute end, and
    `ended_by`: the revocation that came while the password was checked, if one did.
    """
    return connection.execute(_START, values).mappings().one()


def promote(db: Database, session: RowMapping, client: Client) -> None:
    """Make the presented, newer credential the current one. A tab that comes second changes nothing."""
    db.all(_PROMOTE, id=session["id"], presented=session["presented"], **where(client))


def rotate(db: Database, session: RowMapping, credential: Credential) -> bool:
    """Hand out a successor. False for all but one of the tabs that try at once."""
    row = db.one(_ROTATE, id=session["id"], issued=session["issued"], **vars(credential))
    return row is not None


def claim(db: Database, session: RowMapping, lease: UUID, seconds: float) -> bool:
    """Take the lease of a refresh. False while somebody else holds it, or when it is done already."""
    row = db.one(_CLAIM, id=session["id"], issued=session["issued"], lease=lease, lease_seconds=seconds)
    return row is not None


@once_more
def renew(db: Database, event: Event, credential: Credential, **values: Any) -> RowMapping | None:
    """Finish a refresh: the session is active again under a new pair. None when it was revoked meanwhile, or the
    lease ran out and somebody else has it; else `held` says whether it is quarantined or blocked by now.
    """
    with db.transaction() as connection:
        values = {**values, **vars(credential), **where(event.client)}
        row = connection.execute(_RENEW, values).mappings().first()
        if row is not None:
            audit.write(connection, event)
        return row


def release(db: Database, session_id: UUID, lease: UUID) -> None:
    """Give the lease back after a refresh that failed for a reason not the token's."""
    db.all(_RELEASE, id=session_id, lease=lease)


@once_more
def expire(db: Database, event: Event, lease: UUID, reason: str) -> bool:
    """End a session whose refresh token is dead. Only the lease's holder can say so: False for anybody else."""
    with db.transaction() as connection:
        row = connection.execute(_EXPIRE, {"id": event.session_id, "lease": lease, "reason": reason}).first()
        if row is not None:
            audit.write(connection, event)
        return row is not None


def by_refresh_token(db: Database, hashes: Sequence[bytes]) -> RowMapping | None:
    """The session that a refresh token was issued with, for the audit trail; never to sign anybody in."""
    return db.one(_BY_REFRESH, hashes=list(hashes))


def rotate_soon(db: Database, session_id: UUID) -> None:
    """Have the session id replaced at the session's next request, however young it is."""
    db.all(_ROTATE_SOON, id=session_id)


def claim_roles(db: Database, session_id: UUID, every: float) -> bool:
    """Of the requests that find the roles too old, one reads them again: True for that one."""
    return db.one(_CLAIM_ROLES, id=session_id, every=every) is not None


def set_roles(db: Database, session_id: UUID, roles: Sequence[str]) -> None:
    """Write the roles that the provider has told."""
    db.all(_SET_ROLES, id=session_id, roles=list(roles))


def where(client: Client) -> dict[str, Any]:
    """A client's address and agent as the statements name them, and the agent as rules look at it."""
    return {"address": client.address, "agent": client.agent, "device": user_agents.text(client.agent)}
