"""The forums' chores, for the worker. Safe to run in several at once."""

from sqlalchemy import text

from ..sessions.database import Database

# Messages come in the order of their ids, so only the oldest are looked at, and no index by time is needed. What they
# tell of stays: the posts, and the log of what moderators did.
_PURGE = text("""
    DELETE FROM forum_inbox WHERE id IN (
      SELECT id FROM forum_inbox ORDER BY id LIMIT :step FOR UPDATE SKIP LOCKED)
    AND created_at < clock_timestamp() - interval '1 year' RETURNING 1
    """)


def run_once(db: Database, step: int = 500) -> int:
    """Delete messages of the inbox that are a year old, at most `step`; returns how many went."""
    return len(db.all(_PURGE, step=step))
