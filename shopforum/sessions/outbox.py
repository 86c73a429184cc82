"""Telling the identity provider of revocations until it agrees.

A row is claimed by moving its next try into the future, committed, and only then sent: no lock and no connection is
held while the provider is asked, and a worker that dies leaves a row that is due again. Several workers share the
work by SKIP LOCKED. The provider's word that a token is unknown counts as done (`authority.revoke`).

A provider that announces revocations announces ours, too. The row says when the provider was told, so that we know the
echo: it has the row's reach, it was made while the provider was being told, and each telling has one.
"""

import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection, RowMapping, text

from ..core.database import Database
from .authority import Authority, AuthorityMisconfigured, AuthorityUnavailable

# Seconds that a claimed row is left alone: longer than the provider's time-outs together.
LEASE = 30
# A row waits 1, 2, 4 … seconds between tries, at most this many, for as long as it takes.
LONGEST_WAIT = 300
# Whoever revokes waits so many seconds for the provider's word; what is left is the worker's.
PATIENCE = 2.0

_CLAIM = text(
    """
WITH due AS MATERIALIZED (
  SELECT id, next_try_at AS due_at FROM revocation_outbox WHERE done_at IS NULL AND next_try_at <= now()
    AND (CAST(:revocation_id AS uuid) IS NULL OR revocation_id = :revocation_id)
  ORDER BY next_try_at LIMIT :step FOR UPDATE SKIP LOCKED
)
UPDATE revocation_outbox o SET attempts = attempts + 1, next_try_at = clock_timestamp() + :lease * interval '1 second',
  sent_at = clock_timestamp(), echoed = false
FROM due WHERE o.id = due.id RETURNING o.*, due.due_at"""
)

_DONE = text("UPDATE revocation_outbox SET done_at = clock_timestamp(), last_error = NULL WHERE id = :id")

_FAILED = text(
    """UPDATE revocation_outbox SET last_error = :error, next_try_at = clock_timestamp()
      + least(:longest, power(2, least(attempts - 1, 20))) * interval '1 second',
      sent_at = CASE WHEN :refused THEN NULL ELSE sent_at END
    WHERE id = :id AND done_at IS NULL"""
)

_RELEASED = text(
    """UPDATE revocation_outbox SET attempts = attempts - 1, next_try_at = clock_timestamp(), sent_at = NULL
    WHERE id = ANY (CAST(:ids AS bigint[])) AND done_at IS NULL"""
)


# A provider that has not answered may still be at it, for as long as the row is left alone. Each telling has one echo: a
# second announcement of the same reach is somebody else's revocation.
_ECHO = text(
    """
UPDATE revocation_outbox SET echoed = true WHERE id = (
  SELECT o.id FROM revocation_outbox o
  WHERE o.refresh_token_id IS NULL AND NOT o.echoed AND o.site = :site
    AND o.user_id IS NOT DISTINCT FROM CAST(:user_id AS uuid)
    AND o.sent_at BETWEEN CAST(:since AS timestamptz) - :lease * interval '1 second' AND CAST(:until AS timestamptz)
    AND (o.done_at IS NULL OR o.done_at >= :since)
  ORDER BY o.sent_at LIMIT 1 FOR UPDATE)
RETURNING 1"""
)


def take_echo(
    connection: Connection, site: str | None, user_id: UUID | None, at: datetime, skew: timedelta
) -> bool:
    """Whether a revocation that the provider announces is our own, of all of a site's or a user's sessions there, coming
    back. True once for each time that the provider was told.

    `at` is the instant of the announcement by the provider's clock, `skew` how far that may be from the database's.
    """
    values = {"site": site, "user_id": user_id, "since": at - skew, "until": at + skew, "lease": LEASE}
    return connection.execute(_ECHO, values).first() is not None


def deliver(db: Database, authority: Authority, revocation_id: UUID | None = None, step: int = 20) -> int:
    """Send what is due, at most `step` rows and for about PATIENCE seconds, or only those of one revocation; returns
    how many were tried.

    Stops at the first failure: a provider that is away is away for the other rows too. These stay due, before the
    failed one, so that a row which the provider never takes holds up no other.
    """
    tried = 0
    deadline = time.monotonic() + PATIENCE
    # An UPDATE returns its rows in no order; whoever has waited longest goes first.
    claimed = db.all(_CLAIM, revocation_id=revocation_id, step=step, lease=LEASE)
    rows = sorted(claimed, key=lambda row: (row["due_at"], row["id"]))
    for position, row in enumerate(rows):
        tried += 1
        try:
            authority.revoke(row["site"], refresh_token_id=row["refresh_token_id"], user_id=row["user_id"])
        except Exception as error:
            # Refused, it has done nothing that could come back.
            refused = isinstance(error, AuthorityMisconfigured)
            db.all(_FAILED, id=row["id"], error=str(error)[:500], longest=LONGEST_WAIT, refused=refused)
            _release(db, rows[position + 1 :])
            if not isinstance(error, AuthorityUnavailable):
                # A fault of ours, to be seen; the rows behind it go on all the same.
                raise
            break
        db.all(_DONE, id=row["id"])
        if time.monotonic() > deadline:
            _release(db, rows[position + 1 :])
            break
    return tried


def _release(db: Database, rows: Sequence[RowMapping]) -> None:
    db.all(_RELEASED, ids=[row["id"] for row in rows])
