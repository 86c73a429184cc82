"""The inbox: messages about replies, mentions and acts of moderators, and security notices about the person's account.

A message about a removed or hidden post is neither shown nor counted until the post is back. A topic's author gets one
message for the first unread reply, not one for each: the topic counts the others. Security notices are rows of the audit
log, of this site; the forums store only how far a person has read them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    case,
    exists,
    func,
    null,
    or_,
    select,
    text,
)

from ..core.database import Database
from ..core.listing import Listing
from ..core.rows import build
from ..sessions.tables import audit_log
from ..sessions.vocabulary import EventName, FlagKind, InitiatingEntity
from .person import Person
from .tables import categories, inbox, posts, security_reads, topics

# The count is looked up with every page: it stops here, and looks at no more rows of the audit log.
MOST = 99

_PART = "Somebody used an incomplete copy of your login. We refused it."
# The texts of the security notices, by the events of the audit log.
SECURITY: dict[str, str] = {
    EventName.LOGIN_SUCCESS: "Somebody logged in to your account from a new device.",
    EventName.TOKEN_REVOKED: "Support ended one or more of your sessions.",
    EventName.TOKEN_REUSE: "A copy of your login was used. We ended the session.",
    EventName.SESSION_QUARANTINED: "One of your sessions was used in an unusual way. Enter your password there to continue it.",
    FlagKind.REFRESH_WITHOUT_SESSION: _PART,
    FlagKind.SESSION_WITHOUT_REFRESH_TOKEN: _PART,
}

_REPLY = text("""
    INSERT INTO forum_inbox (user_id, kind, topic_id, post_id, actor_name)
    SELECT t.author_id, 'reply', t.id, :post_id, :name FROM forum_topics t
    WHERE t.id = :topic_id AND t.author_id <> :author_id AND NOT EXISTS (
      SELECT 1 FROM forum_inbox i JOIN forum_posts p ON p.id = i.post_id
      WHERE i.user_id = t.author_id AND i.topic_id = t.id AND i.kind = 'reply' AND i.read_at IS NULL
        AND p.removed_at IS NULL)
    ON CONFLICT DO NOTHING
    """)
# A person who has a message about the post as a reply does not get a second one: the message becomes a mention.
_MENTION = text("""
    INSERT INTO forum_inbox (user_id, kind, topic_id, post_id, actor_name)
    SELECT m.user_id, 'mention', :topic_id, :post_id, :name FROM unnest(CAST(:mentioned AS uuid[])) AS m (user_id)
    ON CONFLICT (user_id, post_id) WHERE kind <> 'moderation' DO UPDATE SET kind = 'mention'
    """)
_MODERATION = text("""
    INSERT INTO forum_inbox (user_id, kind, topic_id, post_id, actor_name, act, reason)
    SELECT coalesce(p.author_id, t.author_id), 'moderation', t.id, p.id, :actor_name, :action, :reason
    FROM forum_topics t LEFT JOIN forum_posts p ON p.id = :post_id
    WHERE t.id = :topic_id AND coalesce(p.author_id, t.author_id) <> :actor_id
    """)
_READ_ONE = text("""
    UPDATE forum_inbox SET read_at = coalesce(read_at, clock_timestamp()) WHERE id = :id AND user_id = :user_id
    RETURNING 1
    """)
_READ_ALL = text("""
    WITH messages AS (
      UPDATE forum_inbox SET read_at = clock_timestamp()
      WHERE user_id = :user_id AND read_at IS NULL AND id <= :newest)
    INSERT INTO forum_security_reads AS r (user_id, audit_id)
    SELECT :user_id, :audit_id WHERE :audit_id <= (SELECT max(id) FROM audit_log)
    ON CONFLICT (user_id) DO UPDATE SET audit_id = greatest(r.audit_id, excluded.audit_id)
    """)


@dataclass(frozen=True, kw_only=True)
class WithUnreadCount:
    """A row that brings along how many messages the viewer has not read (`with_unread_count`); None for a visitor."""

    inbox_unread: int | None


@dataclass(frozen=True, kw_only=True)
class Message:
    """A message. `kind` is reply, mention or moderation; `act` and `reason` are a moderator's.

    `beginning` is enough of the post's text for an excerpt. `hidden` says that the topic is hidden.
    """

    id: int
    kind: str
    topic_id: int
    topic_title: str
    hidden: bool
    category_slug: str
    category_name: str
    post_id: int | None
    beginning: str
    actor_name: str
    act: str
    reason: str
    created_at: datetime
    read_at: datetime | None


@dataclass(frozen=True)
class SecurityNotice:
    """A row of the audit log that concerns the safety of the person's account. `event` is a key of SECURITY."""

    id: int
    at: datetime
    event: str
    address: str | None
    unread: bool


@dataclass(frozen=True)
class ModerationAct:
    """A moderator's act on a topic or a post, with its reason."""

    actor_id: UUID
    actor_name: str
    action: str
    reason: str
    topic_id: int
    post_id: int | None = None


def tell_of_mentions(
    connection: Connection, topic_id: int, post_id: int, author: Person, mentioned: Sequence[UUID]
) -> None:
    """Add a message for each person whom a new or edited post mentions for the first time."""
    if mentioned:
        values = {"topic_id": topic_id, "post_id": post_id, "name": author.name}
        connection.execute(_MENTION, {**values, "mentioned": [str(user_id) for user_id in mentioned]})


def tell_of_reply(connection: Connection, topic_id: int, post_id: int, author: Person) -> None:
    """Add a message about a reply for the topic's author, unless an earlier one is unread or the reply mentions the author."""
    values = {"topic_id": topic_id, "post_id": post_id, "author_id": author.id, "name": author.name}
    connection.execute(_REPLY, values)


def tell_of_moderation(connection: Connection, act: ModerationAct) -> None:
    """Add a message about a moderator's act for the author of the post or topic."""
    connection.execute(_MODERATION, vars(act))


def messages(person: Person, unread: bool) -> Listing[Message]:
    """Return the list of a person's messages, newest first: all, or only the unread ones."""
    columns = ("id", "kind", "topic_id", "post_id", "actor_name", "act", "reason", "created_at", "read_at")
    shown = and_(posts.c.removed_at.is_(None), ~topics.c.hidden)
    statement = (
        select(*(inbox.c[name] for name in columns))
        .add_columns(topics.c.title.label("topic_title"), topics.c.hidden)
        .add_columns(categories.c.slug.label("category_slug"), categories.c.name.label("category_name"))
        .add_columns(case((shown, func.left(posts.c.body, 1000)), else_="").label("beginning"))
        .select_from(inbox)
        .join(topics, topics.c.id == inbox.c.topic_id)
        .join(categories, categories.c.id == topics.c.category_id)
        .outerjoin(posts, posts.c.id == inbox.c.post_id)
        .where(inbox.c.user_id == person.id, or_(inbox.c.kind == "moderation", shown))
    )
    if unread:
        statement = statement.where(inbox.c.read_at.is_(None))
    return Listing(statement, (inbox.c.id,), partial(build, Message))


def security(db: Database, person: Person) -> list[SecurityNotice]:
    """Return the latest security notices about a person's account, newest first, at most 10."""
    recent = _security(person.id, 0)
    statement = select(recent, (recent.c.id > _security_read(person.id)).label("unread"))
    rows = db.all(statement.order_by(recent.c.id.desc()).limit(10))
    return [build(SecurityNotice, row) for row in rows]


def read(db: Database, person: Person, message_id: int) -> bool:
    """Mark a message as read. Return False if the person has no such message."""
    return db.one(_READ_ONE, id=message_id, user_id=person.id) is not None


def read_all(db: Database, person: Person, newest: int, audit_id: int) -> None:
    """Mark everything that was shown as read: messages up to `newest`, and security notices up to `audit_id`."""
    db.all(_READ_ALL, user_id=person.id, newest=newest, audit_id=audit_id)


def with_unread_count(statement: Select[Any], viewer: Person | None) -> Select[Any]:
    """Add the column `inbox_unread` to a select: how many messages the viewer has not read, at most MOST.

    So the count in the navigation costs a page no statement of its own.
    """
    count = _unread(viewer.id) if viewer else null()
    return statement.add_columns(count.label("inbox_unread"))


def _unread(user_id: UUID) -> ColumnElement[int]:
    unread = (
        select(inbox.c.kind, inbox.c.topic_id, inbox.c.post_id)
        .where(inbox.c.user_id == user_id, inbox.c.read_at.is_(None))
        .order_by(inbox.c.topic_id.desc())
        .limit(MOST)
        .subquery("unread")
    )
    # The rows come in the order of the index, and subqueries stand in place of joins: otherwise the planner may prefer to
    # read the whole tables.
    removed = select(posts.c.removed_at).where(posts.c.id == unread.c.post_id).scalar_subquery()
    hidden = select(topics.c.hidden).where(topics.c.id == unread.c.topic_id).scalar_subquery()
    visible = or_(unread.c.kind == "moderation", and_(removed.is_(None), ~hidden))
    notices = _security(user_id, _security_read(user_id))
    return func.least(
        _count(select(unread.c.kind).where(visible).subquery("visible")) + _count(notices), MOST
    )


def _count(rows: Any) -> ColumnElement[int]:
    return select(func.count()).select_from(rows).scalar_subquery()


def _security_read(user_id: UUID) -> ColumnElement[int]:
    pointer = select(security_reads.c.audit_id).where(security_reads.c.user_id == user_id).scalar_subquery()
    return func.coalesce(pointer, 0)


def _security(user_id: UUID, after: Any) -> Any:
    """Select the security notices among a person's last rows of the audit log after a row's id.

    Ordinary logins are left out.
    """
    recent = (
        select(audit_log)
        .where(audit_log.c.user_id == user_id, audit_log.c.id > after)
        .order_by(audit_log.c.id.desc())
        .limit(MOST)
        .subquery("recent")
    )
    earlier = audit_log.alias("earlier")
    known = exists().where(
        earlier.c.user_id == user_id, earlier.c.id < recent.c.id, earlier.c.event == EventName.LOGIN_SUCCESS
    )
    # The very first login is from a new device too, and no reason to worry.
    notable = case(
        (
            recent.c.event == EventName.LOGIN_SUCCESS,
            and_(recent.c.detail["new_device"].astext == "true", known.correlate(recent)),
        ),
        (recent.c.event == EventName.TOKEN_REVOKED, recent.c.initiating_entity == InitiatingEntity.ADMIN),
        else_=recent.c.event.in_(list(SECURITY)),
    )
    return (
        select(recent.c.id, recent.c.at, recent.c.event, func.host(recent.c.address).label("address"))
        .where(recent.c.site.in_(("forums", "all")), notable)
        .subquery("notices")
    )
