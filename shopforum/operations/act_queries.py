"""Read the acts of sessions: what was done on one, or on all that an incident has ended, the owner's acts beside a thief's.

Orders, posts and exports are rows of their own (`sessions/acts.py`). The acts of an admin are rows of the audit log: those under the
name of a console session's user, while the session was alive.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import TextClause, column, select, text

from ..core.database import ResultRow
from ..core.listing import Listing
from ..core.rows import columns
from ..core.sites import ADMIN
from ..sessions import tables
from ..sessions.vocabulary import InitiatingEntity
from .rows import ActRow

_a = tables.acts.c
_TYPES = {
    **{name: getattr(_a, name).type for name in columns(ActRow) if name in _a},
    "user_name": tables.sessions.c.user_name.type,
    "signed_in_agent": tables.sessions.c.agent.type,
}

# OFFSET keeps the planner from reading the whole table of acts instead of these sessions' by their key.
# Of two rows of one instant each has a number of its own: those of the audit log are below 0.
_ACTS = f"""WITH s AS MATERIALIZED (SELECT * FROM sessions WHERE {{chosen}})
    SELECT a.id, a.at, s.id AS session_id, s.user_id, s.user_name, s.site, a.kind, a.reference, host(a.address) AS address, a.agent,
      host(s.address) AS signed_in_address, s.agent AS signed_in_agent
    FROM s CROSS JOIN LATERAL (SELECT * FROM session_acts x WHERE x.session_id = s.id OFFSET 0) a
    UNION ALL
    SELECT -l.id, l.at, s.id, s.user_id, s.user_name, s.site, l.event,
      coalesce(l.revocation_id::text, l.detail ->> 'rule', l.detail ->> 'incident', l.session_id::text, ''), host(l.address), l.agent,
      host(s.address), s.agent
    FROM s JOIN audit_log l ON l.actor = s.user_email AND l.actor <> '' AND l.initiating_entity = '{InitiatingEntity.ADMIN}'
      AND l.at BETWEEN s.created_at AND coalesce(s.ended_at, s.absolute_end)
    WHERE s.site = '{ADMIN}'"""

_OF_SESSION = text(_ACTS.format(chosen="id = :session_id"))
_OF_REVOCATIONS = text(_ACTS.format(chosen="revocation_id = ANY (CAST(:ids AS uuid[]))"))


def of_session(session_id: UUID) -> Listing[ActRow]:
    """Return the list of a session's acts, newest first."""
    return _listing(_OF_SESSION.bindparams(session_id=session_id))


def of_revocations(ids: Sequence[UUID]) -> Listing[ActRow]:
    """Return the list of the acts of all sessions that are marked as ended by one of these revocations, newest first."""
    return _listing(_OF_REVOCATIONS.bindparams(ids=list(ids)))


def _listing(statement: TextClause) -> Listing[ActRow]:
    found = statement.columns(*(column(name, _TYPES.get(name)) for name in columns(ActRow))).subquery("acts")
    return Listing(select(found), (found.c.at, found.c.id), _row)


def _row(row: ResultRow) -> ActRow:
    values: dict[str, Any] = dict(row)
    return ActRow(**values)
