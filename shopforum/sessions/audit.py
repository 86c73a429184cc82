"""The audit log: one row for each thing done, tried or refused, written in the transaction of the thing itself.

Event names are OWASP's (Logging Vocabulary Cheat Sheet), the fields that say who began it are CAEP's
(`initiating_entity`). No row ever holds a cookie, a token or a password.
"""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, insert

from ..core.database import Database, once_more
from . import tables

# As many sessions as one row names; their count beside them is exact.
NAMED = 500


@dataclass(frozen=True)
class Client:
    """Where a request came from. `address` is the peer's, or what a trusted proxy says; None where unknown."""

    address: str | None = None
    agent: str = ""
    request_id: str = ""


@dataclass(frozen=True)
class Event:
    """One row to be. `event` is a name from the vocabulary above, `detail` plain JSON values."""

    event: str
    site: str
    client: Client
    initiating_entity: str = "system"
    actor: str = ""
    user_id: UUID | None = None
    session_id: UUID | None = None
    revocation_id: UUID | None = None
    detail: dict[str, Any] = field(default_factory=dict)


def is_sampled(count: int) -> bool:
    """Return whether the count-th event of the same kind gets a row: the first and each power of two do.

    So a flood of events leaves a trace in the log, and not a flood of rows.
    """
    return count & (count - 1) == 0


def write(connection: Connection, event: Event) -> None:
    """Append the event in the caller's transaction: either both happen or neither."""
    connection.execute(
        insert(tables.audit_log).values(
            event=event.event,
            site=event.site,
            initiating_entity=event.initiating_entity,
            actor=event.actor,
            user_id=event.user_id,
            session_id=event.session_id,
            revocation_id=event.revocation_id,
            address=event.client.address,
            agent=event.client.agent,
            request_id=event.client.request_id,
            detail=event.detail,
        )
    )


@once_more
def append(db: Database, event: Event) -> None:
    """Append an event that stands by itself."""
    with db.transaction() as connection:
        write(connection, event)
