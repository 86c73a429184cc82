"""Categories and topics, as they are read. What is hidden is there for moderators alone."""

from typing import Any

from sqlalchemy import ColumnElement, RowMapping, Select, select, text

from ..core.database import Database
from . import inbox
from .links import slug as slug_of
from .person import Missing, Person
from .read_markers import with_first_unread, with_unread
from .tables import categories, topics

_ADD_CATEGORY = text("""
    INSERT INTO forum_categories (slug, name, description, position)
    SELECT :slug, :name, :description, coalesce(max(position), 0) + 1 FROM forum_categories
    ON CONFLICT (slug) DO NOTHING RETURNING slug
    """)
_RENAME_CATEGORY = text("""
    UPDATE forum_categories SET name = :name, description = :description WHERE slug = :slug RETURNING 1
    """)
_LISTED = (
    topics.c.id,
    topics.c.title,
    topics.c.author_name,
    topics.c.post_count,
    topics.c.last_post_id,
    topics.c.last_post_at,
    topics.c.last_post_by,
    topics.c.pinned,
    topics.c.locked,
)


def all_categories(db: Database, viewer: Person | None = None) -> list[RowMapping]:
    """Every category with its counters and its last post (`topic_id` and the like are None where it is empty)."""
    last = (
        select(
            topics.c.id, topics.c.title, topics.c.last_post_id, topics.c.last_post_at, topics.c.last_post_by
        )
        .where(topics.c.category_id == categories.c.id, ~topics.c.hidden)
        .order_by(topics.c.last_post_id.desc())
        .limit(1)
        .lateral("last")
    )
    statement = (
        select(categories, last.c.id.label("topic_id"), last.c.title)
        .add_columns(last.c.last_post_id, last.c.last_post_at, last.c.last_post_by)
        .select_from(categories.outerjoin(last, last.c.id.is_not(None)))
        .order_by(categories.c.position, categories.c.id)
    )
    return db.all(inbox.along(statement, viewer))


def category(db: Database, slug: str, viewer: Person | None = None) -> RowMapping:
    """A category by its slug. Raises Missing."""
    row = db.one(inbox.along(select(categories).where(categories.c.slug == slug), viewer))
    if row is None:
        raise Missing
    return row


def add_category(db: Database, name: str, description: str) -> str | None:
    """Add a category after the others. Returns its slug, None where another has it already."""
    row = db.one(_ADD_CATEGORY, slug=slug_of(name), name=name, description=description)
    return str(row["slug"]) if row else None


def rename_category(db: Database, slug: str, name: str, description: str) -> bool:
    """Give a category another name and description; its address stays. False where there is none of that slug."""
    return db.one(_RENAME_CATEGORY, slug=slug, name=name, description=description) is not None


def latest(viewer: Person | None) -> tuple[Select[Any], list[ColumnElement[Any]]]:
    """The topics of all categories, last post first: a statement and its order, for `paging.page`."""
    statement = (
        select(*_LISTED, categories.c.slug, categories.c.name)
        .select_from(topics)
        .join(categories, categories.c.id == topics.c.category_id)
        .where(~topics.c.hidden)
    )
    return with_unread(statement, viewer.id if viewer else None), [topics.c.last_post_id]


def of_category(category_id: int, viewer: Person | None) -> tuple[Select[Any], list[ColumnElement[Any]]]:
    """A category's topics, the pinned ones first, then by last post."""
    statement = select(*_LISTED).select_from(topics)
    statement = statement.where(topics.c.category_id == category_id, ~topics.c.hidden)
    return with_unread(statement, viewer.id if viewer else None), [topics.c.pinned, topics.c.last_post_id]


def topic(db: Database, topic_id: int, viewer: Person | None) -> RowMapping:
    """A topic with its category (`slug`, `name`), `first_unread`, `read_to` and `told`. Raises Missing."""
    statement = (
        select(*_LISTED, topics.c.hidden, topics.c.author_id, topics.c.category_id)
        .add_columns(categories.c.slug, categories.c.name)
        .select_from(topics)
        .join(categories, categories.c.id == topics.c.category_id)
        .where(topics.c.id == topic_id)
    )
    row = db.one(inbox.along(with_first_unread(statement, viewer.id if viewer else None), viewer))
    if row is None or (row["hidden"] and not (viewer and viewer.moderator)):
        raise Missing
    return row
