"""New topics, replies and edits: each in one transaction, with all its counters.

A topic's row is locked while a post is added, so that posts are numbered without gaps and counters are always right. The
author's own row is locked first: two posts of one person cannot both pass the delay, and a form that is sent twice makes
one post.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, text

from ..core.database import Database, once_more
from ..sessions import acts
from ..sessions.vocabulary import ActKind
from . import inbox, links, members, mentions
from .person import Person
from .refusals import Locked, Missing, Stale, TooLate, TooSoon
from .settings import ForumSettings

_LATEST_OF = text("""
    SELECT p.id, p.topic_id, p.number, p.title, p.body, t.title AS topic_title
    FROM forum_posts p JOIN forum_topics t ON t.id = p.topic_id
    WHERE p.author_id = :user_id ORDER BY p.id DESC LIMIT 1
    """)
_CATEGORY = text("SELECT id FROM forum_categories WHERE slug = :slug")
_ADD_TOPIC = text("""
    INSERT INTO forum_topics (category_id, title, author_id, author_name)
    VALUES (:category_id, :title, :user_id, :user_name) RETURNING id
    """)
_LOCK_TOPIC = text("""
    SELECT id, category_id, title, post_count, locked, hidden FROM forum_topics WHERE id = :topic_id FOR UPDATE
    """)
_ADD_POST = text("""
    INSERT INTO forum_posts (topic_id, number, author_id, author_name, title, body)
    VALUES (:topic_id, :number, :user_id, :user_name, :title, :body) RETURNING id, created_at
    """)
_COUNT_IN_TOPIC = text("""
    UPDATE forum_topics SET post_count = :number, last_post_id = :post_id, last_post_at = :at,
      last_post_by = :user_name
    WHERE id = :topic_id
    """)
_COUNT_IN_CATEGORY = text("""
    UPDATE forum_categories SET topic_count = topic_count + :topics, post_count = post_count + 1
    WHERE id = :category_id
    """)
_LOCK_POST = text("""
    SELECT p.body, p.edit_count, p.removed_at IS NOT NULL AS removed, p.author_id,
      t.id AS topic_id, t.title, t.locked, t.hidden,
      ceil(extract(epoch FROM p.edited_at - clock_timestamp()) + :delay)::int AS wait,
      :window > 0 AND p.created_at < clock_timestamp() - make_interval(secs => :window) AS late
    FROM forum_posts p JOIN forum_topics t ON t.id = p.topic_id WHERE p.id = :post_id FOR UPDATE OF p
    """)
_ADD_EDIT = text("INSERT INTO forum_edits (post_id, body, reason) VALUES (:post_id, :body, :reason)")
_EDIT = text("""
    UPDATE forum_posts SET body = :body, edit_count = edit_count + 1, edited_at = clock_timestamp()
    WHERE id = :post_id
    """)


@dataclass(frozen=True)
class Placed:
    """A post that was written, and its topic."""

    topic_id: int
    title: str
    post_id: int

    @property
    def url(self) -> str:
        """The post's permalink."""
        return links.post(self.topic_id, self.title, self.post_id)


@once_more
def start_topic(
    db: Database, slug: str, author: Person, title: str, body: str, settings: ForumSettings
) -> Placed:
    """Open a topic in a category with its first post. Raises Missing and TooSoon.

    A person author_columns may not write yet and sends the same topic again gets the topic of the first time.
    """
    with db.transaction() as connection:
        category_id = connection.scalar(_CATEGORY, {"slug": slug})
        if category_id is None:
            raise Missing
        turn = members.take_turn(connection, author, settings)
        latest = None if turn else _latest(connection, author)
        if latest and (latest.number, latest.title, latest.body) == (1, title, body):
            return Placed(latest.topic_id, title, latest.id)
        if not turn:
            raise members.too_soon(connection, author, settings)
        values = {"category_id": category_id, "title": title, "user_id": author.id, "user_name": author.name}
        topic_id = connection.scalars(_ADD_TOPIC, values).one()
        post_id = _add(connection, topic_id, 1, author, body, title)
        connection.execute(_COUNT_IN_CATEGORY, {"category_id": category_id, "topics": 1})
        acts.write(connection, author.acting, ActKind.TOPIC_STARTED, post_id)
        _tell(connection, topic_id, post_id, author, body, settings)
    return Placed(topic_id, title, post_id)


@once_more
def reply(db: Database, topic_id: int, author: Person, body: str, settings: ForumSettings) -> Placed:
    """Add a post to a topic. A moderator may reply in a locked topic. Raises Missing, Locked and TooSoon.

    A person author_columns may not write yet and sends the same reply again gets the reply of the first time.
    """
    with db.transaction() as connection:
        turn = members.take_turn(connection, author, settings)
        latest = None if turn else _latest(connection, author)
        if latest and (latest.topic_id, latest.body) == (topic_id, body):
            return Placed(topic_id, latest.topic_title, latest.id)
        topic = connection.execute(_LOCK_TOPIC, {"topic_id": topic_id}).one_or_none()
        if topic is None or (topic.hidden and not author.moderator):
            raise Missing
        if topic.locked and not author.moderator:
            raise Locked
        if not turn:
            raise members.too_soon(connection, author, settings)
        post_id = _add(connection, topic_id, topic.post_count + 1, author, body)
        if not topic.hidden:
            connection.execute(_COUNT_IN_CATEGORY, {"category_id": topic.category_id, "topics": 0})
        _tell(connection, topic_id, post_id, author, body, settings)
        inbox.tell_of_reply(connection, topic_id, post_id, author)
        acts.write(connection, author.acting, ActKind.POST_WRITTEN, post_id)
    return Placed(topic_id, topic.title, post_id)


@once_more
def edit(
    db: Database,
    post_id: int,
    author: Person,
    body: str,
    reason: str,
    seen: int | None,
    settings: ForumSettings,
) -> Placed:
    """Edit the author's own post, and keep its old text. `seen` is the number of edits when the form was made.

    Raises Missing, Locked, TooLate, TooSoon, and Stale if the post has been edited since.
    """
    with db.transaction() as connection:
        post = _own(connection, post_id, author, settings)
        placed = Placed(post.topic_id, post.title, post_id)
        if body == post.body:
            return placed
        if seen is not None and seen != post.edit_count:
            raise Stale
        if post.wait is not None and post.wait > 0:
            raise TooSoon(post.wait)
        connection.execute(_ADD_EDIT, {"post_id": post_id, "body": post.body, "reason": reason})
        connection.execute(_EDIT, {"post_id": post_id, "body": body})
        acts.write(connection, author.acting, ActKind.POST_EDITED, post_id)
        _tell(connection, post.topic_id, post_id, author, body, settings)
    return placed


def _own(connection: Connection, post_id: int, author: Person, settings: ForumSettings) -> Row[Any]:
    """Lock a post for its author. Raises Missing, Locked and TooLate."""
    values = {"post_id": post_id, "delay": settings.post_delay, "window": settings.window(author)}
    post = connection.execute(_LOCK_POST, values).one_or_none()
    if post is None or post.author_id != author.id or post.removed or post.hidden:
        raise Missing
    if post.locked and not author.moderator:
        raise Locked
    if post.late:
        raise TooLate
    return post


def _latest(connection: Connection, author: Person) -> Row[Any]:
    """Return the newest post of a person author_columns has written one."""
    return connection.execute(_LATEST_OF, {"user_id": author.id}).one()


def _tell(
    connection: Connection, topic_id: int, post_id: int, author: Person, body: str, settings: ForumSettings
) -> None:
    """Store the mentions of a post's text, and add messages for people author_columns are mentioned for the first time."""
    mentioned = mentions.add(connection, post_id, author, body, settings.mentions)
    inbox.tell_of_mentions(connection, topic_id, post_id, author, mentioned)


def _add(
    connection: Connection, topic_id: int, number: int, author: Person, body: str, title: str = ""
) -> int:
    """Add a post, and count it in its topic, whose row is locked by this transaction. Return the post's id."""
    author_columns: dict[str, UUID | str] = {"user_id": author.id, "user_name": author.name}
    post = connection.execute(
        _ADD_POST, {**author_columns, "topic_id": topic_id, "number": number, "title": title, "body": body}
    ).one()
    values = {
        **author_columns,
        "topic_id": topic_id,
        "number": number,
        "post_id": post.id,
        "at": post.created_at,
    }
    connection.execute(_COUNT_IN_TOPIC, values)
    return int(post.id)
