"""The jobs of the session core, for a process beside the web server. Several processes may run them at once."""

from ..core.purge import purge
from . import audit_chain, gate_sweep, outbox
from .audit_chain import Head
from .lifecycle import Sessions

# Rows go 30 days after the absolute end: until then a spent credential that comes back is recognised.
_PURGE = purge("sessions", "absolute_end < now() - interval '30 days'", "absolute_end")


def seal(sessions: Sessions) -> Head | None:
    """Seal what the audit log has got since; the new head is for the log stream, as a witness."""
    return audit_chain.seal(sessions.db, sessions.config.secrets.audit_keys[0])


def run_once(sessions: Sessions, step: int = 200) -> int:
    """Tell the provider what is due, mark what gates have ended, purge what is old; returns how much was done."""
    told = outbox.deliver(sessions.db, sessions.authority, step=20)
    marked = gate_sweep.sweep(sessions.db)
    purged = len(sessions.db.all(_PURGE, step=step))
    return told + marked + purged
