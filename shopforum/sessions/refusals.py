"""Refused requests: the facts about requests that were not served although their cookies belong to a session. *Explain* reads them.

A row takes a part of a session's cookies, so nobody can fill the table with made-up ones. A holder of
stolen cookies can send a flood all the same: requests of the same kind within a second are counted in one row, and each session
keeps its newest MOST rows. Internal.
"""

import logging
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DBAPIError

from .audit import Client
from .context import SessionContext
from .rows import FoundSession

log = logging.getLogger(__name__)

# Rows that a session keeps.
MOST = 100
# Days after which the worker deletes a row.
DAYS = 30

_NOTE = text(
    f"""
WITH newest AS (
  SELECT id, at, why, address, agent FROM refused_requests WHERE session_id = :session_id ORDER BY id DESC LIMIT 1
), counted AS (
  UPDATE refused_requests r SET more = r.more + 1 FROM newest n
  WHERE r.id = n.id AND n.at > clock_timestamp() - interval '1 second' AND n.why = :why
    AND n.address IS NOT DISTINCT FROM CAST(:address AS inet) AND n.agent = :agent RETURNING r.id
), crowded_out AS (
  DELETE FROM refused_requests WHERE session_id = :session_id AND id <= (
    SELECT id FROM refused_requests WHERE session_id = :session_id ORDER BY id DESC OFFSET {MOST - 1} LIMIT 1)
    AND NOT EXISTS (SELECT 1 FROM counted)
)
INSERT INTO refused_requests (session_id, site, why, request_id, address, agent, detail)
SELECT :session_id, :site, :why, :request_id, CAST(:address AS inet), :agent, :detail
WHERE NOT EXISTS (SELECT 1 FROM counted)"""
).bindparams(bindparam("detail", type_=JSONB))


def note(context: SessionContext, session_id: UUID, why: str, client: Client, **detail: Any) -> None:
    """Write down that a request with cookies of a session was refused. `why` is a flag's kind, an `EndReason`, a `State` or a
    `Withheld`; `detail` are the facts that decided, as plain JSON values.
    """
    known = {name: value for name, value in detail.items() if value is not None}
    try:
        context.db.all(
            _NOTE,
            session_id=session_id,
            site=context.config.site,
            why=why,
            request_id=client.request_id,
            address=client.address,
            agent=client.agent,
            detail=known,
        )
    except DBAPIError:
        # The request is refused as it is: a lost explanation must not turn it into an error.
        log.warning("a refused request could not be written down", exc_info=True)


def facts(found: FoundSession) -> dict[str, Any]:
    """Return the facts about the presented pair by which a request is judged, as a row keeps them."""
    return {
        "pair": found.number,
        "head": found.head,
        "replaced_seconds": None if found.replaced_age is None else round(found.replaced_age),
        "last_address": found.last_address and str(found.last_address),
        "last_agent": found.last_agent,
        "rule": found.rule_id and str(found.rule_id),
        "ended_by": found.ended_by and str(found.ended_by),
    }
