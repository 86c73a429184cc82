"""Read markers: how far a person has read.

There are two markers: one for each topic, and one for each category that was marked as read as a whole. A post is new if
it is beyond both, written by somebody else, and not removed. A topic that the person has never opened is new for 14 days
after its last post.
"""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, case, exists, func, literal, null, or_, select, text

from ..core.database import Database
from .tables import category_reads, inbox, posts, topic_reads, topics

_FRESH = text("interval '14 days'")
_later = posts.alias("later")

# Messages about those posts are read with the posts.
_MARK_TOPIC = text("""
    WITH told AS (
      UPDATE forum_inbox i SET read_at = clock_timestamp()
      WHERE i.user_id = :user_id AND i.topic_id = :topic_id AND i.read_at IS NULL AND i.kind <> 'moderation'
        AND EXISTS (SELECT 1 FROM forum_posts p WHERE p.id = i.post_id AND p.number <= :number))
    INSERT INTO forum_topic_reads AS r (user_id, topic_id, number) VALUES (:user_id, :topic_id, :number)
    ON CONFLICT (user_id, topic_id) DO UPDATE SET number = excluded.number WHERE r.number < excluded.number
    """)

_MARK_CATEGORY = text("""
    INSERT INTO forum_category_reads AS r (user_id, category_id, post_id)
    SELECT :user_id, id, (SELECT coalesce(max(id), 0) FROM forum_posts) FROM forum_categories WHERE slug = :slug
    ON CONFLICT (user_id, category_id) DO UPDATE SET post_id = greatest(r.post_id, excluded.post_id)
    RETURNING r.category_id
    """)


def mark_topic(db: Database, user_id: UUID, topic_id: int, number: int) -> None:
    """Note that a person has read a topic up to a post's number. The marker never moves back."""
    db.all(_MARK_TOPIC, user_id=user_id, topic_id=topic_id, number=number)


def mark_category(db: Database, user_id: UUID, slug: str) -> bool:
    """Mark all current posts of a category as read. Return False if there is no such category."""
    return db.one(_MARK_CATEGORY, user_id=user_id, slug=slug) is not None


def with_unread(statement: Select[Any], viewer: UUID | None) -> Select[Any]:
    """Add to a select over topics: `unread`, the number of new posts, and `fresh`, whether all of the topic is new."""
    if viewer is None:
        return statement.add_columns(literal(0).label("unread"), literal(False).label("fresh"))
    number, post_id = func.coalesce(topic_reads.c.number, 0), func.coalesce(category_reads.c.post_id, 0)
    nothing_read = and_(topic_reads.c.number.is_(None), category_reads.c.post_id.is_(None))
    read = or_(topics.c.post_count <= number, topics.c.last_post_id <= post_id, nothing_read)
    fresh = and_(topics.c.last_post_at > func.now() - _FRESH, nothing_read, topics.c.author_id != viewer)
    return join_markers(statement, viewer).add_columns(
        case((read, 0), else_=_beyond(func.count(), number, post_id, viewer)).label("unread"),
        fresh.label("fresh"),
    )


def with_first_unread(statement: Select[Any], viewer: UUID | None) -> Select[Any]:
    """Add to a select over topics: `first_unread`, the number of the first new post or None; `read_to`, the topic's own
    marker; `has_message`, whether the inbox holds an unread message about the topic.
    """
    if viewer is None:
        nothing = (
            null().label("first_unread"),
            literal(0).label("read_to"),
            literal(False).label("has_message"),
        )
        return statement.add_columns(*nothing)
    number, post_id = func.coalesce(topic_reads.c.number, 0), func.coalesce(category_reads.c.post_id, 0)
    return join_markers(statement, viewer).add_columns(
        _beyond(func.min(_later.c.number), number, post_id, viewer).label("first_unread"),
        number.label("read_to"),
        exists()
        .where(inbox.c.user_id == viewer, inbox.c.topic_id == topics.c.id, inbox.c.read_at.is_(None))
        .where(inbox.c.kind != "moderation")
        .label("has_message"),
    )


def join_markers(statement: Select[Any], viewer: UUID) -> Select[Any]:
    """Join a select over topics with a person's markers."""
    mine = and_(topic_reads.c.topic_id == topics.c.id, topic_reads.c.user_id == viewer)
    whole = and_(category_reads.c.category_id == topics.c.category_id, category_reads.c.user_id == viewer)
    return statement.outerjoin(topic_reads, mine).outerjoin(category_reads, whole)


def _beyond(what: Any, number: ColumnElement[int], post_id: ColumnElement[int], viewer: UUID) -> Any:
    """Select something about the posts of others (`_later`) beyond both markers: a subquery for the rows of a page only."""
    return (
        select(what)
        .where(_later.c.topic_id == topics.c.id, _later.c.number > number, _later.c.id > post_id)
        .where(_later.c.author_id != viewer, _later.c.removed_at.is_(None))
        .correlate(topics, topic_reads, category_reads)
        .scalar_subquery()
    )
