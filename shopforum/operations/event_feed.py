"""The audit log as a feed: numbers without gaps, in one order for everybody.

A row's number is given when it is sealed, not when it is written, and the newest number is moved in the transaction
of the sealing. So nothing can appear below a number that was read before: a reader who goes on from there neither
skips nor meets a row twice, however many write at once.
"""

import time

import structlog
from sqlalchemy import RowMapping, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, TEXT

from ..sessions import Sessions, audit, jobs

log = structlog.get_logger("shopforum")

# Steps of sealing in one call; a longer backlog is the worker's, and the next call's.
_STEPS = 20
_PAUSE_SECONDS = 0.01

_BACKLOG = text("SELECT EXISTS (SELECT 1 FROM audit_log WHERE seq IS NULL) AS waiting")

# The head and the rows are of one snapshot: what is numbered up to the head is all there.
_READ = text(
    f"""SELECT h.seq AS head, a.* FROM audit_head h LEFT JOIN LATERAL (
      SELECT seq, {audit.SELECTED} FROM audit_log WHERE seq > :after AND (cardinality(:types) = 0 OR event = ANY (:types))
      ORDER BY seq LIMIT :limit) a ON true ORDER BY a.seq"""
).bindparams(bindparam("types", type_=ARRAY(TEXT)))


class Ahead(Exception):
    """The cursor is beyond the newest row: the log is not the one that the reader has seen."""


def read(sessions: Sessions, after: int, types: list[str], limit: int) -> tuple[list[RowMapping], int]:
    """The next rows after a number, at most `limit`, of the given types or of all; and the number to go on from.

    What was written before the call is among the rows: it is sealed first. Raises Ahead.
    """
    _seal(sessions)
    rows = sessions.db.all(_READ, after=after, types=types, limit=limit)
    head: int = rows[0]["head"]
    if after > head:
        raise Ahead
    rows = [row for row in rows if row["seq"] is not None]
    return rows, rows[-1]["seq"] if len(rows) == limit else head


def _seal(sessions: Sessions) -> None:
    """Seal what is waiting. Where another is just at it, wait for a moment: its rows are the reader's, too."""
    for _ in range(_STEPS):
        head = jobs.seal(sessions)
        if head:
            # The witness outside the database, as the worker prints it.
            log.info("audit.sealed", head=str(head))
        elif sessions.db.all(_BACKLOG)[0]["waiting"]:
            time.sleep(_PAUSE_SECONDS)
        else:
            return
