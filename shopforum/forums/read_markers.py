"""Read markers: how far a person has read.

There are two markers: one for each topic, and one for each category that was marked as read as a whole. A post is new if
it is beyond both, written by somebody else, and not removed. A topic that the person has never opened is new for 14 days
after its last post.
"""

from uuid import UUID

from sqlalchemy import text

from ..core.database import Database

# Fragments of SQL over a topic `t` and the markers of :viewer; a visitor, NULL, has no markers.
JOIN_MARKERS = """
    LEFT JOIN forum_topic_reads r ON r.topic_id = t.id AND r.user_id = :viewer
    LEFT JOIN forum_category_reads k ON k.category_id = t.category_id AND k.user_id = :viewer"""

# The number up to which the topic was read, and the id of the post up to which its category was.
READ_TO = "coalesce(r.number, 0)"
READ_TO_POST = "coalesce(k.post_id, 0)"
_NOTHING_READ = "r.number IS NULL AND k.post_id IS NULL"

# The posts of others beyond both markers: a subquery for the rows of a page only.
_BEYOND = f"""FROM forum_posts l WHERE l.topic_id = t.id AND l.number > {READ_TO} AND l.id > {READ_TO_POST}
      AND l.author_id <> :viewer AND l.removed_at IS NULL"""

UNREAD = f"""CASE WHEN t.post_count <= {READ_TO} OR t.last_post_id <= {READ_TO_POST} OR ({_NOTHING_READ}) THEN 0
      ELSE (SELECT count(*) {_BEYOND}) END"""
FRESH = f"""coalesce(t.last_post_at > now() - interval '14 days' AND {_NOTHING_READ} AND t.author_id <> :viewer, false)"""
FIRST_UNREAD = f"(SELECT min(l.number) {_BEYOND})"

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
