"""The login's chores, for the worker: what is out of date goes, in steps. Safe to run in several at once."""

from sqlalchemy import text

from ..sessions.database import Database

# Failures are forgiven after some hours, kept forms hold what people wrote, a device's cookie lives 400 days.
_AGES = (
    ("login_failures", "last_at", "2 days"),
    ("kept_forms", "created_at", "1 day"),
    ("login_devices", "last_at", "400 days"),
)

_PURGES = tuple(
    text(
        f"""DELETE FROM {table} WHERE ctid = ANY (ARRAY(SELECT ctid FROM {table}
        WHERE {column} < clock_timestamp() - interval '{age}' LIMIT :step FOR UPDATE SKIP LOCKED)) RETURNING 1"""
    )
    for table, column, age in _AGES
)


def run_once(db: Database, step: int = 500) -> int:
    """Delete at most `step` rows of each table; returns how many went."""
    return sum(len(db.all(purge, step=step)) for purge in _PURGES)
