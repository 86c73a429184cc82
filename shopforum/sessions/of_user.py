"""One person's sessions on a site: the list that its owner sees, and how many there may be."""

from uuid import UUID

from sqlalchemy import Connection, RowMapping, text

from .database import Database
from .records import GATED, STATE

_LIVE = f"""s.user_id = :user_id AND s.site = :site AND s.ended_at IS NULL AND s.absolute_end > now()
    AND NOT {GATED}"""

_LISTED = text(
    f"SELECT s.*, {STATE} AS state FROM sessions s WHERE {_LIVE} ORDER BY s.last_seen_at DESC LIMIT 200"
)

_HAS = text("SELECT 1 FROM sessions WHERE id = :id AND user_id = :user_id AND site = :site")

_EXCESS = text(
    f"""SELECT s.id FROM sessions s WHERE {_LIVE} AND s.id IS DISTINCT FROM CAST(:leaving AS uuid)
    ORDER BY s.last_seen_at DESC, s.created_at DESC OFFSET :keep"""
)


def listed(db: Database, user_id: UUID, site: str) -> list[RowMapping]:
    """A user's live sessions on a site, with their `state`, last seen first; at most 200."""
    return db.all(_LISTED, user_id=user_id, site=site)


def has(db: Database, user_id: UUID, site: str, session_id: UUID) -> bool:
    """Whether the session is or was the user's on this site."""
    return db.one(_HAS, id=session_id, user_id=user_id, site=site) is not None


def excess(
    connection: Connection, user_id: UUID, site: str, keep: int, leaving: UUID | None
) -> tuple[UUID, ...]:
    """The user's live sessions on the site beyond the `keep` last used, not counting one that is `leaving` anyway."""
    values = {"user_id": user_id, "site": site, "keep": keep, "leaving": leaving}
    return tuple(connection.execute(_EXCESS, values).scalars())
