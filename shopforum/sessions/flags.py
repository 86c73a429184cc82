"""Flags: suspicious uses of a session, counted by kind until an admin dismisses them."""

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
    """Dismiss a flag; False where there is none, or it is dismissed already."""
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
