"""Flags: suspicious uses of a session, counted by kind until an admin dismisses them."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Connection, text

from ..core.database import Database, once_more
from . import audit
from .audit import Client, Event
from .context import SessionContext
from .rows import FoundSession, SessionOwner
from .vocabulary import EventName, FlagKind, InitiatingEntity

_FLAG = text(
    """
INSERT INTO session_flags AS f (session_id, kind, last_address, last_agent)
VALUES (:id, :kind, CAST(:address AS inet), :agent)
ON CONFLICT (session_id, kind) DO UPDATE SET count = f.count + 1, last_at = clock_timestamp(),
  last_address = excluded.last_address, last_agent = excluded.last_agent,
  dismissed_at = NULL, dismissed_by = NULL, dismissed_reason = NULL
RETURNING count"""
)

_DISMISS = text(
    """WITH dismissed AS (
      UPDATE session_flags SET dismissed_at = clock_timestamp(), dismissed_by = :actor, dismissed_reason = :reason
      WHERE session_id = :id AND kind = :kind AND dismissed_at IS NULL RETURNING session_id)
    SELECT s.site, s.user_id FROM sessions s JOIN dismissed d ON d.session_id = s.id"""
)

# Flags that one act dismisses. Locked in order, so that two acts wait for each other and do not deadlock.
MOST_DISMISSED = 10_000
_DISMISS_MANY = text(
    """WITH chosen AS (
      SELECT f.session_id, f.kind FROM session_flags f
      WHERE f.session_id = ANY (CAST(:ids AS uuid[])) AND f.kind = :kind AND f.dismissed_at IS NULL
      ORDER BY f.session_id FOR UPDATE)
    UPDATE session_flags f SET dismissed_at = clock_timestamp(), dismissed_by = :actor, dismissed_reason = :reason
    FROM chosen c WHERE f.session_id = c.session_id AND f.kind = c.kind RETURNING f.session_id"""
)


def flag(
    context: SessionContext, session: FoundSession | SessionOwner, client: Client, kind: FlagKind
) -> None:
    """Count a suspicious use of a session by a client of this site."""
    note(context.db, context.event(kind, client, session.id, session.user_id, InitiatingEntity.USER))


@once_more
def note(db: Database, event: Event) -> None:
    """Count a suspicious use of the event's session, in a transaction of its own."""
    with db.transaction() as connection:
        count(connection, event)


def count(connection: Connection, event: Event) -> None:
    """Count a suspicious use of the event's session; the event's name is the kind.

    The audit row is written at the first use and at every power of two after it, so that a flood leaves a few rows.
    """
    values = {"id": event.session_id, "kind": event.event, **event.client.parameters()}
    if audit.is_sampled(connection.execute(_FLAG, values).scalar_one()):
        audit.write(connection, event)


@once_more
def dismiss(db: Database, session_id: UUID, kind: str, reason: str, actor: str, client: Client) -> bool:
    """Dismiss a flag; False where the session has no such flag, or it is dismissed already."""
    with db.transaction() as connection:
        values = {"id": session_id, "kind": kind, "reason": reason, "actor": actor}
        row = connection.execute(_DISMISS, values).first()
        if row is not None:
            event = Event(
                EventName.FLAG_DISMISSED,
                row.site,
                client,
                initiating_entity=InitiatingEntity.ADMIN,
                actor=actor,
                user_id=row.user_id,
                session_id=session_id,
                detail={"flag": kind, "reason_admin": reason},
            )
            audit.write(connection, event)
        return row is not None


@once_more
def dismiss_many(
    db: Database, session_ids: Sequence[UUID], kind: str, reason: str, actor: str, client: Client, site: str
) -> int:
    """Dismiss the flags of one kind of several sessions, at most MOST_DISMISSED; returns how many. One audit row names them."""
    with db.transaction() as connection:
        values = {"ids": list(session_ids[:MOST_DISMISSED]), "kind": kind, "reason": reason, "actor": actor}
        dismissed = sorted(str(row.session_id) for row in connection.execute(_DISMISS_MANY, values))
        if dismissed:
            event = Event(
                EventName.FLAG_DISMISSED,
                site,
                client,
                initiating_entity=InitiatingEntity.ADMIN,
                actor=actor,
                detail={
                    "flag": kind,
                    "count": len(dismissed),
                    "sessions": dismissed[: audit.NAMED],
                    "reason_admin": reason,
                },
            )
            audit.write(connection, event)
        return len(dismissed)
