"""The inbox: who answered or mentioned somebody, what moderators did with something of theirs, and what concerns the
safety of their account.

What is told of a post that was removed or hidden since is neither shown nor counted until it is back. A topic's
author is told of the first reply not seen yet, not of each: the topic itself counts the others. Security notices are
the audit log's, of this site; only how far somebody has read them is kept here.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
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
from ..sessions.tables import audit_log
from .person import Person
from .tables import categories, inbox, posts, security_reads, topics

# The count is looked up with every page: it stops here, and looks at no more of the audit log.
MOST = 99

# What the audit log calls it, and what it is to the person.
SECURITY = {
    "authn_login_success": "Somebody logged in from a device that had not been used for your account before.",
    "authn_token_revoked": "Support ended one or more of your sessions.",
    "authn_token_reuse": "A copy of your login was used a second time. We stopped it and ended the session.",
    "session_quarantined": "One of your sessions was used in an unusual way. It goes on once the password is given again.",
    "refresh_without_session": "Somebody came with a part of your login alone. We refused it.",
    "session_without_refresh_token": "Somebody came with a part of your login alone. We refused it.",
}

_UNREAD = "inbox_unread"

_REPLY = text("""
    INSERT INTO forum_inbox (user_id, kind, topic_id, post_id, actor_name)
    SELECT t.author_id, 'reply', t.id, :post_id, :name FROM forum_topics t
    WHERE t.id = :topic_id AND t.author_id <> :author_id AND NOT EXISTS (
      SELECT 1 FROM forum_inbox i JOIN forum_posts p ON p.id = i.post_id
      WHERE i.user_id = t.author_id AND i.topic_id = t.id AND i.kind = 'reply' AND i.read_at IS NULL
        AND p.removed_at IS NULL)
    ON CONFLICT DO NOTHING
    """)
# Who was told of the post as a reply is not told of it again.
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
    WITH told AS (
      UPDATE forum_inbox SET read_at = clock_timestamp()
      WHERE user_id = :user_id AND read_at IS NULL AND id <= :newest)
    INSERT INTO forum_security_reads AS r (user_id, audit_id)
    SELECT :user_id, :audit_id WHERE :audit_id <= (SELECT max(id) FROM audit_log)
    ON CONFLICT (user_id) DO UPDATE SET audit_id = greatest(r.audit_id, excluded.audit_id)
    """)


def tell_of_mentions(
    connection: Connection, topic_id: int, post_id: int, author: Person, mentioned: Sequence[UUID]
) -> None:
    """Tell those whom a post, new or edited, mentions for the first time."""
    if mentioned:
        values = {"topic_id": topic_id, "post_id": post_id, "name": author.name}
        connection.execute(_MENTION, {**values, "mentioned": [str(user_id) for user_id in mentioned]})


def tell_of_reply(connection: Connection, topic_id: int, post_id: int, author: Person) -> None:
    """Tell a topic's author of an answer, unless an earlier one is unread or the answer mentions them."""
    values = {"topic_id": topic_id, "post_id": post_id, "author_id": author.id, "name": author.name}
    connection.execute(_REPLY, values)


def tell_of_moderation(connection: Connection, entry: dict[str, Any]) -> None:
    """Tell the author of a post or topic what a moderator did with it; `entry` is that of the log."""
    connection.execute(_MODERATION, entry)


def listed(person: Person, unread: bool) -> tuple[Select[Any], list[ColumnElement[Any]]]:
    """What somebody is told, newest first, all or only what is unread: a statement and its order, for `paging.page`."""
    columns = ("id", "kind", "topic_id", "post_id", "actor_name", "act", "reason", "created_at", "read_at")
    shown = and_(posts.c.removed_at.is_(None), ~topics.c.hidden)
    statement = (
        select(*(inbox.c[name] for name in columns))
        .add_columns(topics.c.title, topics.c.hidden, categories.c.slug, categories.c.name)
        .add_columns(case((shown, func.left(posts.c.body, 1000)), else_="").label("beginning"))
        .select_from(inbox)
        .join(topics, topics.c.id == inbox.c.topic_id)
        .join(categories, categories.c.id == topics.c.category_id)
        .outerjoin(posts, posts.c.id == inbox.c.post_id)
        .where(inbox.c.user_id == person.id, or_(inbox.c.kind == "moderation", shown))
    )
    return statement.where(inbox.c.read_at.is_(None)) if unread else statement, [inbox.c.id]


def security(db: Database, person: Person) -> list[RowMapping]:
    """What lately concerned the safety of somebody's account, newest first: `id`, `at`, `event`, `address`, `unread`."""
    recent = _security(person.id, 0)
    statement = select(recent, (recent.c.id > _security_read(person.id)).label("unread"))
    return db.all(statement.order_by(recent.c.id.desc()).limit(10))


def read(db: Database, person: Person, notice_id: int) -> bool:
    """Mark something as read. False where it is not there, or somebody else's."""
    return db.one(_READ_ONE, id=notice_id, user_id=person.id) is not None


def read_all(db: Database, person: Person, newest: int, audit_id: int) -> None:
    """Mark as read what was shown: all up to the `newest`, and security notices up to `audit_id`; not what came since."""
    db.all(_READ_ALL, user_id=person.id, newest=newest, audit_id=audit_id)


def along(statement: Select[Any], viewer: Person | None) -> Select[Any]:
    """A select that brings along how much somebody has not read, up to MOST: it costs a page no statement of its own."""
    count = _unread(viewer.id) if viewer else null()
    return statement.add_columns(count.label(_UNREAD))


def count_of(rows: Sequence[RowMapping]) -> int | None:
    """What `along` brought; None where it brought nothing."""
    return rows[0][_UNREAD] if rows else None


def _unread(user_id: UUID) -> ColumnElement[int]:
    told = (
        select(inbox.c.kind, inbox.c.topic_id, inbox.c.post_id)
        .where(inbox.c.user_id == user_id, inbox.c.read_at.is_(None))
        .order_by(inbox.c.topic_id.desc())
        .limit(MOST)
        .subquery("told")
    )
    # In the order of the index, and a subquery each instead of a join: no plan that reads all there is looks cheaper.
    removed = select(posts.c.removed_at).where(posts.c.id == told.c.post_id).scalar_subquery()
    hidden = select(topics.c.hidden).where(topics.c.id == told.c.topic_id).scalar_subquery()
    visible = or_(told.c.kind == "moderation", and_(removed.is_(None), ~hidden))
    notices = _security(user_id, _security_read(user_id))
    return func.least(_count(select(told.c.kind).where(visible).subquery("visible")) + _count(notices), MOST)


def _count(rows: Any) -> ColumnElement[int]:
    return select(func.count()).select_from(rows).scalar_subquery()


def _security_read(user_id: UUID) -> ColumnElement[int]:
    pointer = select(security_reads.c.audit_id).where(security_reads.c.user_id == user_id).scalar_subquery()
    return func.coalesce(pointer, 0)


def _security(user_id: UUID, after: Any) -> Any:
    """The notices among somebody's last entries of the audit log after one: not their daily logins, but what is odd."""
    recent = (
        select(audit_log)
        .where(audit_log.c.user_id == user_id, audit_log.c.id > after)
        .order_by(audit_log.c.id.desc())
        .limit(MOST)
        .subquery("recent")
    )
    earlier = audit_log.alias("earlier")
    known = exists().where(
        earlier.c.user_id == user_id, earlier.c.id < recent.c.id, earlier.c.event == "authn_login_success"
    )
    # The very first login is from a new device too, and nothing to worry about.
    odd = case(
        (
            recent.c.event == "authn_login_success",
            and_(recent.c.detail["new_device"].astext == "true", known.correlate(recent)),
        ),
        (recent.c.event == "authn_token_revoked", recent.c.initiating_entity == "admin"),
        else_=recent.c.event.in_(list(SECURITY)),
    )
    return (
        select(recent.c.id, recent.c.at, recent.c.event, func.host(recent.c.address).label("address"))
        .where(recent.c.site.in_(("forums", "all")), odd)
        .subquery("notices")
    )
