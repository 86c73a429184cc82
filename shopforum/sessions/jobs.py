"""The jobs of the session core, for a process beside the web server. Safe to run in several processes at once."""

from ..core.backlog import Backlog
from ..core.keyed import Keyed
from ..core.purge import Purge
from . import acts, audit_chain, gate_sweep, outbox, refusals
from .audit_chain import Head
from .lifecycle import Sessions
from .live import UNENDED

# Messages that are claimed at a time, and sent to the provider at the same time.
_STEP, _PARALLEL = 40, 4

# The instant before which no session of those left was created. A day is for logins that were in flight, and for a clock that
# was set back; without old sessions it lies 31 days ago.
_BEFORE_ALL = "(least((SELECT min(created_at) FROM sessions), now() - interval '30 days') - interval '1 day')"
_BEFORE_UNENDED = """(least((SELECT min(created_at) FROM sessions WHERE ended_at IS NULL), now() - interval '30 days')
      - interval '1 day')"""

PURGES = (
    # Kept for 30 days after the absolute end: until then spent credentials that come back are recognised.
    Purge("sessions", "absolute_end < now() - interval '30 days'", order="absolute_end", step=200),
    # Challenges and bound cookies are worth nothing after their end.
    Purge("session_challenges", "expires_at < now()", order="expires_at"),
    Purge("session_bound_cookies", "expires_at < now()", order="expires_at"),
    *acts.PURGES,
    Purge("refused_requests", f"at < now() - interval '{refusals.DAYS} days'", order="at"),
    # A gate goes when every session that is older than the gate is marked as ended or deleted: nothing is left to come
    # back. Gates are compared by the number of the latest that closed before that instant.
    Purge(
        "revocation_gates",
        f"""epoch <= (SELECT epoch FROM revocations WHERE epoch IS NOT NULL AND created_at < {_BEFORE_UNENDED}
          ORDER BY created_at DESC LIMIT 1)""",
        order="epoch",
    ),
    # A receipt goes when it is older than every session, so that it can have ended none of those left; first its messages,
    # of which there may be ten thousand, then itself. One that has still to reach the provider stays.
    Purge("revocation_outbox", f"done_at < {_BEFORE_ALL}", order="done_at"),
    Purge(
        "revocations",
        f"""created_at < {_BEFORE_ALL} AND marked_at IS NOT NULL
        AND (epoch IS NULL OR epoch < coalesce((SELECT min(epoch) FROM revocation_gates), epoch + 1))
        AND NOT EXISTS (SELECT 1 FROM revocation_outbox o WHERE o.revocation_id = revocations.id)""",
        order="created_at",
    ),
)

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

_PAIRS = "session_credentials c JOIN sessions s ON s.id = c.session_id WHERE"
_HEAD = f"(c.number = s.head AND {UNENDED})"

KEYED = (
    Keyed("live sessions", f"{_PAIRS} {_HEAD}", "c.key_id", "s.absolute_end", "are signed out"),
    Keyed(
        "earlier pairs of sessions",
        f"{_PAIRS} NOT {_HEAD}",
        "c.key_id",
        "s.absolute_end + interval '30 days'",
        "are not recognized when a thief presents them",
        needed=False,
    ),
)


def seal(sessions: Sessions) -> Head | None:
    """Seal the rows that the audit log has got since the last call; return the new head of the chain.

    Log the head outside the database: it is the witness against an attacker who rewrites or cuts off the log's end.
    """
    return audit_chain.seal(sessions.db, sessions.config.secrets.audit_keys[0])


def deliver(sessions: Sessions) -> int:
    """Tell the provider of due revocations; return how many messages were tried."""
    return outbox.deliver(sessions.db, sessions.authority, step=_STEP, parallel=_PARALLEL)


def sweep(sessions: Sessions) -> int:
    """Mark sessions that gates have ended; return how many."""
    return gate_sweep.sweep(sessions.db)


def run_once(sessions: Sessions) -> int:
    """Do one step of `deliver` and of `sweep`, for a host application with one loop; return how many rows were done."""
    return deliver(sessions) + sweep(sessions)
