"""Accounts whose owners have asked for the deletion, and indexes by which a user's rows at the forums are found.

Safe beside running processes: older ones do not know the table. An older site lets a user log in whose account is to be
deleted, and an older worker deletes no account. Reports and acts of moderators cannot be written while the indexes are built.
"""

import sqlalchemy as sa
from alembic import op

revision = "0030_account_deletion"
down_revision = "0029_incident_filters"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)
_UNDER_WAY = sa.text("done_at IS NULL")


def upgrade() -> None:
    op.create_table(
        "account_deletions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("user_id", sa.UUID(), nullable=False),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("user_name", sa.Text(), nullable=False),
        sa.Column("user_email", sa.Text(), nullable=False),
        sa.Column("asked_at", _INSTANT, server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("due_at", _INSTANT, nullable=False),
        sa.Column("begun_at", _INSTANT),
        sa.Column("done_at", _INSTANT),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_try_at", _INSTANT, nullable=False),
        sa.Column("last_error", sa.Text()),
        sa.CheckConstraint(
            "done_at IS NULL OR user_email = ''", name=op.f("ck_account_deletions_done_without_address")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_deletions")),
    )
    op.create_index(
        "uq_account_deletions_under_way",
        "account_deletions",
        ["user_id"],
        unique=True,
        postgresql_where=_UNDER_WAY,
    )
    op.create_index("ix_account_deletions_user_id", "account_deletions", ["user_id"])
    op.create_index(
        "ix_account_deletions_next_try_at", "account_deletions", ["next_try_at"], postgresql_where=_UNDER_WAY
    )
    op.create_index(
        "ix_account_deletions_done_at",
        "account_deletions",
        ["done_at"],
        postgresql_where=sa.text("done_at IS NOT NULL"),
    )
    op.create_index("ix_forum_flags_user_id", "forum_flags", ["user_id"])
    op.create_index("ix_forum_actions_actor_id", "forum_actions", ["actor_id"])


def downgrade() -> None:
    op.drop_index("ix_forum_actions_actor_id", "forum_actions")
    op.drop_index("ix_forum_flags_user_id", "forum_flags")
    op.drop_table("account_deletions")
