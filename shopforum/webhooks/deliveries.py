"""Deliveries: the position of each endpoint in the audit log, its latest messages, and redelivery.

No row is stored for a message: the log is sent in its order, so the endpoint's position says which messages were delivered.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text

from ..core import backlog
from ..core.backlog import Waiting
from ..core.database import Database, once_more
from ..core.rows import build
from ..sessions.audit import Event, write
from .settings import Endpoint

# The search for an endpoint's messages stops after so many rows of the log.
_LOOKED_AT = 5_000

_POSITION = text(
    """SELECT e.*, h.seq AS head, (SELECT count(*) FROM (SELECT 1 FROM audit_log a WHERE a.seq > e.seq
      AND a.seq <= e.seq + :looked_at AND a.event = ANY (:events)) w) AS waiting
    FROM webhook_endpoints e CROSS JOIN audit_head h WHERE e.name = :name"""
)

_LATEST = text(
    """SELECT a.seq, a.at, a.event, a.site, CASE WHEN a.seq <= e.seq THEN 'delivered'
      WHEN e.attempts > 0 AND lag(a.seq, 1, e.seq) OVER (ORDER BY a.seq) <= e.seq THEN 'failing'
      ELSE 'waiting' END AS state
    FROM webhook_endpoints e JOIN audit_log a ON a.seq > greatest(e.since, (SELECT seq FROM audit_head) - :looked_at)
      AND a.event = ANY (:events)
    WHERE e.name = :name ORDER BY a.seq DESC LIMIT 20"""
)

_BEHIND = text(
    f"""SELECT e.name, least(h.seq - e.seq, {backlog.MOST}) AS n, (SELECT extract(epoch FROM clock_timestamp() - a.at)
      FROM audit_log a WHERE a.seq > e.seq ORDER BY a.seq LIMIT 1) AS seconds
    FROM webhook_endpoints e CROSS JOIN audit_head h WHERE e.name = ANY (:names)"""
)

# A worker that is serving the endpoint loses its lease, and stops at its next message.
_REDELIVER = text(
    """UPDATE webhook_endpoints SET seq = least(seq, :seq - 1), attempts = 0, last_error = NULL, lease = NULL,
      next_try_at = clock_timestamp()
    WHERE name = :name AND since < :seq AND :seq <= (SELECT seq FROM audit_head) RETURNING seq"""
)


@dataclass(frozen=True)
class Position:
    """The progress of an endpoint: `seq` is the last row of the log that it got, `head` the log's last row.

    `waiting` counts the messages that it has still to get, at most 5,000. `attempts` counts the failures since the last
    success, `told_at` is the instant of that success.
    """

    seq: int
    head: int
    waiting: int
    attempts: int
    last_error: str | None
    next_try_at: datetime
    told_at: datetime | None


@dataclass(frozen=True)
class Message:
    """A message to an endpoint. `state` is delivered, failing or waiting."""

    seq: int
    at: datetime
    event: str
    site: str
    state: str


def position(db: Database, endpoint: Endpoint) -> Position | None:
    """Return an endpoint's position, or None if no worker has seen the endpoint yet."""
    row = db.one(_POSITION, name=endpoint.name, events=sorted(endpoint.events), looked_at=_LOOKED_AT)
    return build(Position, row) if row else None


def latest(db: Database, endpoint: Endpoint) -> list[Message]:
    """Return the latest 20 messages to an endpoint, newest first."""
    rows = db.all(_LATEST, name=endpoint.name, events=sorted(endpoint.events), looked_at=_LOOKED_AT)
    return [build(Message, row) for row in rows]


def backlogs(db: Database, names: Sequence[str]) -> list[Waiting]:
    """Return how many sealed rows each of these endpoints is behind, whether it gets a message about them or not."""
    rows = db.all(_BEHIND, names=list(names))
    return [Waiting(row["name"], row["n"], max(0.0, float(row["seconds"] or 0))) for row in rows]


@once_more
def redeliver(db: Database, endpoint: Endpoint, seq: int, event: Event) -> bool:
    """Have the message about row `seq`, and all messages after it, sent to an endpoint again, at once.

    Return False if the endpoint was never to get that message. `event` is written to the audit log otherwise.
    """
    with db.transaction() as connection:
        values: dict[str, Any] = {"name": endpoint.name, "seq": seq}
        found = connection.execute(_REDELIVER, values).first()
        if found is not None:
            write(connection, event)
        return found is not None
