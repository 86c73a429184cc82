"""Ending sessions: the one way, whatever the reach, for logout, the owner's device list, the console and the rules.

A revocation is one transaction: the act itself, the gate that makes it hold for what it cannot see (a login or a
refresh in flight), the sessions, what the identity provider must be told, and the audit row. When it has committed,
no request is served on those sessions by any worker, because every request reads them. The provider is told
afterwards (`outbox.py`), without a transaction open; until it agrees the receipt says so.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from . import audit
from .audit import Client, Event
from .database import Database
from .records import GATED

# Sessions marked as ended in the revocation's own transaction; a larger set is ended by its gate all the same, and
# marked afterwards in steps of this size.
STEP = 500


@dataclass(frozen=True)
class Scope:
    """What to end: sessions by id, or everything of a user, of a site, of a user on a site, or of everyone."""

    sessions: tuple[UUID, ...] = ()
    user_id: UUID | None = None
    site: str | None = None
    everyone: bool = False

    def __post_init__(self) -> None:
        by_id, by_user_or_site = bool(self.sessions), bool(self.user_id or self.site)
        if by_id + by_user_or_site + self.everyone != 1:
            raise ValueError("a scope is sessions, or a user and/or a site, or everyone")

    @property
    def name(self) -> str:
        """session, user, site or everyone."""
        if self.sessions:
            return "session"
        if self.user_id:
            return "user"
        return "site" if self.site else "everyone"

    @property
    def gate(self) -> str | None:
        """The key of the gate that this scope closes; None for sessions by id."""
        if self.sessions:
            return None
        if self.user_id:
            return f"user:{self.user_id}" + (f"@{self.site}" if self.site else "")
        return f"site:{self.site}" if self.site else "everyone"


@dataclass(frozen=True)
class Reason:
    """Why, in CAEP's terms: who began it (admin, user, policy, system or idp), a code, and a text for either side."""

    initiating_entity: str
    actor: str
    code: str
    admin: str = ""
    user: str = ""


_MATCH = f"""s.ended_at IS NULL AND s.absolute_end > clock_timestamp() AND NOT {GATED}
  AND (cardinality(CAST(:ids AS uuid[])) = 0 OR s.id = ANY (CAST(:ids AS uuid[])))
  AND (CAST(:user_id AS uuid) IS NULL OR s.user_id = :user_id)
  AND (CAST(:site AS text) IS NULL OR s.site = :site)
  AND (CAST(:spare AS uuid) IS NULL OR s.id <> :spare)"""

_COUNT = text(f"SELECT count(*) FROM sessions s WHERE {_MATCH}")

_RECORD = text(
    """INSERT INTO revocations (scope, site, user_id, initiating_entity, actor, reason_code, reason_admin, reason_user,
      matched, marked_at)
    VALUES (:scope, :site, :user_id, :initiating_entity, :actor, :code, :admin, :user, :matched,
      CASE WHEN :gated THEN NULL ELSE clock_timestamp() END) RETURNING id, created_at"""
)

# Gates only ever move forward.
_CLOSE = text(
    """INSERT INTO revocation_gates AS g (key, not_before, revocation_id)
    VALUES (:key, :at, :revocation_id)
    ON CONFLICT (key) DO UPDATE SET not_before = greatest(g.not_before, excluded.not_before),
      revocation_id = excluded.revocation_id"""
)

# One gate closes at a time. Of two admins who end everyone's sessions but their own at the same instant, one would
# otherwise not see the other.
_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(7305441237)")

# Before the gate closes, and only a session that no other gate has ended: an admin who was revoked a moment ago must
# not bring the own session back.
_SPARE = text(
    f"""UPDATE sessions s SET cleared_at = CAST(:at AS timestamptz) + interval '1 microsecond'
    WHERE s.id = :spare AND s.ended_at IS NULL AND s.cleared_at <= :at AND NOT {GATED}"""
)

_END = text(
    """UPDATE sessions s SET ended_at = clock_timestamp(), end_reason = :code, revocation_id = :revocation_id,
      lease = NULL, lease_until = NULL
    WHERE s.id = ANY (CAST(:ids AS uuid[])) AND s.ended_at IS NULL
      AND (CAST(:spare AS uuid) IS NULL OR s.id <> :spare)
    RETURNING s.id, s.site, s.user_id, s.refresh_token_id"""
)

# Those that a gate has ended, in the order of the index of live sessions; a row that somebody is touching just now is
# left for the next step. A login that was in flight got a token the provider's bulk revocation may have missed.
_MARK = text(
    """
WITH due AS (
  SELECT s.id FROM sessions s, revocations r
  WHERE r.id = :revocation_id AND s.ended_at IS NULL AND s.absolute_end > clock_timestamp()
    AND (r.user_id IS NULL OR s.user_id = r.user_id) AND (r.site IS NULL OR s.site = r.site)
    AND s.cleared_at <= (SELECT g.not_before FROM revocation_gates g WHERE g.key = :key)
  LIMIT :step FOR UPDATE OF s SKIP LOCKED
), ended AS (
  UPDATE sessions s SET ended_at = clock_timestamp(), end_reason = r.reason_code, revocation_id = r.id,
    lease = NULL, lease_until = NULL
  FROM due, revocations r WHERE s.id = due.id AND r.id = :revocation_id
  RETURNING s.id, s.site, s.user_id, s.refresh_token_id, s.created_at > r.created_at AS late
), told AS (
  INSERT INTO revocation_outbox (revocation_id, site, user_id, refresh_token_id)
  SELECT :revocation_id, site, user_id, refresh_token_id FROM ended WHERE late AND refresh_token_id IS NOT NULL
)
SELECT count(*) FROM ended"""
)

# A login that began before a revocation and ends after it. The provider issued its token after it was told.
_END_LATE = text(
    """
WITH ended AS (
  UPDATE sessions s SET ended_at = clock_timestamp(), end_reason = r.reason_code, revocation_id = r.id
  FROM revocations r WHERE s.id = :id AND r.id = :revocation_id AND s.ended_at IS NULL
  RETURNING s.site, s.user_id, s.refresh_token_id
)
INSERT INTO revocation_outbox (revocation_id, site, user_id, refresh_token_id)
SELECT :revocation_id, site, user_id, refresh_token_id FROM ended WHERE refresh_token_id IS NOT NULL"""
)

_OUTBOX = text(
    """INSERT INTO revocation_outbox (revocation_id, site, user_id, refresh_token_id)
    VALUES (:revocation_id, :site, :user_id, :refresh_token_id)"""
)

_UNMARKED = text(
    """SELECT id, scope, user_id, site, created_at < clock_timestamp() - interval '1 minute' AS settled
    FROM revocations WHERE marked_at IS NULL ORDER BY created_at LIMIT 20"""
)

_MARKED = text("UPDATE revocations SET marked_at = clock_timestamp() WHERE id = :id")


def count(connection: Connection, scope: Scope, spare: UUID | None = None) -> int:
    """How many live sessions the scope holds now: what a preview shows and a revocation records."""
    return int(connection.execute(_COUNT, _values(scope, spare)).scalar_one())


def revoke(
    connection: Connection,
    scope: Scope,
    reason: Reason,
    client: Client,
    *,
    sites: tuple[str, ...],
    spare: UUID | None = None,
    event: str = "authn_token_revoked",
    detail: dict[str, Any] | None = None,
) -> UUID:
    """End the scope's sessions in the caller's transaction; returns the id of the revocation, for its receipt.

    `sites` are the sites whose provider is told when a scope names none. `spare` is a session that stays, the acting
    admin's own. Sessions that have ended already are left as they are: revoking twice is harmless.
    """
    key = scope.gate
    if key is not None:
        connection.execute(_ONE_AT_A_TIME)
    row = connection.execute(
        _RECORD,
        {
            "scope": scope.name,
            "site": scope.site,
            "user_id": scope.user_id,
            "gated": key is not None,
            "matched": count(connection, scope, spare),
            **vars(reason),
        },
    ).one()
    revocation_id: UUID = row.id
    sites_ended, users_ended = ({scope.site} if scope.site else set()), {scope.user_id}
    if key is None:
        values = {
            "ids": list(scope.sessions),
            "code": reason.code,
            "revocation_id": revocation_id,
            "spare": spare,
        }
        ended = connection.execute(_END, values).mappings().all()
        sites_ended, users_ended = {row["site"] for row in ended}, {row["user_id"] for row in ended}
        _queue(
            connection,
            [
                {
                    "revocation_id": revocation_id,
                    **{k: row[k] for k in ("site", "user_id", "refresh_token_id")},
                }
                for row in ended
                if row["refresh_token_id"]
            ],
        )
    else:
        if spare:
            connection.execute(_SPARE, {"spare": spare, "at": row.created_at})
        connection.execute(_CLOSE, {"key": key, "revocation_id": revocation_id, "at": row.created_at})
        _queue(
            connection,
            [
                {
                    "revocation_id": revocation_id,
                    "site": site,
                    "user_id": scope.user_id,
                    "refresh_token_id": None,
                }
                for site in ([scope.site] if scope.site else sites)
            ],
        )
    audit.write(
        connection,
        Event(
            event=event,
            site=next(iter(sites_ended)) if len(sites_ended) == 1 else "all",
            client=client,
            initiating_entity=reason.initiating_entity,
            actor=reason.actor,
            user_id=next(iter(users_ended)) if len(users_ended) == 1 else None,
            session_id=scope.sessions[0] if len(scope.sessions) == 1 else None,
            revocation_id=revocation_id,
            detail={
                "scope": scope.name,
                "sessions": [str(i) for i in scope.sessions],
                "reason": reason.code,
                "reason_admin": reason.admin,
                "reason_user": reason.user,
                **(detail or {}),
            },
        ),
    )
    return revocation_id


def end_late(connection: Connection, revocation_id: UUID, session_id: UUID) -> None:
    """End a session that was revoked while its password was checked, and have its token revoked too."""
    connection.execute(_END_LATE, {"revocation_id": revocation_id, "id": session_id})


def mark(db: Database, revocation_id: UUID, scope: Scope) -> int:
    """Mark up to STEP sessions that the scope's gate has ended; returns how many. Safe to run several at once."""
    with db.transaction() as connection:
        values = {"revocation_id": revocation_id, "key": scope.gate, "step": STEP}
        return int(connection.execute(_MARK, values).scalar_one())


def sweep(db: Database) -> int:
    """One step of marking for every revocation that still has some; returns how many sessions were marked."""
    total = 0
    for row in db.all(_UNMARKED):
        scope = Scope(user_id=row["user_id"], site=row["site"], everyone=row["scope"] == "everyone")
        marked = mark(db, row["id"], scope)
        total += marked
        # A login may still be committing that did not see the gate: it is looked for a little longer.
        if marked == 0 and row["settled"] and not db.one(_LEFT, id=row["id"], key=scope.gate):
            db.all(_MARKED, id=row["id"])
    return total


_LEFT = text(
    """SELECT 1 FROM sessions s, revocations r WHERE r.id = :id AND s.ended_at IS NULL
    AND s.absolute_end > clock_timestamp()
    AND (r.user_id IS NULL OR s.user_id = r.user_id) AND (r.site IS NULL OR s.site = r.site)
    AND s.cleared_at <= (SELECT g.not_before FROM revocation_gates g WHERE g.key = :key) LIMIT 1"""
)


def _values(scope: Scope, spare: UUID | None) -> dict[str, Any]:
    return {"ids": list(scope.sessions), "user_id": scope.user_id, "site": scope.site, "spare": spare}


def _queue(connection: Connection, rows: list[dict[str, Any]]) -> None:
    if rows:
        connection.execute(_OUTBOX, rows)
