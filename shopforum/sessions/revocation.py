"""Ending sessions: the one way for logout, the owner's device list, the console, the API and the rules.

A revocation is one transaction: its row, the gate that makes it hold for what the transaction cannot see (a login or a
refresh in flight), the sessions, the messages that the identity provider must get, and the audit row. When it has
committed, no request is served on those sessions by any process, because every request reads them. The provider is told
afterwards (`outbox.py`), without an open transaction; until it agrees the receipt says so.

The revocation of a site or of everyone counts nothing: the gate closes, however many sessions there are, and the sweep
counts them (`gate_sweep.py`).
"""

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from ..core import metrics
from ..core.database import Database, once_more
from . import audit, gate_sweep, outbox, reach
from .audit import Client, Event
from .context import SessionContext
from .live import GATED, LIVE
from .model import Reason
from .reach import Claim, Limit
from .scope import Scope, steps
from .vocabulary import EventName

log = logging.getLogger(__name__)

_MATCH = f"""{LIVE}
  AND (CAST(:ids AS uuid[]) IS NULL OR s.id = ANY (CAST(:ids AS uuid[])))
  AND (CAST(:user_id AS uuid) IS NULL OR s.user_id = :user_id)
  AND (CAST(:site AS text) IS NULL OR s.site = :site)
  AND (CAST(:except_session AS uuid) IS NULL OR s.id <> :except_session)
  AND (CAST(:before AS timestamptz) IS NULL OR s.authenticated_at <= :before)"""

_COUNT = text(f"SELECT count(*) FROM sessions s WHERE {_MATCH}")

_RECORD = text(
    """INSERT INTO revocations (scope, site, user_id, typed, initiating_entity, actor, reason_code, reason_admin,
      reason_user, matched, epoch, authenticated_until, marked_at)
    VALUES (:scope, :site, :user_id, :typed, :initiating_entity, :actor, :code, :admin, :user, :matched,
      CAST(:epoch AS bigint), CAST(:before AS timestamptz),
      CASE WHEN CAST(:epoch AS bigint) IS NULL THEN clock_timestamp() END) RETURNING id"""
)

# One gate closes at a time: the row stays locked until the transaction ends. Of two admins who end everyone's sessions but
# their own at once, one would otherwise not see the other's act.
_NEXT = text("UPDATE revocation_counter SET n = n + 1 RETURNING n")

# A gate only ever moves forward. An event that comes after a later one widens the gate to that one: the numbers grow.
_CLOSE = text(
    """INSERT INTO revocation_gates AS g (key, dated, epoch, authenticated_until, revocation_id)
    VALUES (:key, CAST(:before AS timestamptz) IS NOT NULL, :epoch,
      coalesce(CAST(:before AS timestamptz), 'infinity'), :revocation_id)
    ON CONFLICT (key, dated) DO UPDATE SET epoch = excluded.epoch, revocation_id = excluded.revocation_id,
      authenticated_until = greatest(g.authenticated_until, excluded.authenticated_until)
      WHERE excluded.epoch > g.epoch"""
)

# Moves the excepted session past the gate before that closes. Not where another gate has ended it: an admin who was
# revoked a moment ago must not bring the own session back.
_EXCEPT = text(
    f"UPDATE sessions s SET epoch = :epoch WHERE s.id = :except_session AND s.ended_at IS NULL AND NOT {GATED}"
)

# Locked in order, so that two acts on overlapping selections wait for each other and do not deadlock.
_END = text(
    """
WITH due AS (
  SELECT s.id FROM sessions s WHERE s.id = ANY (CAST(:ids AS uuid[])) AND s.ended_at IS NULL
    AND (CAST(:except_session AS uuid) IS NULL OR s.id <> :except_session) ORDER BY s.id FOR UPDATE
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


def count(
    connection: Connection,
    scope: Scope,
    except_session: UUID | None = None,
    before: datetime | None = None,
) -> int:
    """Return how many live sessions the scope holds now. Not for a wide scope, which may hold too many to count."""
    return int(connection.execute(_COUNT, _values(scope, except_session) | {"before": before}).scalar_one())


def lock(connection: Connection, ids: Sequence[UUID]) -> None:
    """Lock sessions in the order in which every act locks them, for a transaction that ends them one after the other."""
    connection.execute(_LOCK, {"ids": list(ids)})


def revoke(
    connection: Connection,
    scope: Scope,
    reason: Reason,
    client: Client,
    *,
    sites: tuple[str, ...],
    except_session: UUID | None = None,
    event: str = EventName.TOKEN_REVOKED,
    detail: dict[str, Any] | None = None,
    upstream: bool = True,
    before: datetime | None = None,
    limit: Limit | None = None,
    claim: Claim | None = None,
) -> UUID:
    """End the scope's sessions in the caller's transaction; returns the revocation's id, for its receipt.

    `sites`: the sites whose provider is told where the scope names none. `except_session`: a session that stays, the
    acting admin's own. `upstream=False`: the provider is not told, since it is the provider that asks for the end.
    `before`: an instant; a gate leaves sessions alone that were authenticated after it. `limit`: how far the actor may
    reach; raises TooFar beyond it, and the transaction is to be rolled back. `claim` is called last, in the same transaction, with the
    revocation's id: it raises where the act may not be done. Sessions that have ended already are left as they are: revoking twice is harmless.
    """
    reach.lock_actor(connection, limit, reason.actor)
    key = scope.gate
    epoch = connection.execute(_NEXT).scalar_one() if key else None
    if key is None:
        # Counted once nobody else can end them: of two acts on the same sessions, each counts those that it ends.
        lock(connection, scope.sessions)
    matched = 0 if scope.wide else count(connection, scope, except_session, before if key else None)
    revocation_id: UUID = connection.execute(
        _RECORD,
        {
            "scope": scope.name,
            "site": scope.site,
            "user_id": scope.user_id,
            "typed": scope.filter_text,
            "matched": matched,
            "epoch": epoch,
            "before": before if key else None,
            **vars(reason),
        },
    ).scalar_one()
    if key is None:
        values = {
            "code": reason.code,
            "except_session": except_session,
            "upstream": upstream,
        }
        values |= {"revocation_id": revocation_id, "limited": limit is not None}
        sites_ended, users_ended, reached = _end(connection, scope.sessions, values)
    else:
        if except_session:
            connection.execute(_EXCEPT, {"except_session": except_session, "epoch": epoch})
        closed = {"key": key, "revocation_id": revocation_id, "epoch": epoch, "before": before}
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
                **({"typed": scope.filter_text} if scope.filter_text else {}),
                **(detail or {}),
            },
        ),
    )
    guarded = reach.guarded_user(limit, scope.user_id, scope.site)
    reach.check(connection, limit, reason.actor, reached, guarded)
    if claim is not None:
        claim(connection, revocation_id)
    metrics.REVOCATIONS.labels(scope.name, reason.initiating_entity).inc()
    return revocation_id


def _end(
    connection: Connection, ids: Sequence[UUID], values: dict[str, Any]
) -> tuple[list[str], list[UUID | None], list[UUID]]:
    """End sessions that are locked; return the sites, the users and, where they are `limited`, the ids of those that had not ended."""
    sites: set[str] = set()
    users: set[UUID] = set()
    reached: list[UUID] = []
    for step in steps(ids):
        ended = connection.execute(_END, values | {"ids": step}).one()
        sites.update(ended.sites or ())
        users.update(ended.users or ())
        reached.extend(ended.ids or ())
    return sorted(sites), [*sorted(users)], reached


@once_more
def commit(
    db: Database,
    scopes: Sequence[Scope],
    reason: Reason,
    client: Client,
    *,
    claim: Claim | None = None,
    **options: Any,
) -> list[UUID]:
    """Run `revoke`, with its options, for each scope in one transaction: all of them end, or none. `claim` is called with the last one."""
    with db.transaction() as connection:
        return [
            revoke(connection, scope, reason, client, claim=claim if scope is scopes[-1] else None, **options)
            for scope in scopes
        ]


def revoke_and_tell(
    context: SessionContext, scope: Scope, reason: Reason, client: Client, **options: Any
) -> UUID:
    """Revoke one scope as `revoke_all_and_tell` does; return the revocation's id."""
    return revoke_all_and_tell(context, (scope,), reason, client, **options)[0]


def revoke_all_and_tell(
    context: SessionContext, scopes: Sequence[Scope], reason: Reason, client: Client, **options: Any
) -> list[UUID]:
    """Revoke in one transaction, begin the sweep behind the gates, and tell the provider at once if it answers.

    The options are those of `revoke`. Returns the revocations' ids. Raises TooFar, and changes nothing, where the scopes are together
    beyond `limit`.
    """
    made = commit(context.db, scopes, reason, client, sites=context.config.sites, **options)
    for revocation_id, scope in zip(made, scopes, strict=True):
        if scope.gate:
            _begin_sweep(context.db, revocation_id, scope)
        outbox.deliver(context.db, context.authority, revocation_id)
    return made


def _begin_sweep(db: Database, revocation_id: UUID, scope: Scope) -> None:
    """Mark the first step, for the receipt. The revocation holds already: what fails or takes long is left to the worker."""
    try:
        if scope.wide:
            gate_sweep.sweep(db)
        else:
            gate_sweep.mark(db, revocation_id, scope)
    except DBAPIError:
        log.warning("sessions behind a gate could not be marked yet", exc_info=True)


def _values(scope: Scope, except_session: UUID | None) -> dict[str, Any]:
    ids = list(scope.sessions) if scope.by_id else None
    return {"ids": ids, "user_id": scope.user_id, "site": scope.site, "except_session": except_session}
