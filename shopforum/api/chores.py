"""The API's chores, for the worker: what is out of date goes, in steps. Safe to run in several at once."""

from ..sessions.database import Database
from ..sessions.purging import purge
from . import tokens

# An answer is kept for a day; a bucket has long run empty.
_AGES = (("api_replays", "created_at"), ("api_rates", "at"))

_PURGES = tuple(purge(table, f"{column} < now() - interval '1 day'", column) for table, column in _AGES)


def run_once(db: Database, step: int = 500) -> int:
    """Delete at most `step` rows of each table, and revoke tokens that have outlived their makers' rights; returns how many
    went.
    """
    return sum(len(db.all(statement, step=step)) for statement in _PURGES) + tokens.revoke_orphans(db)
