"""The jobs of the session core, for a process beside the web server. Safe to run in several processes at once."""

from ..core.backlog import Backlog
from ..core.purge import Purge
from . import audit_chain, gate_sweep, outbox
from .audit_chain import Head
from .lifecycle import Sessions

# A session's row is kept for 30 days after its absolute end: until then spent credentials that come back are recognised.
PURGES = (Purge("sessions", "absolute_end < now() - interval '30 days'", order="absolute_end", step=200),)

BACKLOGS = (
    # Rows that are not sealed yet. The id is the order of the index; rows of one moment may stand the other way round.
    Backlog("audit_log", "audit_log", since="at", order="id", pending="seq IS NULL"),
    # Revocations that FusionAuth has not confirmed yet.
    Backlog(
        "revocation_outbox",
        "revocation_outbox",
        since="created_at",
        order="next_try_at",
        pending="done_at IS NULL",
    ),
)


def seal(sessions: Sessions) -> Head | None:
    """Seal the rows that the audit log has got since the last call; return the new head of the chain.

    Log the head outside the database: it is the witness against an attacker who rewrites or cuts off the log's end.
    """
    return audit_chain.seal(sessions.db, sessions.config.secrets.audit_keys[0])


def run_once(sessions: Sessions) -> int:
    """Tell the provider of due revocations, and mark the sessions that gates have ended. Return how many rows were done."""
    return outbox.deliver(sessions.db, sessions.authority, step=20) + gate_sweep.sweep(sessions.db)
