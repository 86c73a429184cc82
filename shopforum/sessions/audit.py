"""The audit log: one row for each act, attempt and refusal, written in the transaction of the act itself.

Event names are OWASP's (Logging Vocabulary Cheat Sheet). The field that says who began an act, `initiating_entity`, is
CAEP's. No row ever holds a cookie, a token or a password.

The seal (audit_chain.py), the feed of the API and the webhooks take the columns of a row from the table, by `COLUMNS`.
So every new column is sealed and published. docs/architecture.md says how to add one.
"""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, insert
from sqlalchemy.dialects.postgresql import INET

from ..core import metrics, user_agents
from ..core.database import Database, once_more
from . import tables
from .vocabulary import EventName, FlagKind, InitiatingEntity

# An alert sees the first of an event only where its count was 0 before.
for _name in (*EventName, *FlagKind):
    metrics.AUDIT_EVENTS.labels(_name)

# Sessions and users that one row names, at most; the count beside them is exact.
NAMED = 500

# The columns of a row: every column but the seal's own two.
COLUMNS = tuple(column.name for column in tables.audit_log.c if column.name not in ("seq", "mac"))

# COLUMNS as a list for a SELECT from `audit_log`. An address is written without its netmask.
SELECTED = ", ".join(
    f"host({name}) AS {name}" if isinstance(tables.audit_log.c[name].type, INET) else name for name in COLUMNS
)


@dataclass(frozen=True)
class Client:
    """The origin of a request. `address` is the peer's, or the one a trusted proxy names; None where unknown."""

    address: str | None = None
    agent: str = ""
    request_id: str = ""

    def parameters(self) -> dict[str, str | None]:
        """Return the client as statements bind it: `address`, `agent`, and `device`, the agent as deny rules read it."""
        return {"address": self.address, "agent": self.agent, "device": user_agents.text(self.agent)}


@dataclass(frozen=True)
class Event:
    """A row to be written. `event` is an `EventName` or a `FlagKind`; `detail` holds plain JSON values.

    Its fields and those of its client are the columns of the table, but for `id` and `at`, which the database gives.
    """

    event: str
    site: str
    client: Client
    initiating_entity: str = InitiatingEntity.SYSTEM
    actor: str = ""
    user_id: UUID | None = None
    session_id: UUID | None = None
    revocation_id: UUID | None = None
    detail: dict[str, Any] = field(default_factory=dict)

    def values(self) -> dict[str, Any]:
        """Return the row by column."""
        own = {name: value for name, value in vars(self).items() if name != "client"}
        return own | vars(self.client)


def is_sampled(count: int) -> bool:
    """Return whether the count-th event of the same kind gets a row: the first and each power of two do.

    So a flood of events leaves a trace in the log, and not a flood of rows.
    """
    return count & (count - 1) == 0


# Made once: each login writes two rows, each revocation one. Nobody reads the id that an INSERT would return.
_APPEND = insert(tables.audit_log).inline()


def write(connection: Connection, event: Event) -> None:
    """Append the event in the caller's transaction: either both happen or neither."""
    connection.execute(_APPEND, event.values())
    metrics.AUDIT_EVENTS.labels(event.event).inc()


@once_more
def append(db: Database, event: Event) -> None:
    """Append an event in a transaction of its own."""
    with db.transaction() as connection:
        write(connection, event)
