"""What each endpoint was told, what it still waits for, and telling it again.

No row is kept for a message: the log is told in its order, so how far an endpoint has come says it for all of them.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import RowMapping, text

from ..core.database import Database, once_more
from ..sessions.audit import Event, write
from .settings import Endpoint

# Looking for an endpoint's messages stops after so many rows of the log.
_LOOKED_AT = 5_000

_HOW_FAR = text(
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

# The lease is taken from a worker that is in the middle of it: it stops at its next message.
_AGAIN = text(
    """UPDATE webhook_endpoints SET seq = least(seq, :seq - 1), attempts = 0, last_error = NULL, lease = NULL,
      next_try_at = clock_timestamp()
    WHERE name = :name AND since < :seq AND :seq <= (SELECT seq FROM audit_head) RETURNING seq"""
)


def how_far(db: Database, endpoint: Endpoint) -> RowMapping | None:
    """A row of `webhook_endpoints` with the log's `head` and how many messages are `waiting`, at most 5,000; None where
    no worker has seen the endpoint yet.
    """
    return db.one(_HOW_FAR, name=endpoint.name, events=sorted(endpoint.events), looked_at=_LOOKED_AT)


def latest(db: Database, endpoint: Endpoint) -> Sequence[RowMapping]:
    """The latest 20 messages, newest first, each with its `state`: delivered, failing or waiting."""
    return db.all(_LATEST, name=endpoint.name, events=sorted(endpoint.events), looked_at=_LOOKED_AT)


@once_more
def again(db: Database, endpoint: Endpoint, seq: int, event: Event) -> bool:
    """Have an endpoint told of row `seq` and all after it, at once. False where it was never to be told of that one.

    `event` is the audit log's word of it.
    """
    with db.transaction() as connection:
        values: dict[str, Any] = {"name": endpoint.name, "seq": seq}
        found = connection.execute(_AGAIN, values).first()
        if found is not None:
            write(connection, event)
        return found is not None
