"""A session's life as one list: the trail's rows about it, and between them the replacements of its id, which are too
many for a trail.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

# A row of a result, or a dict that has the same keys.
Row = Any

# As a row of the trail has it, for what is in no trail.
_EMPTY = dict.fromkeys(("actor", "address", "agent", "session_id", "revocation_id", "id"))


def tell(session: Row, pairs: Sequence[Row], events: Sequence[Row]) -> list[Row]:
    """All of it, latest first, as rows of the trail are. Replacements in a row are one entry, with how many `times`."""
    rotations = [
        _entry("rotation", session, pair["created_at"], pair["seen_address"], pair["seen_agent"])
        for pair in pairs
        if pair["why"] == "rotation"
    ]
    told = [*events, *rotations, *_timed_out(session)]
    told.sort(key=lambda row: (row["at"], row["id"] or 0), reverse=True)
    story: list[Row] = []
    for row in told:
        if story and row["event"] == story[-1]["event"] == "rotation":
            story[-1] = {**story[-1], "detail": {"times": story[-1]["detail"]["times"] + 1}}
        else:
            story.append(row)
    return story


def _entry(event: str, session: Row, at: Any, address: Any = None, agent: Any = None) -> Row:
    named = {"event": event, "at": at, "site": session["site"], "initiating_entity": "system"}
    return {**_EMPTY, **named, "address": address, "agent": agent, "detail": {"times": 1}}


def _timed_out(session: Row) -> list[Row]:
    """The end that nobody brought about: its time was over."""
    if session["ended_at"] or session["state"] not in ("expired", "dormant"):
        return []
    over = session["state"] == "expired" and session["absolute_end"] <= datetime.now(UTC)
    return [
        _entry("timed_out" if over else "idled_out", session, session["absolute_end" if over else "idle_end"])
    ]
