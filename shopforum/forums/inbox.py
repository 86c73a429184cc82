"""The inbox: messages about replies, mentions and acts of moderators, and security notices about the person's account.

A message about a removed or hidden post is neither shown nor counted until the post is back. A topic's author, and whoever
follows the topic, get one message for the first unread reply, not one for each: the topic counts the others. Security notices are rows of the audit
log, of this site; beside it stands how far a person has read them, in the database of the sessions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID

from sqlalchemy import Connection, text

from ..core.database import Database
from ..core.prepared_statements import Prepared
from ..core.rows import build
from ..sessions.vocabulary import EventName, FlagKind, InitiatingEntity
from .paging import NumberedList
from .person import Person, viewing

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

# A moderator's act, as its message to the author says it.
ACTS = {
    "pin": "pinned your topic",
    "unpin": "unpinned your topic",
    "lock": "locked your topic",
    "unlock": "unlocked your topic",
    "hide": "hid your topic",
    "show": "showed your topic again",
    "move": "moved your topic",
    "hide_post": "removed your post in",
    "show_post": "restored your post in",
    "hide_edit": "hid an earlier text of your post in",
    "show_edit": "showed again an earlier text of your post in",
}

_SECURITY_READ = "coalesce((SELECT audit_id FROM forum_security_reads WHERE user_id = :viewer), 0)"


def _security(after: str) -> str:
    """Select the security notices among a person's last rows of the audit log after a row's id.

    Ordinary logins are left out. The very first login is from a new device too, and no reason to worry.
    """
    events = ", ".join(f"'{event}'" for event in SECURITY)
    return f"""
      SELECT a.id, a.at, a.event, host(a.address) AS address
      FROM (SELECT id, at, event, address, site, detail, initiating_entity FROM audit_log
            WHERE user_id = :viewer AND id > {after} ORDER BY id DESC LIMIT {MOST}) a
      WHERE a.site IN ('forums', 'all') AND CASE a.event
        WHEN '{EventName.LOGIN_SUCCESS}' THEN a.detail ->> 'new_device' = 'true' AND EXISTS (
          SELECT 1 FROM audit_log e
          WHERE e.user_id = :viewer AND e.id < a.id AND e.event = '{EventName.LOGIN_SUCCESS}')
        WHEN '{EventName.TOKEN_REVOKED}' THEN a.initiating_entity = '{InitiatingEntity.ADMIN}'
        ELSE a.event IN ({events}) END"""


# Columns of every statement that a page runs anyway: so the counts in the navigation cost no statement of their own. The
# rows come in the order of the index, and subqueries stand in place of joins: otherwise the planner may prefer to read the
# whole tables.
COUNTS = f"""
    CASE WHEN CAST(:viewer AS uuid) IS NOT NULL THEN CAST(least({MOST},
      (SELECT count(*) FROM (SELECT kind, topic_id, post_id FROM forum_inbox
          WHERE user_id = :viewer AND read_at IS NULL ORDER BY topic_id DESC LIMIT {MOST}) u
        WHERE u.kind = 'moderation' OR ((SELECT removed_at FROM forum_posts WHERE id = u.post_id) IS NULL
          AND NOT (SELECT hidden FROM forum_topics WHERE id = u.topic_id)))
      + (SELECT count(*) FROM ({_security(_SECURITY_READ)}) n)) AS integer) END AS inbox_unread,
    CASE WHEN CAST(:moderator AS boolean) THEN (SELECT CAST(count(*) AS integer) FROM (
        SELECT DISTINCT post_id FROM forum_flags WHERE settled_at IS NULL LIMIT {MOST}) w) END AS open_reports"""

# The part of COUNTS that is in the database of the sessions: the forums' own has an empty audit log.
_UNREAD_SECURITY = Prepared(
    "forum_unread_security", f"SELECT count(*) AS n FROM ({_security(_SECURITY_READ)}) n"
)

# A reply or a mention is shown while its post is.
_SHOWN = "(i.kind = 'moderation' OR (p.removed_at IS NULL AND NOT t.hidden))"
_MINE = """
    FROM forum_inbox i JOIN forum_topics t ON t.id = i.topic_id JOIN forum_categories c ON c.id = t.category_id
    LEFT JOIN forum_posts p ON p.id = i.post_id
    WHERE i.user_id = :viewer AND (i.read_at IS NULL OR NOT :unread) AND """
_MESSAGES = Prepared(
    "forum_inbox",
    f"""
    SELECT i.id, i.kind, i.topic_id, i.post_id, i.actor_name, i.act, i.reason, i.created_at, i.read_at,
      t.title AS topic_title, t.hidden, t.author_id = i.user_id AS own, c.slug AS category_slug, c.name AS category_name,
      CASE WHEN p.removed_at IS NULL AND NOT t.hidden THEN left(p.body, 1000) ELSE '' END AS beginning,
      (SELECT count(*) {_MINE} {_SHOWN}) AS total, {COUNTS}
    {_MINE} {_SHOWN} ORDER BY i.id DESC LIMIT :rows OFFSET :skip
    """,
)
_NOTICES = Prepared(
    "forum_security",
    f"""
    SELECT n.id, n.at, n.event, n.address, n.id > {_SECURITY_READ} AS unread
    FROM ({_security("0")}) n ORDER BY n.id DESC LIMIT 10
    """,
)
_REPLY = text("""
    INSERT INTO forum_inbox (user_id, kind, topic_id, post_id, actor_name)
    SELECT r.user_id, 'reply', :topic_id, :post_id, :name FROM (
      SELECT author_id AS user_id FROM forum_topics WHERE id = :topic_id
      UNION SELECT user_id FROM forum_follows WHERE topic_id = :topic_id) r
    WHERE r.user_id <> :author_id AND NOT EXISTS (
      SELECT 1 FROM forum_inbox i JOIN forum_posts p ON p.id = i.post_id
      WHERE i.user_id = r.user_id AND i.topic_id = :topic_id AND i.kind = 'reply' AND i.read_at IS NULL
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
    UPDATE forum_inbox SET read_at = clock_timestamp()
    WHERE user_id = :user_id AND read_at IS NULL AND id <= :newest
    """)
_READ_SECURITY = text("""
    INSERT INTO forum_security_reads AS r (user_id, audit_id)
    SELECT :user_id, :audit_id WHERE :audit_id <= (SELECT max(id) FROM audit_log)
    ON CONFLICT (user_id) DO UPDATE SET audit_id = greatest(r.audit_id, excluded.audit_id)
    """)


@dataclass(frozen=True, kw_only=True)
class WithCounts:
    """A row that brings along the counts for the navigation (`COUNTS`).

    `inbox_unread` counts the messages that the viewer has not read; None for a visitor. `open_reports` counts the posts
    that wait for a moderator; None unless the viewer is one. Both stop at MOST.
    """

    inbox_unread: int | None
    open_reports: int | None


@dataclass(frozen=True, kw_only=True)
class Message:
    """A message. `kind` is reply, mention or moderation; `act` and `reason` are a moderator's.

    `beginning` is enough of the post's text for an excerpt. `hidden` says that the topic is hidden, `own` that it is the
    person's own.
    """

    id: int
    kind: str
    topic_id: int
    topic_title: str
    hidden: bool
    own: bool
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
    """Add a message about a reply for the topic's author and those who follow the topic.

    A person with an unread one about the topic gets none, and neither does one whom the reply mentions.
    """
    values = {"topic_id": topic_id, "post_id": post_id, "author_id": author.id, "name": author.name}
    connection.execute(_REPLY, values)


def tell_of_moderation(connection: Connection, act: ModerationAct) -> None:
    """Add a message about a moderator's act for the author of the post or topic."""
    connection.execute(_MODERATION, vars(act))


def messages(person: Person, unread: bool) -> NumberedList[Message]:
    """Return the list of a person's messages, newest first: all, or only the unread ones."""
    return NumberedList(_MESSAGES, partial(build, Message), {**viewing(person), "unread": unread})


def security(db: Database, person: Person) -> list[SecurityNotice]:
    """Return the latest security notices about a person's account, newest first, at most 10. `db` is that of the sessions."""
    return [build(SecurityNotice, row) for row in db.all(_NOTICES, viewer=person.id)]


def unread_security(db: Database, user_id: UUID) -> int:
    """Return how many security notices a person has not read, where the forums have a database of their own. `db` is that of the
    sessions.
    """
    return int(db.only(_UNREAD_SECURITY, viewer=user_id)["n"])


def read(db: Database, person: Person, message_id: int) -> bool:
    """Mark a message as read. Return False if the person has no such message."""
    return db.one(_READ_ONE, id=message_id, user_id=person.id) is not None


def read_all(db: Database, person: Person, newest: int) -> None:
    """Mark all messages up to `newest` as read."""
    db.all(_READ_ALL, user_id=person.id, newest=newest)


def read_security(db: Database, person: Person, audit_id: int) -> None:
    """Mark the security notices up to `audit_id` as read. `db` is the database of the sessions."""
    db.all(_READ_SECURITY, user_id=person.id, audit_id=audit_id)
