"""The webhooks' chores, for the worker. Safe to run in several at once."""

from sqlalchemy import text

from ..sessions.database import Database

# Longer than FusionAuth tries to deliver. What comes again after that ends nothing that is younger than it (`taking.py`).
_FORGET = text(
    """DELETE FROM webhook_events WHERE id IN (SELECT id FROM webhook_events
    WHERE taken_at < clock_timestamp() - interval '1 day' LIMIT :step FOR UPDATE SKIP LOCKED) RETURNING 1"""
)


def run_once(db: Database, step: int = 500) -> int:
    """Forget events that are too old to be taken again; returns how many went."""
    return len(db.all(_FORGET, step=step))
