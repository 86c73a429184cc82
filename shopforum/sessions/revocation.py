"""Ending sessions: the one way, whatever the reach, for logout, the owner's device list, the console and the rules.

A revocation is one transaction: the act itself, the gate that makes it hold for what it cannot see (a login or a
refresh in flight), the sessions, what the identity provider must be told, and the audit row. That of a site or of
everyone counts nothing: the gate closes, however many sessions there are, and they are counted as they are marked. When it has committed,
no request is served on those sessions by any worker, because every request reads them. The provider is told
afterwards (`outbox.py`), without a transaction open; until it agrees the receipt says so.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from ..core.database import Database, once_more
from . import audit, reach
from .audit import Client, Event
from .live import GATED, LIVE
from .model import Reason
from .reach import Limit

# No more sessions are ended by id in one act.
MOST = 100_000


@dataclass(frozen=True)
class Scope:
    """What to end: sessions by id, or everything of a user, of a site, of a user on a site, or of everyone.

    `typed` is the filter that the ids were found by, in its own words. It may have found none: that it was tried is worth
    a row, too.
    """

    sessions: tuple[UUID, ...] = ()
    user_id: UUID | None = None
    site: str | None = None
    everyone: bool = False
    typed: str = ""

    def __post_init__(self) -> None:
        if self.by_id + bool(self.user_id or self.site) + self.everyone != 1:
            raise ValueError("a scope is sessions, or a user and/or a site, or everyone")
        if len(self.sessions) > MOST:
            raise ValueError(f"more than {MOST} sessions: end all of a user, of a site or of everyone")

    @property
    def by_id(self) -> bool:
        """Whether it names sessions, and no gate closes."""
        return bool(self.sessions or self.typed)

    @property
    def wide(self) -> bool:
        """Whether it reaches a whole site or everyone: too many to count before the gate closes."""
        return self.everyone or (self.site is not None and self.user_id is None)

    @property
    def name(self) -> str:
        """session, filter, user, site or everyone."""
        if self.by_id:
            return "filter" if self.typed else "session"
        if self.user_id:
            return "user"
        return "site" if self.site else "everyone"

    @property
    def gate(self) -> str | None:
        """The key of the gate that this scope closes; None for sessions by id."""
        if self.by_id:
            return None
        if self.user_id:
            return f"user:{self.user_id}" + (f"@{self.site}" if self.site else "")
        return f"site:{self.site}" if self.site else "everyone"


_MATCH = f"""{LIVE}
  AND (CAST(:ids AS uuid[]) IS NULL OR s.id = ANY (CAST(:ids AS uuid[])))
  AND (CAST(:user_id AS uuid) IS NULL OR s.user_id = :user_id)
  AND (CAST(:site AS text) IS NULL OR s.site = :site)
  AND (CAST(:spare AS uuid) IS NULL OR s.id <> :spare)
  AND (CAST(:before AS timestamptz) IS NULL OR s.cleared_at <= :before)"""

_COUNT = text(f"SELECT count(*) FROM sessions s WHERE {_MATCH}")

_RECORD = text(
    """INSERT INTO revocations (scope, site, user_id, typed, initiating_entity, actor, reason_code, reason_admin,
      reason_user, matched, marked_at)
    VALUES (:scope, :site, :user_id, :typed, :initiating_entity, :actor, :code, :admin, :user, :matched,
      CASE WHEN :gated THEN NULL ELSE clock_timestamp() END) RETURNING id, created_at"""
)

# Gates only ever move forward.
_CLOSE = text(
    """INSERT INTO revocation_gates AS g (key, not_before, revocation_id)
    VALUES (:key, least(CAST(:at AS timestamptz), CAST(:before AS timestamptz)), :revocation_id)
    ON CONFLICT (key) DO UPDATE SET not_before = excluded.not_before, revocation_id = excluded.revocation_id
      WHERE excluded.not_before > g.not_before"""
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

# Locked in order, so that two acts on overlapping selections wait for each other and do not deadlock.
_END = text(
    """
WITH due AS (
  SELECT s.id FROM sessions s WHERE s.id = ANY (CAST(:ids AS uuid[])) AND s.ended_at IS NULL
    AND (CAST(:spare AS uuid) IS NULL OR s.id <> :spare) ORDER BY s.id FOR UPDATE
), ended AS (
  UPDATE sessions s SET ended_at = clock_timestamp(), end_reason = :code, revocation_id = :revocation_id,
    lease = NULL, lease_until = NULL
  FROM due WHERE s.id = due.id RETURNING s.id, s.site, s.user_id, s.refresh_token_id
), told AS (
  INSERT INTO revocation_outbox (revocation_id, site, user_id, refresh_token_id)
  SELECT :revocation_id, site, user_id, refresh_token_id FROM ended WHERE :upstream AND refresh_token_id IS NOT NULL
)
SELECT array_agg(DISTINCT site) AS sites, array_agg(DISTINCT user_id) AS users,
  CASE WHEN :limited THEN array_agg(id) END AS ids FROM ended"""
)

_LOCK = text("SELECT 1 FROM sessions WHERE id = ANY (CAST(:ids AS uuid[])) ORDER BY id FOR UPDATE")

_OUTBOX = text(
    """INSERT INTO revocation_outbox (revocation_id, site, user_id, refresh_token_id)
    VALUES (:revocation_id, :site, :user_id, :refresh_token_id)"""
)


def count(connection: Connection, scope: Scope, spare: UUID | None = None, before: Any = None) -> int:
    """How many live sessions the scope holds now: what a revocation records. Not to be asked of a wide scope before it is
    revoked.
    """
    return int(connection.execute(_COUNT, _values(scope, spare) | {"before": before}).scalar_one())


def lock(connection: Connection, ids: Sequence[UUID]) -> None:
    """For a transaction that ends sessions one after the other: take their locks in the order in which every act does."""
    connection.execute(_LOCK, {"ids": list(ids)})


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
    upstream: bool = True,
    before: Any = None,
    limit: Limit | None = None,
) -> UUID:
    """End the scope's sessions in the caller's transaction; returns the id of the revocation, for its receipt.

    `sites` are the sites whose provider is told when a scope names none. `spare` is a session that stays, the acting
    admin's own. Sessions that have ended already are left as they are: revoking twice is harmless. `upstream` is
    False where it is the provider who says so; `before`, an instant, has a gate leave logins alone that are newer than what it
    speaks of. `limit` is how far the actor may reach: raises TooFar, and nothing is changed.
    """
    reach.one_at_a_time(connection, limit, reason.actor)
    key = scope.gate
    if key is not None:
        connection.execute(_ONE_AT_A_TIME)
    matched = 0 if scope.wide else count(connection, scope, spare, before if key else None)
    row = connection.execute(
        _RECORD,
        {
            "scope": scope.name,
            "site": scope.site,
            "user_id": scope.user_id,
            "typed": scope.typed,
            "gated": key is not None,
            "matched": matched,
            **vars(reason),
        },
    ).one()
    revocation_id: UUID = row.id
    if key is None:
        values = {"ids": list(scope.sessions), "code": reason.code, "spare": spare, "upstream": upstream}
        values |= {"revocation_id": revocation_id, "limited": limit is not None}
        ended = connection.execute(_END, values).one()
        sites_ended, users_ended, reached = ended.sites or [], ended.users or [], ended.ids or []
    else:
        if spare:
            connection.execute(_SPARE, {"spare": spare, "at": row.created_at})
        closed = {"key": key, "revocation_id": revocation_id, "at": row.created_at, "before": before}
        connection.execute(_CLOSE, closed)
        told = [scope.site] if scope.site else sites
        if upstream:
            values = {"revocation_id": revocation_id, "user_id": scope.user_id, "refresh_token_id": None}
            connection.execute(_OUTBOX, [values | {"site": site} for site in told])
        sites_ended, users_ended, reached = [scope.site or "all"], [scope.user_id], []
    audit.write(
        connection,
        Event(
            event=event,
            site=sites_ended[0] if len(sites_ended) == 1 else "all",
            client=client,
            initiating_entity=reason.initiating_entity,
            actor=reason.actor,
            user_id=users_ended[0] if len(users_ended) == 1 else None,
            session_id=scope.sessions[0] if len(scope.sessions) == 1 else None,
            revocation_id=revocation_id,
            detail={
                "scope": scope.name,
                "sessions": [str(i) for i in scope.sessions[: audit.NAMED]],
                **({} if scope.wide else {"count": matched}),
                "users": [str(user_id) for user_id in users_ended[: audit.NAMED] if user_id],
                "reason": reason.code,
                "reason_admin": reason.admin,
                "reason_user": reason.user,
                **({"typed": scope.typed} if scope.typed else {}),
                **(detail or {}),
            },
        ),
    )
    guarded = scope.user_id if limit and scope.site in (None, limit.site) else None
    reach.check(connection, limit, reason.actor, reached, guarded)
    return revocation_id


@once_more
def commit(db: Database, scope: Scope, reason: Reason, client: Client, **options: Any) -> UUID:
    """`revoke` in a transaction of its own; the options are its."""
    with db.transaction() as connection:
        return revoke(connection, scope, reason, client, **options)


def _values(scope: Scope, spare: UUID | None) -> dict[str, Any]:
    ids = list(scope.sessions) if scope.by_id else None
    return {"ids": ids, "user_id": scope.user_id, "site": scope.site, "spare": spare}
