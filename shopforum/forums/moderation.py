"""What moderators do: every act with a reason, and in one transaction with its entry in the public log and the
message to the author.
"""

from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, Select, TextClause, select, text

from ..core.database import Database, once_more
from . import flags, inbox
from .person import Missing, Person
from .tables import actions, topics

# Which column an act on a topic sets, and to what.
TOPIC_ACTS = {
    "pin": ("pinned", True),
    "unpin": ("pinned", False),
    "lock": ("locked", True),
    "unlock": ("locked", False),
    "hide": ("hidden", True),
    "show": ("hidden", False),
}

_LOCK_TOPIC = text("""
    SELECT id, category_id, title, post_count, pinned, locked, hidden FROM forum_topics
    WHERE id = :topic_id FOR UPDATE
    """)
_COUNT = text("""
    UPDATE forum_categories SET topic_count = topic_count + :topics, post_count = post_count + :posts WHERE id = :id
    """)
_LOCK_CATEGORIES = text("SELECT id FROM forum_categories WHERE id IN (:a, :b) ORDER BY id FOR NO KEY UPDATE")
_MOVE = text("UPDATE forum_topics SET category_id = :category_id WHERE id = :topic_id")
_LOG = text("""
    INSERT INTO forum_actions (actor_id, actor_name, action, topic_id, post_id, reason)
    VALUES (:actor_id, :actor_name, :action, :topic_id, :post_id, :reason)
    """)
_REMOVE = text("""
    UPDATE forum_posts SET removed_at = clock_timestamp(), removed_by = 'moderator', removed_reason = :reason
    WHERE id = :post_id AND removed_by IS DISTINCT FROM 'moderator' RETURNING topic_id
    """)
_RESTORE = text("""
    UPDATE forum_posts SET removed_at = NULL, removed_by = NULL, removed_reason = ''
    WHERE id = :post_id AND removed_by IS NOT NULL RETURNING topic_id
    """)
_HIDE_EDIT = text("""
    UPDATE forum_edits e SET hidden_at = clock_timestamp(), hidden_reason = :reason FROM forum_posts p
    WHERE e.id = :edit_id AND e.hidden_at IS NULL AND p.id = e.post_id RETURNING p.topic_id, p.id
    """)
_SHOW_EDIT = text("""
    UPDATE forum_edits e SET hidden_at = NULL, hidden_reason = '' FROM forum_posts p
    WHERE e.id = :edit_id AND e.hidden_at IS NOT NULL AND p.id = e.post_id RETURNING p.topic_id, p.id
    """)


@once_more
def change_topic(db: Database, topic_id: int, moderator: Person, act: str, reason: str) -> RowMapping:
    """Do one of TOPIC_ACTS; what is so already stays so and is not logged. Returns the topic. Raises Missing."""
    column, value = TOPIC_ACTS[act]
    with db.transaction() as connection:
        topic = _locked(connection, topic_id)
        if topic[column] == value:
            return topic
        connection.execute(topics.update().where(topics.c.id == topic_id).values({column: value}))
        if column == "hidden":
            _count(connection, topic, topic["category_id"], -1 if value else 1)
        _log(connection, moderator, act, reason, topic_id)
    return topic


@once_more
def move_topic(db: Database, topic_id: int, moderator: Person, category_id: int, reason: str) -> RowMapping:
    """Put a topic into another category. Returns the topic as it was. Raises Missing."""
    with db.transaction() as connection:
        topic = _locked(connection, topic_id)
        both = {"a": topic["category_id"], "b": category_id}
        known = connection.scalars(_LOCK_CATEGORIES, both).all()
        if category_id not in known:
            raise Missing
        if category_id == topic["category_id"]:
            return topic
        connection.execute(_MOVE, {"topic_id": topic_id, "category_id": category_id})
        if not topic["hidden"]:
            _count(connection, topic, topic["category_id"], -1)
            _count(connection, topic, category_id, 1)
        _log(connection, moderator, "move", reason, topic_id)
    return topic


@once_more
def hide_post(db: Database, post_id: int, moderator: Person, reason: str) -> None:
    """Take a post out of sight, settling what was reported about it. Raises Missing."""
    with db.transaction() as connection:
        topic_id = connection.scalar(_REMOVE, {"post_id": post_id, "reason": reason})
        if topic_id is None:
            raise Missing
        flags.settle(connection, post_id, "removed")
        _log(connection, moderator, "hide_post", reason, topic_id, post_id)


@once_more
def show_post(db: Database, post_id: int, moderator: Person, reason: str) -> None:
    """Bring a removed post back. Raises Missing."""
    with db.transaction() as connection:
        topic_id = connection.scalar(_RESTORE, {"post_id": post_id})
        if topic_id is None:
            raise Missing
        _log(connection, moderator, "show_post", reason, topic_id, post_id)


@once_more
def dismiss_flags(db: Database, post_id: int, moderator: Person, reason: str) -> None:
    """Leave a post as it is and settle what was reported about it. Raises Missing where nothing is open."""
    with db.transaction() as connection:
        topic_id = flags.settle(connection, post_id, "dismissed")
        if topic_id is None:
            raise Missing
        _log(connection, moderator, "dismiss_flags", reason, topic_id, post_id)


def hide_edit(db: Database, edit_id: int, moderator: Person, reason: str) -> None:
    """Hide what a post said before an edit, and why its author changed it. Raises Missing."""
    _change_edit(db, _HIDE_EDIT, "hide_edit", edit_id, moderator, reason)


def show_edit(db: Database, edit_id: int, moderator: Person, reason: str) -> None:
    """Show again what a post said before an edit. Raises Missing."""
    _change_edit(db, _SHOW_EDIT, "show_edit", edit_id, moderator, reason)


def log() -> tuple[Select[Any], list[ColumnElement[Any]]]:
    """What moderators did, newest first: a statement and its order, for `paging.page`."""
    statement = select(actions, topics.c.title, topics.c.hidden).join(
        topics, topics.c.id == actions.c.topic_id
    )
    return statement, [actions.c.id]


@once_more
def _change_edit(
    db: Database, change: TextClause, act: str, edit_id: int, moderator: Person, reason: str
) -> None:
    with db.transaction() as connection:
        post = connection.execute(change, {"edit_id": edit_id, "reason": reason}).one_or_none()
        if post is None:
            raise Missing
        _log(connection, moderator, act, reason, post.topic_id, post.id)


def _locked(connection: Connection, topic_id: int) -> RowMapping:
    topic = connection.execute(_LOCK_TOPIC, {"topic_id": topic_id}).mappings().one_or_none()
    if topic is None:
        raise Missing
    return topic


def _count(connection: Connection, topic: RowMapping, category_id: int, sign: int) -> None:
    connection.execute(_COUNT, {"id": category_id, "topics": sign, "posts": sign * topic["post_count"]})


def _log(
    connection: Connection,
    moderator: Person,
    act: str,
    reason: str,
    topic_id: int,
    post_id: int | None = None,
) -> None:
    values = {"actor_id": moderator.id, "actor_name": moderator.name, "action": act, "reason": reason}
    entry = {**values, "topic_id": topic_id, "post_id": post_id}
    connection.execute(_LOG, entry)
    if act != "dismiss_flags":  # the author does not know of the report
        inbox.tell_of_moderation(connection, entry)
