"""Why a session deserves a look: suspicious uses of it, counted by kind, and dismissed by who has looked."""

from uuid import UUID

from sqlalchemy import text

from ..core.database import Database, once_more
from . import audit
from .audit import Client, Event

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


@once_more
def note(db: Database, event: Event) -> None:
    """Count a suspicious use of a session; the event's name is the kind. The audit row is written at the first and at
    every power of two after it, so that a flood leaves a trail and not a flood of rows.
    """
    client = event.client
    values = {
        "id": event.session_id,
        "kind": event.event,
        "address": client.address,
        "agent": client.agent,
    }
    with db.transaction() as connection:
        count = connection.execute(_FLAG, values).scalar_one()
        if audit.is_sampled(count):
            audit.write(connection, event)


@once_more
def dismiss(db: Database, session_id: UUID, kind: str, reason: str, actor: str, client: Client) -> bool:
    """Take a flag off the list of what wants a look; False where it is not there, or off already."""
    with db.transaction() as connection:
        values = {"id": session_id, "kind": kind, "reason": reason, "actor": actor}
        row = connection.execute(_DISMISS, values).first()
        if row is not None:
            event = Event(
                "flag_dismissed",
                row.site,
                client,
                initiating_entity="admin",
                actor=actor,
                user_id=row.user_id,
                session_id=session_id,
                detail={"flag": kind, "reason_admin": reason},
            )
            audit.write(connection, event)
        return row is not None
