"""The API's chores, for the worker: what is out of date goes, in steps. Safe to run in several at once."""

from sqlalchemy import text

from ..sessions.database import Database
from . import tokens

# An answer is kept for a day; a bucket has long run empty.
_AGES = (("api_replays", "created_at"), ("api_rates", "at"))

_PURGES = tuple(
    text(
        f"""DELETE FROM {table} WHERE ctid = ANY (ARRAY(SELECT ctid FROM {table}
        WHERE {column} < clock_timestamp() - interval '1 day' LIMIT :step FOR UPDATE SKIP LOCKED)) RETURNING 1"""
    )
    for table, column in _AGES
)


def run_once(db: Database, step: int = 500) -> int:
    """Delete at most `step` rows of each table, and revoke tokens that have outlived their makers' rights; returns how many
    went.
    """
    return sum(len(db.all(purge, step=step)) for purge in _PURGES) + tokens.revoke_orphans(db)
