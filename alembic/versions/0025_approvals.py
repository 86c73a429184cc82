"""Approvals: acts that reach far and wait for a second owner.

Safe beside running processes: they do not know the table, and make no act wait.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0025_approvals"
down_revision = "0024_canary"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "approvals",
        sa.Column("id", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("created_at", _INSTANT, server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("expires_at", _INSTANT, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("target", postgresql.JSONB(), nullable=False),
        sa.Column("sessions", postgresql.ARRAY(sa.UUID()), nullable=False),
        sa.Column("matched", sa.Integer(), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("exact", sa.Boolean(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("user_id", sa.UUID()),
        sa.Column("address", postgresql.INET()),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("reason_code", sa.Text(), nullable=False),
        sa.Column("reason_admin", sa.Text(), nullable=False),
        sa.Column("reason_user", sa.Text(), nullable=False),
        sa.Column("decided_at", _INSTANT),
        sa.Column("decided_by", sa.Text()),
        sa.Column("outcome", sa.Text()),
        sa.Column("made_id", sa.UUID()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approvals")),
    )
    op.create_index("ix_approvals_created_at_id", "approvals", ["created_at", "id"])
    op.create_index(
        "uq_approvals_digest_waiting",
        "approvals",
        ["digest"],
        unique=True,
        postgresql_where=sa.text("decided_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_table("approvals")
