"""The login's chores, for the worker: what is out of date goes, in steps. Safe to run in several at once."""

from ..core.database import Database
from ..core.purge import purge

# Failures are forgiven after some hours, kept forms hold what people wrote, a device's cookie lives 400 days.
_AGES = (
    ("login_failures", "last_at", "2 days"),
    ("kept_forms", "created_at", "1 day"),
    ("login_devices", "last_at", "400 days"),
)

_PURGES = tuple(purge(table, f"{column} < now() - interval '{age}'", column) for table, column, age in _AGES)


def run_once(db: Database, step: int = 500) -> int:
    """Delete at most `step` rows of each table; returns how many went."""
    return sum(len(db.all(statement, step=step)) for statement in _PURGES)
