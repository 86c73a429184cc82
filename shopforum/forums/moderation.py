"""The acts of moderators. Each act has a reason, and is in one transaction with its entry in the public log and the
message to the author.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import partial

from sqlalchemy import Connection, TextClause, text

from ..core.database import Database, once_more
from ..core.prepared_statements import Prepared
from ..core.rows import build
from ..sessions import acts
from ..sessions.vocabulary import ActKind
from . import inbox, reports
from .inbox import COUNTS, ModerationAct
from .paging import NumberedList
from .person import Person, viewing
from .refusals import Missing
from .tables import topics

# The column that an act on a topic sets, and its new value.
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


_ENTRIES = Prepared(
    "forum_log",
    f"""
    SELECT a.id, a.at, a.actor_name, a.action, a.reason, a.topic_id, a.post_id, t.title AS topic_title, t.hidden,
      (SELECT count(*) FROM forum_actions) AS total, {COUNTS}
    FROM forum_actions a JOIN forum_topics t ON t.id = a.topic_id ORDER BY a.id DESC LIMIT :rows OFFSET :skip
    """,
)


@dataclass(frozen=True)
class ModeratedTopic:
    """A topic, as it was locked for a moderator's act."""

    id: int
    category_id: int
    title: str
    post_count: int
    pinned: bool
    locked: bool
    hidden: bool


@dataclass(frozen=True, kw_only=True)
class LogEntry:
    """An entry of the public log. `hidden` says that the topic is hidden: its title is for moderators."""

    id: int
    at: datetime
    actor_name: str
    action: str
    reason: str
    topic_id: int
    topic_title: str
    hidden: bool
    post_id: int | None


@once_more
def change_topic(db: Database, topic_id: int, moderator: Person, act: str, reason: str) -> ModeratedTopic:
    """Do one of TOPIC_ACTS. If the topic is in that state already, nothing is changed or logged.

    Return the topic as it was before. Raises Missing.
    """
    column, value = TOPIC_ACTS[act]
    with db.transaction() as connection:
        topic = _locked(connection, topic_id)
        if getattr(topic, column) == value:
            return topic
        connection.execute(topics.update().where(topics.c.id == topic_id).values({column: value}))
        if column == "hidden":
            _count(connection, topic, topic.category_id, -1 if value else 1)
        _log(connection, moderator, act, reason, topic_id)
    return topic


@once_more
def move_topic(
    db: Database, topic_id: int, moderator: Person, category_id: int, reason: str
) -> ModeratedTopic:
    """Move a topic to another category. Return the topic as it was before. Raises Missing."""
    with db.transaction() as connection:
        topic = _locked(connection, topic_id)
        both = {"a": topic.category_id, "b": category_id}
        known = connection.scalars(_LOCK_CATEGORIES, both).all()
        if category_id not in known:
            raise Missing
        if category_id == topic.category_id:
            return topic
        connection.execute(_MOVE, {"topic_id": topic_id, "category_id": category_id})
        if not topic.hidden:
            _count(connection, topic, topic.category_id, -1)
            _count(connection, topic, category_id, 1)
        _log(connection, moderator, "move", reason, topic_id)
    return topic


@once_more
def hide_post(db: Database, post_id: int, moderator: Person, reason: str) -> None:
    """Remove a post, and settle its reports. Raises Missing."""
    with db.transaction() as connection:
        topic_id = connection.scalar(_REMOVE, {"post_id": post_id, "reason": reason})
        if topic_id is None:
            raise Missing
        reports.settle(connection, post_id, "removed")
        _log(connection, moderator, "hide_post", reason, topic_id, post_id)


@once_more
def show_post(db: Database, post_id: int, moderator: Person, reason: str) -> None:
    """Restore a removed post. Raises Missing."""
    with db.transaction() as connection:
        topic_id = connection.scalar(_RESTORE, {"post_id": post_id})
        if topic_id is None:
            raise Missing
        _log(connection, moderator, "show_post", reason, topic_id, post_id)


@once_more
def dismiss_reports(db: Database, post_id: int, moderator: Person, reason: str) -> None:
    """Leave a post as it is, and settle its reports. Raises Missing if no report is open."""
    with db.transaction() as connection:
        topic_id = reports.settle(connection, post_id, "dismissed")
        if topic_id is None:
            raise Missing
        _log(connection, moderator, "dismiss_flags", reason, topic_id, post_id)


def hide_edit(db: Database, edit_id: int, moderator: Person, reason: str) -> None:
    """Hide the text before an edit, and the author's reason for the edit. Raises Missing."""
    _change_edit(db, _HIDE_EDIT, "hide_edit", edit_id, moderator, reason)


def show_edit(db: Database, edit_id: int, moderator: Person, reason: str) -> None:
    """Show the text before an edit again. Raises Missing."""
    _change_edit(db, _SHOW_EDIT, "show_edit", edit_id, moderator, reason)


def log(viewer: Person | None) -> NumberedList[LogEntry]:
    """Return the public log of the moderators' acts, newest first."""
    return NumberedList(_ENTRIES, partial(build, LogEntry), viewing(viewer))


@once_more
def _change_edit(
    db: Database, change: TextClause, act: str, edit_id: int, moderator: Person, reason: str
) -> None:
    with db.transaction() as connection:
        post = connection.execute(change, {"edit_id": edit_id, "reason": reason}).one_or_none()
        if post is None:
            raise Missing
        _log(connection, moderator, act, reason, post.topic_id, post.id)


def _locked(connection: Connection, topic_id: int) -> ModeratedTopic:
    topic = connection.execute(_LOCK_TOPIC, {"topic_id": topic_id}).mappings().one_or_none()
    if topic is None:
        raise Missing
    return build(ModeratedTopic, topic)


def _count(connection: Connection, topic: ModeratedTopic, category_id: int, sign: int) -> None:
    connection.execute(_COUNT, {"id": category_id, "topics": sign, "posts": sign * topic.post_count})


def _log(
    connection: Connection,
    moderator: Person,
    act: str,
    reason: str,
    topic_id: int,
    post_id: int | None = None,
) -> None:
    entry = ModerationAct(moderator.id, moderator.name, act, reason, topic_id, post_id)
    connection.execute(_LOG, vars(entry))
    acts.write(connection, moderator.acting, ActKind.MODERATED, post_id or topic_id)
    if act != "dismiss_flags":  # the author does not know of the reports
        inbox.tell_of_moderation(connection, entry)
