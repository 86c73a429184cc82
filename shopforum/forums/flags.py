"""Reports of posts: readers make them, moderators settle them."""

from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, Select, func, select, text

from ..core.database import Database
from . import members
from . import posts as reading
from .person import Missing, Person
from .tables import flags, posts, topics

REASONS = {
    "spam": "It advertises something",
    "rude": "It is rude or hurtful",
    "off-topic": "It does not belong here",
    "private": "It tells something private",
    "other": "Something else",
}

# So many reports of one person can wait at a time: nobody buries the queue.
MOST_OPEN = 20

_FLAG = text("""
    WITH theirs AS (SELECT count(*) AS open FROM forum_flags WHERE user_id = :user_id AND settled_at IS NULL),
    made AS (
      INSERT INTO forum_flags (post_id, user_id, user_name, reason, note)
      SELECT :post_id, :user_id, :user_name, :reason, :note FROM theirs WHERE open < :most
      ON CONFLICT (post_id, user_id) WHERE settled_at IS NULL DO NOTHING)
    SELECT open < :most AS accepted FROM theirs
    """)
_SETTLE = text("""
    UPDATE forum_flags f SET settled_at = clock_timestamp(), outcome = :outcome FROM forum_posts p
    WHERE f.post_id = :post_id AND f.settled_at IS NULL AND p.id = f.post_id RETURNING p.topic_id
    """)


def reportable(db: Database, post_id: int, person: Person) -> RowMapping:
    """A post that somebody may report. Raises Missing, for one's own too."""
    row = reading.post(db, post_id, person)
    if row["author_id"] == person.id or row["removed_at"] is not None:
        raise Missing
    return row


def flag(db: Database, post_id: int, person: Person, reason: str, note: str) -> bool:
    """Report a `reportable` post; a second report of it by the same person changes nothing. False, and nothing done,
    where too many of theirs wait.
    """
    who = {"user_id": person.id, "user_name": person.name, "most": MOST_OPEN}
    return bool(db.only(_FLAG, post_id=post_id, reason=reason, note=note, **who)["accepted"])


def of_post(db: Database, post_id: int) -> list[RowMapping]:
    """The open reports of a post, oldest first, at most a hundred."""
    statement = select(flags).where(flags.c.post_id == post_id, flags.c.settled_at.is_(None))
    return db.all(statement.order_by(flags.c.id).limit(100))


def settle(connection: Connection, post_id: int, outcome: str) -> int | None:
    """Close all open reports of a post. Returns its topic's id, None where nothing was open."""
    return connection.execute(_SETTLE, {"post_id": post_id, "outcome": outcome}).scalars().first()


def queue() -> tuple[Select[Any], list[ColumnElement[Any]]]:
    """The posts with open reports, the longest waiting first: a statement and its order, for `paging.page`.

    `reports` are the open ones, `suspended` is said of the author, `earlier` counts those of the same author's posts
    that led to a removal.
    """
    reports = func.json_agg(
        func.json_build_object(
            *("by", flags.c.user_name, "reason", flags.c.reason, "note", flags.c.note),
        )
    )
    waiting = (
        select(flags.c.post_id, func.min(flags.c.id).label("first"), reports.label("reports"))
        .where(flags.c.settled_at.is_(None))
        .group_by(flags.c.post_id)
        .subquery("waiting")
    )
    theirs = posts.alias("theirs")
    earlier = (
        select(func.count(func.distinct(theirs.c.id)))
        .select_from(theirs.join(flags, flags.c.post_id == theirs.c.id))
        .where(theirs.c.author_id == posts.c.author_id, flags.c.outcome == "removed")
        .correlate(posts)
        .scalar_subquery()
    )
    statement = (
        select(waiting.c.first, waiting.c.reports, earlier.label("earlier"))
        .add_columns(members.suspended(posts.c.author_id), posts.c.removed_by)
        .add_columns(posts.c.id, posts.c.author_name, posts.c.created_at, posts.c.topic_id)
        .add_columns(topics.c.title.label("topic_title"), func.left(posts.c.body, 1000).label("beginning"))
        .select_from(waiting)
        .join(posts, posts.c.id == waiting.c.post_id)
        .join(topics, topics.c.id == posts.c.topic_id)
    )
    return statement, [waiting.c.first]
