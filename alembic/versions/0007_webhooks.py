"""Webhooks, in and out."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007_webhooks"
down_revision = "0006_signals"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "webhook_events",
        sa.Column("id", postgresql.UUID(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("taken_at", _INSTANT, server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_events")),
    )
    op.create_index("ix_webhook_events_taken_at", "webhook_events", ["taken_at"])
    op.create_table(
        "webhook_refusals",
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("last_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("why", name=op.f("pk_webhook_refusals")),
    )
    op.create_table(
        "webhook_endpoints",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("lease", postgresql.UUID()),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_try_at", _INSTANT, server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("told_at", _INSTANT),
        sa.Column("last_error", sa.Text()),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_webhook_endpoints")),
    )


def downgrade() -> None:
    op.drop_table("webhook_endpoints")
    op.drop_table("webhook_refusals")
    op.drop_index("ix_webhook_events_taken_at", table_name="webhook_events")
    op.drop_table("webhook_events")
