"""Telling the identity provider of revocations until it agrees.

A row is claimed by moving its next try into the future, committed, and only then sent: no lock and no connection is
held while the provider is asked, and a worker that dies leaves a row that is due again. Several workers share the
work by SKIP LOCKED. The provider's word that a token is unknown counts as done (`authority.revoke`).
"""

import time
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import RowMapping, text

from .authority import Authority, AuthorityUnavailable
from .database import Database

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
UPDATE revocation_outbox o SET attempts = attempts + 1, next_try_at = clock_timestamp() + :lease * interval '1 second'
FROM due WHERE o.id = due.id RETURNING o.*, due.due_at"""
)

_DONE = text("UPDATE revocation_outbox SET done_at = clock_timestamp(), last_error = NULL WHERE id = :id")

_FAILED = text(
    """UPDATE revocation_outbox SET last_error = :error, next_try_at = clock_timestamp()
      + least(:longest, power(2, least(attempts - 1, 20))) * interval '1 second' WHERE id = :id AND done_at IS NULL"""
)

_RELEASED = text(
    """UPDATE revocation_outbox SET attempts = attempts - 1, next_try_at = clock_timestamp()
    WHERE id = ANY (CAST(:ids AS bigint[])) AND done_at IS NULL"""
)


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
            db.all(_FAILED, id=row["id"], error=str(error)[:500], longest=LONGEST_WAIT)
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
