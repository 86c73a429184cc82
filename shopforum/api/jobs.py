"""The worker's jobs for the API. Safe to run in several workers at once."""

from ..core.database import Database
from ..core.purge import purge

# The response of a call with an Idempotency-Key is kept for a day.
_PURGE = purge("api_replays", "created_at < now() - interval '1 day'", "created_at")


def run_once(db: Database, step: int = 500) -> int:
    """Delete at most `step` old rows; returns how many."""
    return len(db.all(_PURGE, step=step))
