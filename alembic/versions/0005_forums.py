"""Forums: categories, topics, posts, moderation, the inbox."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005_forums"
down_revision = "0004_store"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "forum_categories",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("topic_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("post_count", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_forum_categories")),
        sa.UniqueConstraint("slug", name=op.f("uq_forum_categories_slug")),
    )
    op.create_table(
        "forum_members",
        sa.Column("user_id", sa.UUID(), nullable=False),
        sa.Column(
            "posted_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("handle", sa.Text(), nullable=False),
        sa.Column("post_count", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_forum_members")),
        sa.UniqueConstraint("handle", name=op.f("uq_forum_members_handle")),
    )
    op.create_table(
        "forum_security_reads",
        sa.Column("user_id", sa.UUID(), nullable=False),
        sa.Column("audit_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_forum_security_reads")),
    )
    op.create_table(
        "forum_category_reads",
        sa.Column("user_id", sa.UUID(), nullable=False),
        sa.Column("category_id", sa.BigInteger(), nullable=False),
        sa.Column("post_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["category_id"], ["forum_categories.id"], name=op.f("fk_forum_category_reads_category_id")
        ),
        sa.PrimaryKeyConstraint("user_id", "category_id", name=op.f("pk_forum_category_reads")),
    )
    op.create_index(
        "ix_forum_category_reads_category_id", "forum_category_reads", ["category_id"], unique=False
    )
    op.create_table(
        "forum_topics",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("category_id", sa.BigInteger(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("author_id", sa.UUID(), nullable=False),
        sa.Column("author_name", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("post_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("last_post_id", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column(
            "last_post_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("last_post_by", sa.Text(), server_default="", nullable=False),
        sa.Column("pinned", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("locked", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("hidden", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.ForeignKeyConstraint(
            ["category_id"], ["forum_categories.id"], name=op.f("fk_forum_topics_category_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_forum_topics")),
    )
    op.create_index("ix_forum_topics_category_id", "forum_topics", ["category_id"], unique=False)
    op.create_index(
        "ix_forum_topics_latest",
        "forum_topics",
        ["last_post_id"],
        unique=False,
        postgresql_where=sa.text("NOT hidden"),
    )
    op.create_index(
        "ix_forum_topics_latest_of_category",
        "forum_topics",
        ["category_id", "last_post_id"],
        unique=False,
        postgresql_where=sa.text("NOT hidden"),
    )
    op.create_index(
        "ix_forum_topics_listed",
        "forum_topics",
        ["category_id", "pinned", "last_post_id"],
        unique=False,
        postgresql_where=sa.text("NOT hidden"),
    )
    op.create_table(
        "forum_posts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("topic_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("author_id", sa.UUID(), nullable=False),
        sa.Column("author_name", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), server_default="", nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("edit_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("edited_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("removed_by", sa.Text(), nullable=True),
        sa.Column("removed_reason", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "search",
            postgresql.TSVECTOR(),
            sa.Computed(
                "setweight(to_tsvector('english'::regconfig, title), 'A'::\"char\") || setweight(to_tsvector('english'::regconfig, body), 'B'::\"char\")",
                persisted=True,
            ),
            nullable=False,
        ),
        sa.CheckConstraint("removed_by IN ('author', 'moderator')", name=op.f("ck_forum_posts_removed_by")),
        sa.CheckConstraint(
            "(removed_at IS NULL) = (removed_by IS NULL)", name=op.f("ck_forum_posts_removed_by_somebody")
        ),
        sa.ForeignKeyConstraint(
            ["author_id"], ["forum_members.user_id"], name=op.f("fk_forum_posts_author_id")
        ),
        sa.ForeignKeyConstraint(["topic_id"], ["forum_topics.id"], name=op.f("fk_forum_posts_topic_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_forum_posts")),
        sa.UniqueConstraint("topic_id", "number", name=op.f("uq_forum_posts_topic_id_number")),
    )
    op.create_index("ix_forum_posts_author_id_id", "forum_posts", ["author_id", "id"], unique=False)
    op.create_index(
        "ix_forum_posts_author_name_id",
        "forum_posts",
        [sa.literal_column("lower(author_name)"), "id"],
        unique=False,
    )
    op.create_index("ix_forum_posts_search", "forum_posts", ["search"], unique=False, postgresql_using="gin")
    op.create_table(
        "forum_topic_reads",
        sa.Column("user_id", sa.UUID(), nullable=False),
        sa.Column("topic_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["topic_id"], ["forum_topics.id"], name=op.f("fk_forum_topic_reads_topic_id")
        ),
        sa.PrimaryKeyConstraint("user_id", "topic_id", name=op.f("pk_forum_topic_reads")),
    )
    op.create_index("ix_forum_topic_reads_topic_id", "forum_topic_reads", ["topic_id"], unique=False)
    op.create_table(
        "forum_actions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("actor_id", sa.UUID(), nullable=False),
        sa.Column("actor_name", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("topic_id", sa.BigInteger(), nullable=False),
        sa.Column("post_id", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["post_id"], ["forum_posts.id"], name=op.f("fk_forum_actions_post_id")),
        sa.ForeignKeyConstraint(["topic_id"], ["forum_topics.id"], name=op.f("fk_forum_actions_topic_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_forum_actions")),
    )
    op.create_index("ix_forum_actions_post_id", "forum_actions", ["post_id"], unique=False)
    op.create_index("ix_forum_actions_topic_id", "forum_actions", ["topic_id"], unique=False)
    op.create_table(
        "forum_edits",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("post_id", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "edited_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("hidden_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("hidden_reason", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["post_id"], ["forum_posts.id"], name=op.f("fk_forum_edits_post_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_forum_edits")),
    )
    op.create_index("ix_forum_edits_post_id_id", "forum_edits", ["post_id", "id"], unique=False)
    op.create_table(
        "forum_flags",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("post_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.UUID(), nullable=False),
        sa.Column("user_name", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(settled_at IS NULL) = (outcome IS NULL)", name=op.f("ck_forum_flags_settled_with_outcome")
        ),
        sa.ForeignKeyConstraint(["post_id"], ["forum_posts.id"], name=op.f("fk_forum_flags_post_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_forum_flags")),
    )
    op.create_index("ix_forum_flags_post_id", "forum_flags", ["post_id"], unique=False)
    op.create_index(
        "uq_forum_flags_open",
        "forum_flags",
        ["post_id", "user_id"],
        unique=True,
        postgresql_where=sa.text("settled_at IS NULL"),
    )
    op.create_table(
        "forum_inbox",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("user_id", sa.UUID(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("topic_id", sa.BigInteger(), nullable=False),
        sa.Column("post_id", sa.BigInteger(), nullable=True),
        sa.Column("actor_name", sa.Text(), nullable=False),
        sa.Column("act", sa.Text(), server_default="", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "kind = 'moderation' OR post_id IS NOT NULL", name=op.f("ck_forum_inbox_about_a_post")
        ),
        sa.CheckConstraint("kind IN ('reply', 'mention', 'moderation')", name=op.f("ck_forum_inbox_kind")),
        sa.ForeignKeyConstraint(["post_id"], ["forum_posts.id"], name=op.f("fk_forum_inbox_post_id")),
        sa.ForeignKeyConstraint(["topic_id"], ["forum_topics.id"], name=op.f("fk_forum_inbox_topic_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_forum_inbox")),
    )
    op.create_index("ix_forum_inbox_post_id", "forum_inbox", ["post_id"], unique=False)
    op.create_index("ix_forum_inbox_topic_id", "forum_inbox", ["topic_id"], unique=False)
    op.create_index(
        "ix_forum_inbox_unread",
        "forum_inbox",
        ["user_id", "topic_id"],
        unique=False,
        postgresql_where=sa.text("read_at IS NULL"),
    )
    op.create_index("ix_forum_inbox_user_id_id", "forum_inbox", ["user_id", "id"], unique=False)
    op.create_index(
        "uq_forum_inbox_post",
        "forum_inbox",
        ["user_id", "post_id"],
        unique=True,
        postgresql_where=sa.text("kind <> 'moderation'"),
    )
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
    op.create_index("ix_forum_mentions_user_id", "forum_mentions", ["user_id"], unique=False)


def downgrade() -> None:
    op.drop_table("forum_mentions")
    op.drop_table("forum_inbox")
    op.drop_table("forum_flags")
    op.drop_table("forum_edits")
    op.drop_table("forum_actions")
    op.drop_table("forum_topic_reads")
    op.drop_table("forum_posts")
    op.drop_table("forum_topics")
    op.drop_table("forum_category_reads")
    op.drop_table("forum_security_reads")
    op.drop_table("forum_members")
    op.drop_table("forum_categories")
