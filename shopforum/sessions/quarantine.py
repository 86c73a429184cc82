"""Quarantine, for the doubtful case: the session does not end, but nothing is served before the password is given again.

The session keeps its cookies and its token at the provider. A user who gives the password in that browser gets a new
session in its place (ASVS 5.0 7.2.4). An admin may release the session instead, and it goes on as it was.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import TextClause, text

from ..core.database import Database, once_more
from . import audit, reach
from .audit import Client, Event
from .live import LIVE, QUARANTINED
from .model import Reason
from .reach import Claim, Limit
from .scope import steps
from .vocabulary import EventName

# Locked in order, so that two acts on overlapping selections wait for each other and do not deadlock.
_ENTER = text(
    f"""
WITH due AS (
  SELECT s.id FROM sessions s WHERE s.id = ANY (CAST(:ids AS uuid[])) AND s.quarantined_at IS NULL AND {LIVE}
  ORDER BY s.id FOR UPDATE
)
UPDATE sessions s SET quarantined_at = clock_timestamp(), quarantine_reason = :code
FROM due WHERE s.id = due.id RETURNING s.id, s.site, s.user_id"""
)

_LEAVE = text(
    f"""
WITH due AS (
  SELECT s.id FROM sessions s WHERE s.id = ANY (CAST(:ids AS uuid[])) AND {QUARANTINED}
  ORDER BY s.id FOR UPDATE
)
UPDATE sessions s SET quarantined_at = NULL, quarantine_reason = NULL
FROM due WHERE s.id = due.id RETURNING s.id, s.site, s.user_id"""
)


def enter(
    db: Database,
    ids: Sequence[UUID],
    reason: Reason,
    client: Client,
    limit: Limit | None = None,
    more: dict[str, Any] | None = None,
    claim: Claim | None = None,
) -> int:
    """Put live sessions into quarantine; returns how many were not in it before. `more` is added to the detail of
    the audit row. Raises TooFar beyond the limit, and what `claim` raises, which is called last in the same transaction.
    """
    return _act(db, _ENTER, EventName.SESSION_QUARANTINED, ids, reason, client, limit, more, claim)


def leave(
    db: Database,
    ids: Sequence[UUID],
    reason: Reason,
    client: Client,
    limit: Limit | None = None,
    more: dict[str, Any] | None = None,
    claim: Claim | None = None,
) -> int:
    """Release sessions from quarantine; returns how many were in it. Raises as `enter` does."""
    return _act(db, _LEAVE, EventName.SESSION_RELEASED, ids, reason, client, limit, more, claim)


@once_more
def _act(
    db: Database,
    statement: TextClause,
    name: str,
    ids: Sequence[UUID],
    reason: Reason,
    client: Client,
    limit: Limit | None,
    more: dict[str, Any] | None,
    claim: Claim | None,
) -> int:
    with db.transaction() as connection:
        reach.lock_actor(connection, limit, reason.actor)
        rows = [
            row
            for step in steps(ids)
            for row in connection.execute(statement, {"code": reason.code, "ids": step})
        ]
        if rows:
            sites, users = {row.site for row in rows}, {row.user_id for row in rows}
            named = [str(user_id) for user_id in sorted(users)[: audit.NAMED]]
            event = Event(
                name,
                sites.pop() if len(sites) == 1 else "all",
                client,
                initiating_entity=reason.initiating_entity,
                actor=reason.actor,
                user_id=users.pop() if len(users) == 1 else None,
                session_id=rows[0].id if len(rows) == 1 else None,
                detail={
                    "sessions": [str(row.id) for row in rows[: audit.NAMED]],
                    "count": len(rows),
                    "users": named,
                    "reason": reason.code,
                    "reason_admin": reason.admin,
                    **(more or {}),
                },
            )
            audit.write(connection, event)
            reach.check(connection, limit, reason.actor, [row.id for row in rows])
        if claim is not None:
            claim(connection, None)
        return len(rows)
