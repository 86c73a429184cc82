"""The audit log as a feed: numbers without gaps, in one order for every reader.

A row gets its number when it is sealed, not when it is written, and the newest number moves in the transaction of the
sealing. So no row can appear below a number that was read before: a reader who goes on from there neither skips nor
repeats a row, however many processes write at once.
"""

import time

import structlog
from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, TEXT

from ..core.rows import build
from ..sessions import Sessions, audit, jobs
from .rows import AuditRow

log = structlog.get_logger("shopforum")

# Steps of sealing in one call; the worker and the next calls seal a longer backlog.
_STEPS = 20
_PAUSE_SECONDS = 0.01

_BACKLOG = text("SELECT EXISTS (SELECT 1 FROM audit_log WHERE seq IS NULL) AS waiting")

# The head and the rows are of one snapshot: all rows with numbers up to the head are there.
_READ = text(
    f"""SELECT h.seq AS head, a.* FROM audit_head h LEFT JOIN LATERAL (
      SELECT seq, {audit.SELECTED}
      FROM audit_log WHERE seq > :after AND (cardinality(:types) = 0 OR event = ANY (:types))
      ORDER BY seq LIMIT :limit) a ON true ORDER BY a.seq"""
).bindparams(bindparam("types", type_=ARRAY(TEXT)))


class Ahead(Exception):
    """The cursor is beyond the newest row: this is not the log that the reader has read."""


def read(sessions: Sessions, after: int, types: list[str], limit: int) -> tuple[list[AuditRow], int]:
    """Return the next rows after a number, at most `limit`, of the given types or of all; and the number to go on from.

    Rows written before the call are included: they are sealed first. Raises Ahead.
    """
    _seal(sessions)
    found = sessions.db.all(_READ, after=after, types=types, limit=limit)
    head: int = found[0]["head"]
    if after > head:
        raise Ahead
    # Without a row that follows, the statement returns the head alone.
    found = [row for row in found if row["seq"] is not None]
    rows = [build(AuditRow, row) for row in found]
    return rows, found[-1]["seq"] if len(found) == limit else head


def _seal(sessions: Sessions) -> None:
    """Seal the rows that wait. Where another process is sealing them, wait for a moment."""
    for _ in range(_STEPS):
        head = jobs.seal(sessions)
        if head:
            # The witness outside the database, as the worker prints it.
            log.info("audit.sealed", head=str(head))
        elif sessions.db.all(_BACKLOG)[0]["waiting"]:
            time.sleep(_PAUSE_SECONDS)
        else:
            return
