"""Comparisons of the sessions with FusionAuth, nightly and on demand; and honey tokens.

Safe beside running processes: they know neither table.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0026_drift_and_honey"
down_revision = "0025_approvals"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)
_NOW = sa.text("clock_timestamp()")


def upgrade() -> None:
    op.create_table(
        "drift_checks",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("created_at", _INSTANT, server_default=_NOW, nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column(
            "after_user",
            sa.UUID(),
            server_default=sa.text("'00000000-0000-0000-0000-000000000000'"),
            nullable=False,
        ),
        sa.Column("users", sa.Integer(), server_default="0", nullable=False),
        sa.Column("found", sa.Integer(), server_default="0", nullable=False),
        sa.Column("rows", postgresql.JSONB(), server_default="[]", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_try_at", _INSTANT, server_default=_NOW, nullable=False),
        sa.Column("last_error", sa.Text(), server_default="", nullable=False),
        sa.Column("ended_at", _INSTANT),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_drift_checks")),
    )
    op.create_index("ix_drift_checks_created_at", "drift_checks", ["created_at"])
    op.create_index(
        "uq_drift_checks_under_way",
        "drift_checks",
        [sa.text("(ended_at IS NULL)")],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "honey_tokens",
        sa.Column("id", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("created_at", _INSTANT, server_default=_NOW, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("hits", sa.Integer(), server_default="0", nullable=False),
        sa.Column("first_hit_at", _INSTANT),
        sa.Column("last_hit_at", _INSTANT),
        sa.Column("last_address", postgresql.INET()),
        sa.Column("last_agent", sa.Text(), server_default="", nullable=False),
        sa.Column("retired_at", _INSTANT),
        sa.Column("retired_by", sa.Text()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_honey_tokens")),
        sa.UniqueConstraint("hash", name=op.f("uq_honey_tokens_hash")),
    )
    op.create_index("ix_honey_tokens_created_at_id", "honey_tokens", ["created_at", "id"])


def downgrade() -> None:
    op.drop_table("honey_tokens")
    op.drop_table("drift_checks")
