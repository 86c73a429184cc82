"""What was pasted where a user is looked for, but is something else: an id, or the beginning of one, or an address."""

import re
from uuid import UUID

from sqlalchemy import Column, select

from ..core import addresses
from ..core.read_only_database import ReadOnlyDatabase
from ..sessions import tables
from .filters import SessionFilter
from .session_queries import s


def leads_to(db: ReadOnlyDatabase, chosen: SessionFilter) -> str | None:
    """The page that is meant, as a path, or None where it is a user that is looked for."""
    typed = chosen.user
    if _is_network(typed) and not chosen.ip:
        return f"/sessions?{chosen.query(user='', ip=typed)}"
    for column, path in ((s.c.id, "/sessions/"), (tables.revocations.c.id, "/revocations/")):
        found = beginning(db, column, typed)
        if len(found) == 1:
            return f"{path}{found[0]}"
    users = [] if chosen.user_id else beginning(db, s.c.user_id, typed)
    return f"/sessions?{chosen.query(user=str(users[0]))}" if len(users) == 1 else None


def beginning(db: ReadOnlyDatabase, column: Column[UUID], typed: str) -> list[UUID]:
    """At most two ids that begin as it was typed: in 8 hexadecimal digits or more, with or without hyphens."""
    digits = typed.replace("-", "").lower()
    if not re.fullmatch(r"[0-9a-f]{8,32}", digits):
        return []
    low, high = (UUID(digits.ljust(32, end)) for end in "0f")
    return [
        row["id"]
        for row in db.all(select(column.label("id")).where(column.between(low, high)).distinct().limit(2))
    ]


def _is_network(typed: str) -> bool:
    try:
        addresses.network(typed)
    except ValueError:
        return False
    return True
