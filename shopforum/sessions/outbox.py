"""The outbox: the revocations that the identity provider has still to be told of.

A row is sent until the provider agrees (`core/queue.py`): no lock and no connection is held while the provider is asked.
The provider's answer that a token is unknown counts as done (`authority.revoke`).

A provider that announces revocations announces ours, too. The row says when the provider was told, so that we recognise
this echo: it has the row's reach, it was made while the provider was being told, and each telling has one echo.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection, text

from ..core.database import Database, ResultRow
from ..core.queue import Queue
from .authority import Authority, AuthorityMisconfigured, AuthorityUnavailable

# Seconds that a claimed row is left alone: longer than the provider's time-outs together.
LEASE = 30
# A request that revokes waits so many seconds for the provider's answer; the worker sends what is left.
PATIENCE = 2.0

_QUEUE = Queue(
    "revocation_outbox",
    lease=LEASE,
    longest_wait=300,
    pending="done_at IS NULL",
    among="(CAST(:revocation_id AS uuid) IS NULL OR revocation_id = :revocation_id)",
    # The provider has confirmed: no later claim can change that, so the number of attempts is not compared.
    finish="UPDATE revocation_outbox SET done_at = clock_timestamp(), last_error = NULL WHERE id = :id",
    on_claim=("sent_at = clock_timestamp()", "echoed = false"),
    on_failure=("sent_at = CASE WHEN :refused THEN NULL ELSE sent_at END",),
    on_release=("sent_at = NULL",),
)

# A provider that has not answered may still be at work, for as long as the row is left alone. Each telling has one echo:
# a second announcement of the same reach is somebody else's revocation.
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
    """Return whether a revocation that the provider announces, of all sessions of a site or of a user there, is the echo
    of our own. True once for each time that the provider was told.

    `at` is the instant of the announcement by the provider's clock, `skew` how far that clock may be from the database's.
    """
    values = {"site": site, "user_id": user_id, "since": at - skew, "until": at + skew, "lease": LEASE}
    return connection.execute(_ECHO, values).first() is not None


def deliver(
    db: Database, authority: Authority, revocation_id: UUID | None = None, step: int = 20, parallel: int = 1
) -> int:
    """Send the rows that are due, at most `step` and for about PATIENCE seconds; return how many were tried.

    With `revocation_id`, only rows of that revocation are sent. `parallel` rows are sent at the same time. Sending stops at
    the first failure: a provider that is away is away for the other rows too. These stay due, before the failed one, so
    that a row which the provider never takes holds up no other.
    """
    rows = _QUEUE.claim(db, step, revocation_id=revocation_id)
    sending = _Sending(db, authority, time.monotonic() + PATIENCE)
    if parallel > 1 and len(rows) > 1:
        with ThreadPoolExecutor(parallel, "outbox") as pool:
            tried = list(pool.map(sending.send, rows))
    else:
        tried = list(map(sending.send, rows))
    _QUEUE.release(db, [row for row, was_tried in zip(rows, tried, strict=True) if not was_tried])
    if sending.bug:
        raise sending.bug
    return sum(tried)


@dataclass
class _Sending:
    """One delivery: it goes on until `deadline`, by the monotonic clock, or the first failure. `bug` is an error that is not
    the provider's, to be raised when the rows that were not tried are released.
    """

    db: Database
    authority: Authority
    deadline: float
    stopped: bool = False
    bug: Exception | None = None

    def send(self, row: ResultRow) -> bool:
        """Send one row; return whether it was tried."""
        if self.stopped:
            return False
        try:
            self.authority.revoke(
                row["site"], refresh_token_id=row["refresh_token_id"], user_id=row["user_id"]
            )
        except Exception as error:  # noqa: BLE001 - raised by `deliver`
            self.stopped = True
            # A request that the provider refused has done nothing, so no echo will come.
            refused = isinstance(error, AuthorityMisconfigured)
            _QUEUE.failed(self.db, row, str(error)[:500], refused=refused)
            if not isinstance(error, AuthorityUnavailable):
                self.bug = error
        else:
            _QUEUE.done(self.db, row)
            self.stopped = self.stopped or time.monotonic() > self.deadline
        return True
