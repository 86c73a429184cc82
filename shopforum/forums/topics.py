"""Reading categories and topics. Only moderators see what is hidden."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID

from sqlalchemy import text

from ..core.database import Database
from ..core.prepared_statements import Prepared
from ..core.rows import build
from . import links
from .inbox import COUNTS, WithCounts
from .links import slug as slug_of
from .paging import NumberedList
from .person import Person, viewing
from .read_markers import FIRST_UNREAD, FRESH, JOIN_MARKERS, READ_TO, UNREAD
from .refusals import Missing

_ADD_CATEGORY = text("""
    INSERT INTO forum_categories (slug, name, description, position)
    SELECT :slug, :name, :description, coalesce(max(position), 0) + 1 FROM forum_categories
    ON CONFLICT (slug) DO NOTHING RETURNING slug
    """)
_RENAME_CATEGORY = text("""
    UPDATE forum_categories SET name = :name, description = :description WHERE slug = :slug RETURNING 1
    """)
# The counters leave out hidden topics, as the lists do.
_CATEGORY_COLUMNS = "c.id, c.slug, c.name, c.description, c.topic_count, c.post_count"
_ALL_CATEGORIES = Prepared(
    "forum_categories",
    f"""
    SELECT {_CATEGORY_COLUMNS}, l.id AS topic_id, l.title AS topic_title, l.last_post_id, l.last_post_at, l.last_post_by,
      {COUNTS}
    FROM forum_categories c LEFT JOIN LATERAL (
      SELECT id, title, last_post_id, last_post_at, last_post_by FROM forum_topics
      WHERE category_id = c.id AND NOT hidden ORDER BY last_post_id DESC LIMIT 1) l ON true
    ORDER BY c.position, c.id
    """,
)
_CATEGORY = Prepared(
    "forum_category", f"SELECT {_CATEGORY_COLUMNS}, {COUNTS} FROM forum_categories c WHERE c.slug = :slug"
)
_TOPIC_COLUMNS = """t.id, t.title, t.author_id, t.author_name, t.post_count, t.last_post_id, t.last_post_at,
      t.last_post_by, t.pinned, t.locked"""
_CHOSEN = f"{_TOPIC_COLUMNS}, t.category_id".replace("t.", "")
_UNREAD = f"{UNREAD} AS unread, {FRESH} AS fresh"
# The topics of a page are chosen first, from an index, so that only their new posts are counted.
_LATEST = Prepared(
    "forum_latest",
    f"""
    SELECT {_TOPIC_COLUMNS}, {_UNREAD}, c.slug AS category_slug, c.name AS category_name,
      (SELECT sum(topic_count) FROM forum_categories) AS total, {COUNTS}
    FROM (SELECT {_CHOSEN} FROM forum_topics WHERE NOT hidden ORDER BY last_post_id DESC LIMIT :rows OFFSET :skip) t
    JOIN forum_categories c ON c.id = t.category_id {JOIN_MARKERS} ORDER BY t.last_post_id DESC
    """,
)
_OF_CATEGORY = Prepared(
    "forum_topics_of_category",
    f"""
    SELECT {_TOPIC_COLUMNS}, {_UNREAD},
      (SELECT topic_count FROM forum_categories WHERE id = :category_id) AS total, {COUNTS}
    FROM (SELECT {_CHOSEN} FROM forum_topics WHERE category_id = :category_id AND NOT hidden
          ORDER BY pinned DESC, last_post_id DESC LIMIT :rows OFFSET :skip) t {JOIN_MARKERS}
    ORDER BY t.pinned DESC, t.last_post_id DESC
    """,
)
_TOPIC = Prepared(
    "forum_topic",
    f"""
    SELECT {_TOPIC_COLUMNS}, t.hidden, t.category_id, c.slug AS category_slug, c.name AS category_name,
      {FIRST_UNREAD} AS first_unread, {READ_TO} AS read_to,
      EXISTS (SELECT 1 FROM forum_inbox i WHERE i.user_id = :viewer AND i.topic_id = t.id AND i.read_at IS NULL
        AND i.kind <> 'moderation') AS has_message,
      EXISTS (SELECT 1 FROM forum_follows f WHERE f.user_id = :viewer AND f.topic_id = t.id) AS followed, {COUNTS}
    FROM forum_topics t JOIN forum_categories c ON c.id = t.category_id {JOIN_MARKERS} WHERE t.id = :topic_id
    """,
)


_SLUGS = text("SELECT slug FROM forum_categories ORDER BY position, id")
_NEWEST = text("SELECT id, title FROM forum_topics WHERE NOT hidden ORDER BY last_post_id DESC LIMIT :most")


@dataclass(frozen=True, kw_only=True)
class Category(WithCounts):
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
class TopicSummary:
    """The fields of a topic that its own page and the lists show."""

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


@dataclass(frozen=True, kw_only=True)
class ListedTopic(TopicSummary):
    """A topic in a list. `unread` is the number of posts that are new to the viewer, `fresh` says that all of it is new."""

    unread: int
    fresh: bool


@dataclass(frozen=True, kw_only=True)
class LatestTopic(ListedTopic):
    """A topic in the list of all categories."""

    category_slug: str
    category_name: str


@dataclass(frozen=True, kw_only=True)
class Topic(TopicSummary, WithCounts):
    """A topic on its own page.

    `first_unread` is the number of the first post that is new to the viewer, `read_to` the number up to which the viewer
    has read, `has_message` says that the viewer's inbox holds an unread message about the topic, `followed` that the viewer follows it.
    """

    hidden: bool
    category_id: int
    category_slug: str
    category_name: str
    first_unread: int | None
    read_to: int
    has_message: bool
    followed: bool


def all_categories(db: Database, viewer: Person | None = None) -> list[ListedCategory]:
    """Return every category with its counters and its last post, in the order of their positions."""
    return [build(ListedCategory, row) for row in db.all(_ALL_CATEGORIES, **viewing(viewer))]


def category(db: Database, slug: str, viewer: Person | None = None) -> Category:
    """Return a category by its slug. Raises Missing."""
    row = db.one(_CATEGORY, slug=slug, **viewing(viewer))
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


def latest(viewer: Person | None) -> NumberedList[LatestTopic]:
    """Return the list of the topics of all categories, last post first."""
    return NumberedList(_LATEST, partial(build, LatestTopic), viewing(viewer))


def of_category(category_id: int, viewer: Person | None) -> NumberedList[ListedTopic]:
    """Return the list of a category's topics: the pinned ones first, then by last post."""
    values = {**viewing(viewer), "category_id": category_id}
    return NumberedList(_OF_CATEGORY, partial(build, ListedTopic), values)


def paths(db: Database, most: int = 10_000) -> list[str]:
    """Return the paths of all categories, and of the `most` topics with the newest posts, for search engines."""
    shelves = [links.category(row["slug"]) for row in db.all(_SLUGS)]
    return shelves + [links.topic(row["id"], row["title"]) for row in db.all(_NEWEST, most=most)]


def topic(db: Database, topic_id: int, viewer: Person | None) -> Topic:
    """Return a topic. Raises Missing, also for a hidden topic if the viewer is no moderator."""
    row = db.one(_TOPIC, topic_id=topic_id, **viewing(viewer))
    if row is None or (row["hidden"] and not (viewer and viewer.moderator)):
        raise Missing
    return build(Topic, row)
