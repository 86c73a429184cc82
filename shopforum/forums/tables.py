"""The forums' tables.

A person's name is stored as it was when the person wrote. Posts are numbered within their topic under the topic's row
lock, so a page of a topic is a range of numbers: no OFFSET, and a permalink's page is arithmetic. No post is deleted, so
numbers have no gaps. A counter is changed in the transaction that changes what it counts; the topic's row is locked first,
then the categories in the order of their ids.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import TSVECTOR, UUID

from ..core.tables import Instant, metadata


def _id() -> Column[int]:
    return Column("id", BigInteger, Identity(always=True), primary_key=True)


def _instant(name: str = "created_at") -> Column[Any]:
    return Column(name, Instant, nullable=False, server_default=func.clock_timestamp())


def _count(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False, server_default="0")


def _no(name: str) -> Column[bool]:
    return Column(name, Boolean, nullable=False, server_default=text("false"))


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False, server_default="")


# The people who have written. The delay between posts is decided on the locked row, one post of a person at a time. The
# handle is for mentions; it is assigned once, and changes only when the account is deleted.
members = Table(
    "forum_members",
    metadata,
    Column("user_id", UUID, primary_key=True),
    _instant("posted_at"),
    Column("handle", Text, nullable=False, unique=True),
    _count("post_count"),
)

# Counters leave out hidden topics. A removed post still counts, because its number in the topic stays taken.
categories = Table(
    "forum_categories",
    metadata,
    _id(),
    Column("slug", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    _text("description"),
    Column("position", Integer, nullable=False),
    _count("topic_count"),
    _count("post_count"),
)

# A later post has a larger id, so `last_post_id` sorts topics by their last post, and is unique. The `last_…` columns are
# copies of that post's columns, for the lists.
topics = Table(
    "forum_topics",
    metadata,
    _id(),
    Column("category_id", BigInteger, ForeignKey("forum_categories.id"), nullable=False),
    Column("title", Text, nullable=False),
    Column("author_id", UUID, nullable=False),
    Column("author_name", Text, nullable=False),
    _instant(),
    _count("post_count"),
    Column("last_post_id", BigInteger, nullable=False, server_default="0"),
    _instant("last_post_at"),
    _text("last_post_by"),
    _no("pinned"),
    _no("locked"),
    _no("hidden"),
    Index(
        "ix_forum_topics_listed",
        "category_id",
        "pinned",
        "last_post_id",
        postgresql_where=text("NOT hidden"),
    ),
    Index(
        "ix_forum_topics_latest_of_category",
        "category_id",
        "last_post_id",
        postgresql_where=text("NOT hidden"),
    ),
    Index("ix_forum_topics_latest", "last_post_id", postgresql_where=text("NOT hidden")),
    Index("ix_forum_topics_category_id", "category_id"),
)

# Written as PostgreSQL prints it, for the comparison with the migrations.
_SEARCH = (
    "setweight(to_tsvector('english'::regconfig, title), 'A'::\"char\")"
    " || setweight(to_tsvector('english'::regconfig, body), 'B'::\"char\")"
)

# `title` is the topic's title in its first post, and empty in replies: a generated column sees only its own row.
posts = Table(
    "forum_posts",
    metadata,
    _id(),
    Column("topic_id", BigInteger, ForeignKey("forum_topics.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("author_id", UUID, ForeignKey("forum_members.user_id"), nullable=False),
    Column("author_name", Text, nullable=False),
    _text("title"),
    Column("body", Text, nullable=False),
    _instant(),
    _count("edit_count"),
    Column("edited_at", Instant),
    Column("removed_at", Instant),
    # The post was removed by its author, who may restore it, or by a moderator.
    Column("removed_by", Text),
    _text("removed_reason"),
    Column("search", TSVECTOR, Computed(_SEARCH, persisted=True), nullable=False),
    UniqueConstraint("topic_id", "number"),
    CheckConstraint("(removed_at IS NULL) = (removed_by IS NULL)", name="removed_by_somebody"),
    CheckConstraint("removed_by IN ('author', 'moderator')", name="removed_by"),
    Index("ix_forum_posts_author_id_id", "author_id", "id"),
    Index("ix_forum_posts_search", "search", postgresql_using="gin"),
)
Index("ix_forum_posts_author_name_id", func.lower(posts.c.author_name), posts.c.id)
# The function is in the migrations. Processes of an earlier release still search by the column `search`.
Index(
    "ix_forum_posts_terms",
    func.forum_terms(posts.c.id, posts.c.author_id, posts.c.author_name, posts.c.title, posts.c.body),
    postgresql_using="gin",
    postgresql_with={"fastupdate": "off"},
)

# The text of a post before each edit, with the author's reason for the edit. A moderator may hide both.
edits = Table(
    "forum_edits",
    metadata,
    _id(),
    Column("post_id", BigInteger, ForeignKey("forum_posts.id"), nullable=False),
    Column("body", Text, nullable=False),
    _text("reason"),
    _instant("edited_at"),
    Column("hidden_at", Instant),
    _text("hidden_reason"),
    Index("ix_forum_edits_post_id_id", "post_id", "id"),
)

# How far a person has read: in a topic by the post's number, in a category ("mark all read") by the post's id.
topic_reads = Table(
    "forum_topic_reads",
    metadata,
    Column("user_id", UUID, primary_key=True),
    Column("topic_id", BigInteger, ForeignKey("forum_topics.id"), primary_key=True),
    Column("number", Integer, nullable=False),
    Index("ix_forum_topic_reads_topic_id", "topic_id"),
)
category_reads = Table(
    "forum_category_reads",
    metadata,
    Column("user_id", UUID, primary_key=True),
    Column("category_id", BigInteger, ForeignKey("forum_categories.id"), primary_key=True),
    Column("post_id", BigInteger, nullable=False),
    Index("ix_forum_category_reads_category_id", "category_id"),
)

# Reports of posts. A report is settled when a moderator removes the post or dismisses the report.
flags = Table(
    "forum_flags",
    metadata,
    _id(),
    Column("post_id", BigInteger, ForeignKey("forum_posts.id"), nullable=False),
    Column("user_id", UUID, nullable=False),
    Column("user_name", Text, nullable=False),
    Column("reason", Text, nullable=False),
    _text("note"),
    _instant(),
    Column("settled_at", Instant),
    Column("outcome", Text),
    CheckConstraint("(settled_at IS NULL) = (outcome IS NULL)", name="settled_with_outcome"),
    Index("ix_forum_flags_post_id", "post_id"),
    Index("ix_forum_flags_user_id", "user_id"),
    # A person has at most one open report of a post.
    Index(
        "uq_forum_flags_open",
        "post_id",
        "user_id",
        unique=True,
        postgresql_where=text("settled_at IS NULL"),
    ),
)

# The acts of moderators with their reasons: a public log. Only the name of a moderator whose account was deleted changes.
actions = Table(
    "forum_actions",
    metadata,
    _id(),
    _instant("at"),
    Column("actor_id", UUID, nullable=False),
    Column("actor_name", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("topic_id", BigInteger, ForeignKey("forum_topics.id"), nullable=False),
    Column("post_id", BigInteger, ForeignKey("forum_posts.id")),
    Column("reason", Text, nullable=False),
    Index("ix_forum_actions_topic_id", "topic_id"),
    Index("ix_forum_actions_actor_id", "actor_id"),
    Index("ix_forum_actions_post_id", "post_id"),
)

# The people who were ever mentioned in a post, in its author's own words: at most a few.
mentions = Table(
    "forum_mentions",
    metadata,
    Column("post_id", BigInteger, ForeignKey("forum_posts.id"), primary_key=True),
    Column("user_id", UUID, ForeignKey("forum_members.user_id"), primary_key=True),
    Index("ix_forum_mentions_user_id", "user_id"),
)

# Messages to a person: about a reply, a mention, or a moderator's act on the person's post or topic.
inbox = Table(
    "forum_inbox",
    metadata,
    _id(),
    Column("user_id", UUID, nullable=False),
    Column("kind", Text, nullable=False),
    Column("topic_id", BigInteger, ForeignKey("forum_topics.id"), nullable=False),
    Column("post_id", BigInteger, ForeignKey("forum_posts.id")),
    Column("actor_name", Text, nullable=False),
    # A moderator's act and its reason.
    _text("act"),
    _text("reason"),
    _instant(),
    Column("read_at", Instant),
    CheckConstraint("kind IN ('reply', 'mention', 'moderation')", name="kind"),
    CheckConstraint("kind = 'moderation' OR post_id IS NOT NULL", name="about_a_post"),
    Index("ix_forum_inbox_user_id_id", "user_id", "id"),
    Index("ix_forum_inbox_topic_id", "topic_id"),
    Index("ix_forum_inbox_post_id", "post_id"),
    Index("ix_forum_inbox_unread", "user_id", "topic_id", postgresql_where=text("read_at IS NULL")),
    # A person gets one message about a post, however often the post is edited.
    Index(
        "uq_forum_inbox_post",
        "user_id",
        "post_id",
        unique=True,
        postgresql_where=text("kind <> 'moderation'"),
    ),
)

# The topics that people follow: they get messages about replies, as the topic's author does.
follows = Table(
    "forum_follows",
    metadata,
    Column("user_id", UUID, primary_key=True),
    Column("topic_id", BigInteger, ForeignKey("forum_topics.id"), primary_key=True),
    _instant(),
    Index("ix_forum_follows_topic_id", "topic_id"),
)

# The people who get letters about their inbox, when the next one may come, and up to which message the last one told.
letters = Table(
    "forum_letters",
    metadata,
    Column("user_id", UUID, primary_key=True),
    Column("email", Text, nullable=False),
    Column("every", Text, nullable=False),
    Column("next_at", Instant, nullable=False),
    Column("last_id", BigInteger, nullable=False),
    CheckConstraint("every IN ('hour', 'day')", name="every"),
    Index("ix_forum_letters_next_at", "next_at"),
)

# The row of the audit log up to which a person has read the security notices.
security_reads = Table(
    "forum_security_reads",
    metadata,
    Column("user_id", UUID, primary_key=True),
    Column("audit_id", BigInteger, nullable=False),
)
