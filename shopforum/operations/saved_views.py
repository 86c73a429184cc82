"""The saved views of an admin: named queries of the list of sessions. Nobody else sees them, and they end nothing."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import TextClause, text
from sqlalchemy.exc import IntegrityError

from ..core.database import Database, once_more
from ..core.rows import build

# Views of an admin; more are no help in a hurry.
MOST = 12

_OF_USER = text("SELECT id, name, query FROM saved_views WHERE user_id = :user_id ORDER BY name")
_SAVE = text(
    f"""INSERT INTO saved_views (user_id, name, query) SELECT :user_id, :name, :query
    WHERE (SELECT count(*) FROM saved_views WHERE user_id = :user_id) < {MOST} RETURNING id"""
)
_RENAME = text("UPDATE saved_views SET name = :name WHERE id = :id AND user_id = :user_id RETURNING id")
_DELETE = text("DELETE FROM saved_views WHERE id = :id AND user_id = :user_id RETURNING id")


class NotSaved(ValueError):
    """The view cannot be saved under this name. The text is for people."""


@dataclass(frozen=True)
class SavedView:
    """A saved view: its name, and the query string of the list."""

    id: UUID
    name: str
    query: str


def of_user(db: Database, user_id: UUID) -> list[SavedView]:
    """Return the views of an admin, by name."""
    return [build(SavedView, row) for row in db.all(_OF_USER, user_id=user_id)]


@once_more
def save(db: Database, user_id: UUID, name: str, query: str) -> None:
    """Save a view. Raises NotSaved for a name that the admin has given before, and beyond MOST views."""
    if not _changed(db, _SAVE, user_id=user_id, name=name, query=query):
        raise NotSaved(f"You have {MOST} views. Delete one first.")


@once_more
def rename(db: Database, user_id: UUID, view_id: UUID, name: str) -> bool:
    """Rename a view; return False where the admin has no such view. Raises NotSaved for a name of another view."""
    return _changed(db, _RENAME, user_id=user_id, id=view_id, name=name)


@once_more
def delete(db: Database, user_id: UUID, view_id: UUID) -> bool:
    """Delete a view; return False where the admin has no such view."""
    return _changed(db, _DELETE, user_id=user_id, id=view_id)


def _changed(db: Database, statement: TextClause, **values: Any) -> bool:
    try:
        return db.one(statement, **values) is not None
    except IntegrityError:
        raise NotSaved("Name: another view of yours has this name.") from None
