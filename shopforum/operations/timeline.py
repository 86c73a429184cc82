"""A session's life as one list: the rows of the audit log about it, the rotations of its id, and its timeout.

Rotations and timeouts are in no audit log: rotations are too many, and nothing happens at a timeout.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from ..sessions.vocabulary import InitiatingEntity, State
from .labels import IDLED_OUT, ROTATION, TIMED_OUT
from .rows import AuditRow, PairRow, SessionRow


def tell(session: SessionRow, pairs: Sequence[PairRow], events: Sequence[AuditRow]) -> list[AuditRow]:
    """Return the timeline, latest first. Rotations in a row are one entry; `detail["times"]` counts them."""
    rotations = [
        _entry(ROTATION, session, pair.created_at, pair.seen_address, pair.seen_agent or "")
        for pair in pairs
        if pair.why == "rotation"
    ]
    entries = sorted(
        [*events, *rotations, *_timeout(session)], key=lambda row: (row.at, row.id), reverse=True
    )
    timeline: list[AuditRow] = []
    for row in entries:
        if timeline and row.event == timeline[-1].event == ROTATION:
            timeline[-1] = replace(timeline[-1], detail={"times": timeline[-1].detail["times"] + 1})
        else:
            timeline.append(row)
    return timeline


def _timeout(session: SessionRow) -> list[AuditRow]:
    """Return the timeout of a session that nobody has ended."""
    if session.ended_at or session.state not in (State.EXPIRED, State.DORMANT):
        return []
    if session.state == State.EXPIRED and session.absolute_end <= datetime.now(UTC):
        return [_entry(TIMED_OUT, session, session.absolute_end)]
    return [_entry(IDLED_OUT, session, session.idle_end)]


def _entry(
    event: str, session: SessionRow, at: datetime, address: str | None = None, agent: str = ""
) -> AuditRow:
    """Return an entry in the form of an audit row, without an id and a number."""
    return AuditRow(
        seq=None,
        id=0,
        at=at,
        event=event,
        site=session.site,
        initiating_entity=InitiatingEntity.SYSTEM,
        actor="",
        user_id=None,
        session_id=None,
        revocation_id=None,
        address=address,
        agent=agent,
        request_id="",
        detail={"times": 1},
    )
