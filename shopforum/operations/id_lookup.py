"""Recognize an id, the beginning of one, or an address that was pasted where a user is searched."""

import re
from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy import Column, select

from ..core import addresses
from ..core.read_only_database import ReadOnlyDatabase
from .filters import SessionFilter
from .revocation_queries import REVOCATION_ID
from .session_queries import ID, s


@dataclass(frozen=True)
class Meant:
    """The object that a pasted text names: one session, one revocation, or the sessions of another filter."""

    session_id: UUID | None = None
    revocation_id: UUID | None = None
    filter: SessionFilter | None = None


def recognize(db: ReadOnlyDatabase, chosen: SessionFilter) -> Meant | None:
    """Return what the filter's user field names; None where it is a user's name, address or whole id."""
    pasted = chosen.user
    if not pasted:
        return None
    if (block := _network(pasted)) and not chosen.ip:
        return Meant(filter=replace(chosen, user="", ip=block))
    sessions = beginning(db, ID, pasted)
    if len(sessions) == 1:
        return Meant(session_id=sessions[0])
    revocations = beginning(db, REVOCATION_ID, pasted)
    if len(revocations) == 1:
        return Meant(revocation_id=revocations[0])
    users = [] if chosen.user_id else beginning(db, s.c.user_id, pasted)
    return Meant(filter=replace(chosen, user=str(users[0]))) if len(users) == 1 else None


def sessions_beginning(db: ReadOnlyDatabase, start: str) -> list[UUID]:
    """Return at most two session ids that begin with a text."""
    return beginning(db, ID, start)


def is_beginning(start: str) -> bool:
    """Return whether a text can be the beginning of an id: 8 to 32 hexadecimal digits, with or without hyphens."""
    return bool(re.fullmatch(r"[0-9a-f]{8,32}", _digits(start)))


def beginning(db: ReadOnlyDatabase, column: Column[UUID], start: str) -> list[UUID]:
    """Return at most two ids of a column that begin with a text; none where it cannot be the beginning of an id."""
    if not is_beginning(start):
        return []
    low, high = (UUID(_digits(start).ljust(32, end)) for end in "0f")
    found = select(column.label("id")).where(column.between(low, high)).distinct().limit(2)
    return [row["id"] for row in db.all(found)]


def _digits(start: str) -> str:
    return start.replace("-", "").lower()


def _network(pasted: str) -> str | None:
    try:
        addresses.network(pasted)
    except ValueError:
        return None
    return pasted
