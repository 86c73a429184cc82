"""The heart's chores, for a process beside the web server; safe to run in several at once."""

from sqlalchemy import text

from . import ledger, marking, outbox
from .ledger import Head
from .lifecycle import Sessions

# Rows go 30 days after the absolute end: until then a spent credential that comes back is recognised.
_PURGE = text(
    """DELETE FROM sessions WHERE id IN (SELECT id FROM sessions
    WHERE absolute_end < clock_timestamp() - interval '30 days' LIMIT :step FOR UPDATE SKIP LOCKED)
    RETURNING 1"""
)


def seal(sessions: Sessions) -> Head | None:
    """Seal what the audit log has got since; the new head is for the log stream, as a witness."""
    return ledger.seal(sessions.db, sessions.config.secrets.audit_keys[0])


def run_once(sessions: Sessions, step: int = 200) -> int:
    """Tell the provider what is due, mark what gates have ended, purge what is old; returns how much was done."""
    told = outbox.deliver(sessions.db, sessions.authority, step=20)
    marked = marking.sweep(sessions.db)
    purged = len(sessions.db.all(_PURGE, step=step))
    return told + marked + purged
