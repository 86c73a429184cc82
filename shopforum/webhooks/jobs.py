"""The webhooks' chores, for the worker. Safe to run in several at once."""

from ..core.database import Database
from ..core.purge import purge

# Longer than FusionAuth tries to deliver. What comes again after that ends nothing that is younger than it (`taking.py`).
_FORGET = purge("webhook_events", "taken_at < now() - interval '1 day'", "taken_at")


def run_once(db: Database, step: int = 500) -> int:
    """Forget events that are too old to be taken again; returns how many went."""
    return len(db.all(_FORGET, step=step))
