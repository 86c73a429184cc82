"""The forums' chores, for the worker. Safe to run in several at once."""

from ..core.database import Database
from ..core.purge import purge

# Messages come in the order of their ids, so only the oldest are looked at, and no index by time is needed. What they
# tell of stays: the posts, and the log of what moderators did.
_PURGE = purge(
    "forum_inbox",
    """id <= (SELECT max(id) FROM (SELECT id FROM forum_inbox ORDER BY id LIMIT :step) oldest)
      AND created_at < now() - interval '1 year'""",
    "id",
)


def run_once(db: Database, step: int = 500) -> int:
    """Delete messages of the inbox that are a year old, at most `step`; returns how many went."""
    return len(db.all(_PURGE, step=step))
