"""Handles and mentions, the inbox, hidden edits, and how much somebody has written."""

import re
import unicodedata
from itertools import count

import sqlalchemy as sa
from alembic import op

revision = "0010_forums"
down_revision = "0009_store"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("forum_members", sa.Column("handle", sa.Text()))
    op.add_column("forum_members", sa.Column("post_count", sa.Integer(), server_default="0", nullable=False))
    _enrol_authors()
    op.alter_column("forum_members", "handle", nullable=False)
    op.create_unique_constraint(op.f("uq_forum_members_handle"), "forum_members", ["handle"])
    op.create_foreign_key(
        op.f("fk_forum_posts_author_id"), "forum_posts", "forum_members", ["author_id"], ["user_id"]
    )
    op.create_index("ix_forum_posts_author_name_id", "forum_posts", [sa.text("lower(author_name)"), "id"])
    op.add_column("forum_edits", sa.Column("hidden_at", sa.DateTime(timezone=True)))
    op.add_column("forum_edits", sa.Column("hidden_reason", sa.Text(), server_default="", nullable=False))
    op.create_table(
        "forum_mentions",
        sa.Column("post_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.UUID(), nullable=False),
        sa.ForeignKeyConstraint(["post_id"], ["forum_posts.id"], name=op.f("fk_forum_mentions_post_id")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["forum_members.user_id"], name=op.f("fk_forum_mentions_user_id")
        ),
        sa.PrimaryKeyConstraint("post_id", "user_id", name=op.f("pk_forum_mentions")),
    )
    _create_inbox()
    op.create_table(
        "forum_security_reads",
        sa.Column("user_id", sa.UUID(), nullable=False),
        sa.Column("audit_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_forum_security_reads")),
    )


def downgrade() -> None:
    op.drop_table("forum_security_reads")
    op.drop_table("forum_inbox")
    op.drop_table("forum_mentions")
    op.drop_column("forum_edits", "hidden_reason")
    op.drop_column("forum_edits", "hidden_at")
    op.drop_index("ix_forum_posts_author_name_id", table_name="forum_posts")
    op.drop_constraint(op.f("fk_forum_posts_author_id"), "forum_posts")
    op.drop_constraint(op.f("uq_forum_members_handle"), "forum_members")
    op.drop_column("forum_members", "post_count")
    op.drop_column("forum_members", "handle")


def _enrol_authors() -> None:
    """Everybody who has written gets a row and a handle, in the order in which they came."""
    connection = op.get_bind()
    connection.execute(
        sa.text("""
        INSERT INTO forum_members AS m (user_id, posted_at, post_count)
        SELECT author_id, max(created_at), count(*) FROM forum_posts GROUP BY author_id
        ON CONFLICT (user_id) DO UPDATE SET post_count = excluded.post_count
        """)
    )
    people = connection.execute(
        sa.text("""
        SELECT m.user_id, (SELECT author_name FROM forum_posts p WHERE p.author_id = m.user_id ORDER BY id DESC LIMIT 1)
        FROM forum_members m
        ORDER BY (SELECT min(id) FROM forum_posts p WHERE p.author_id = m.user_id), m.user_id
        """)
    ).all()
    taken: set[str] = set()
    for user_id, name in people:
        base = _handle(name or "")
        handle = next(h for n in count(1) if (h := base if n == 1 else f"{base}-{n}") not in taken)
        taken.add(handle)
        connection.execute(
            sa.text("UPDATE forum_members SET handle = :handle WHERE user_id = :user_id"),
            {"handle": handle, "user_id": user_id},
        )


def _handle(name: str) -> str:
    letters = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", letters)[:40].strip("-") or "member"


def _create_inbox() -> None:
    op.create_table(
        "forum_inbox",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("user_id", sa.UUID(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("topic_id", sa.BigInteger(), nullable=False),
        sa.Column("post_id", sa.BigInteger()),
        sa.Column("actor_name", sa.Text(), nullable=False),
        sa.Column("act", sa.Text(), server_default="", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("read_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("kind IN ('reply', 'mention', 'moderation')", name=op.f("ck_forum_inbox_kind")),
        sa.CheckConstraint(
            "kind = 'moderation' OR post_id IS NOT NULL", name=op.f("ck_forum_inbox_about_a_post")
        ),
        sa.ForeignKeyConstraint(["topic_id"], ["forum_topics.id"], name=op.f("fk_forum_inbox_topic_id")),
        sa.ForeignKeyConstraint(["post_id"], ["forum_posts.id"], name=op.f("fk_forum_inbox_post_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_forum_inbox")),
    )
    op.create_index("ix_forum_inbox_user_id_id", "forum_inbox", ["user_id", "id"])
    op.create_index(
        "ix_forum_inbox_unread",
        "forum_inbox",
        ["user_id", "topic_id"],
        postgresql_where=sa.text("read_at IS NULL"),
    )
    op.create_index(
        "uq_forum_inbox_post",
        "forum_inbox",
        ["user_id", "post_id"],
        unique=True,
        postgresql_where=sa.text("kind <> 'moderation'"),
    )
