"""Successors that were asked for from elsewhere and that no browser has shown: a sign of a careful thief, and no proof.

A thief who copied both cookies and never shows what he is given leaves such rows. A network that loses responses leaves
them, too, but they were asked for from where the browser is. Internal: see `Sessions.unclaimed`.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text

from ..core.database import Database
from .audit import Client
from .risk_signals import is_elsewhere
from .rows import Unclaimed

# A response may be under way for as long as a replaced pair is served.
_UNSHOWN = text(
    """SELECT c.session_id, host(c.asked_address) AS address, coalesce(c.asked_agent, '') AS agent,
      host(p.seen_address) AS home_address, coalesce(p.seen_agent, '') AS home_agent,
      count(*) AS times, max(c.created_at) AS last_at
    FROM session_credentials c JOIN session_credentials p ON p.session_id = c.session_id AND p.number = c.parent
    WHERE c.session_id = ANY (CAST(:ids AS uuid[])) AND c.seen_at IS NULL
      AND c.created_at <= now() - :grace * interval '1 second'
    GROUP BY c.session_id, c.asked_address, c.asked_agent, p.seen_address, p.seen_agent
    ORDER BY max(c.created_at) DESC"""
)


def of(db: Database, ids: Sequence[UUID], grace: float) -> list[Unclaimed]:
    """Return the successors of these sessions that were asked for from elsewhere and never shown, the latest first.

    Elsewhere than where the pair was first shown that they were given for (`risk_signals.is_elsewhere`). `grace` in seconds.
    """
    found: dict[tuple[UUID, str | None, str], Unclaimed] = {}
    for row in db.all(_UNSHOWN, ids=list(ids), grace=grace):
        if not is_elsewhere(row["home_address"], row["home_agent"], Client(row["address"], row["agent"])):
            continue
        key = row["session_id"], row["address"], row["agent"]
        known = found.get(key)
        times, last_at = (
            row["times"] + (known.times if known else 0),
            known.last_at if known else row["last_at"],
        )
        found[key] = Unclaimed(*key, times, last_at)
    return list(found.values())
