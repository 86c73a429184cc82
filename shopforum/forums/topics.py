"""Reading categories and topics. Only moderators see what is hidden."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select, text

from ..core.database import Database
from ..core.listing import Listing
from ..core.rows import build
from . import inbox
from .inbox import WithUnreadCount
from .links import slug as slug_of
from .person import Person
from .read_markers import with_first_unread, with_unread
from .refusals import Missing
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
# The category's columns, as a select over topics or posts names them.
CATEGORY = (categories.c.slug.label("category_slug"), categories.c.name.label("category_name"))


@dataclass(frozen=True, kw_only=True)
class Category(WithUnreadCount):
    """A category. The counters leave out hidden topics."""

    id: int
    slug: str
    name: str
    description: str
    topic_count: int
    post_count: int


@dataclass(frozen=True, kw_only=True)
class ListedCategory(Category):
    """A category in the list of all, with its last post. The fields of the last post are None if it has no topic."""

    topic_id: int | None
    topic_title: str | None
    last_post_id: int | None
    last_post_at: datetime | None
    last_post_by: str | None


@dataclass(frozen=True, kw_only=True)
class ListedTopic:
    """A topic in a list. `unread` is the number of posts that are new to the viewer, `fresh` says that all of it is new."""

    id: int
    title: str
    author_name: str
    post_count: int
    last_post_id: int
    last_post_at: datetime
    last_post_by: str
    pinned: bool
    locked: bool
    unread: int
    fresh: bool


@dataclass(frozen=True, kw_only=True)
class LatestTopic(ListedTopic):
    """A topic in the list of all categories."""

    category_slug: str
    category_name: str


@dataclass(frozen=True, kw_only=True)
class Topic(WithUnreadCount):
    """A topic on its own page.

    `first_unread` is the number of the first post that is new to the viewer, `read_to` the number up to which the viewer
    has read, `has_message` says that the viewer's inbox holds an unread message about the topic.
    """

    id: int
    title: str
    author_id: UUID
    author_name: str
    post_count: int
    last_post_id: int
    last_post_at: datetime
    last_post_by: str
    pinned: bool
    locked: bool
    hidden: bool
    category_id: int
    category_slug: str
    category_name: str
    first_unread: int | None
    read_to: int
    has_message: bool


def all_categories(db: Database, viewer: Person | None = None) -> list[ListedCategory]:
    """Return every category with its counters and its last post, in the order of their positions."""
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
        select(categories, last.c.id.label("topic_id"), last.c.title.label("topic_title"))
        .add_columns(last.c.last_post_id, last.c.last_post_at, last.c.last_post_by)
        .select_from(categories.outerjoin(last, last.c.id.is_not(None)))
        .order_by(categories.c.position, categories.c.id)
    )
    return [build(ListedCategory, row) for row in db.all(inbox.with_unread_count(statement, viewer))]


def category(db: Database, slug: str, viewer: Person | None = None) -> Category:
    """Return a category by its slug. Raises Missing."""
    statement = select(categories).where(categories.c.slug == slug)
    row = db.one(inbox.with_unread_count(statement, viewer))
    if row is None:
        raise Missing
    return build(Category, row)


def add_category(db: Database, name: str, description: str) -> str | None:
    """Add a category behind the others. Return its slug, or None if another category has that slug."""
    row = db.one(_ADD_CATEGORY, slug=slug_of(name), name=name, description=description)
    return str(row["slug"]) if row else None


def rename_category(db: Database, slug: str, name: str, description: str) -> bool:
    """Change the name and the description of a category; its address stays. Return False if there is no such category."""
    return db.one(_RENAME_CATEGORY, slug=slug, name=name, description=description) is not None


def latest(viewer: Person | None) -> Listing[LatestTopic]:
    """Return the list of the topics of all categories, last post first."""
    statement = (
        select(*_LISTED, *CATEGORY)
        .select_from(topics)
        .join(categories, categories.c.id == topics.c.category_id)
        .where(~topics.c.hidden)
    )
    return Listing(_unread(statement, viewer), (topics.c.last_post_id,), partial(build, LatestTopic))


def of_category(category_id: int, viewer: Person | None) -> Listing[ListedTopic]:
    """Return the list of a category's topics: the pinned ones first, then by last post."""
    statement = select(*_LISTED).select_from(topics)
    statement = statement.where(topics.c.category_id == category_id, ~topics.c.hidden)
    order = (topics.c.pinned, topics.c.last_post_id)
    return Listing(_unread(statement, viewer), order, partial(build, ListedTopic))


def topic(db: Database, topic_id: int, viewer: Person | None) -> Topic:
    """Return a topic. Raises Missing, also for a hidden topic if the viewer is no moderator."""
    statement = (
        select(*_LISTED, topics.c.hidden, topics.c.author_id, topics.c.category_id, *CATEGORY)
        .select_from(topics)
        .join(categories, categories.c.id == topics.c.category_id)
        .where(topics.c.id == topic_id)
    )
    marked = with_first_unread(statement, viewer.id if viewer else None)
    row = db.one(inbox.with_unread_count(marked, viewer))
    if row is None or (row["hidden"] and not (viewer and viewer.moderator)):
        raise Missing
    return build(Topic, row)


def _unread(statement: Select[Any], viewer: Person | None) -> Select[Any]:
    return with_unread(statement, viewer.id if viewer else None)
