"""The canary: a made-up session that the worker revokes every minute, and how long that took to be felt.

Safe beside running processes: they know nothing of the new tables.
"""

import sqlalchemy as sa
from alembic import op

revision = "0024_canary"
down_revision = "0023_column_comments"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "canaries",
        sa.Column("id", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("minute", _INSTANT, nullable=False),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("user_id", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("authenticated_at", _INSTANT, server_default=sa.text("now()"), nullable=False),
        sa.Column("absolute_end", _INSTANT, nullable=False),
        sa.Column("ended_at", _INSTANT),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_canaries")),
        sa.UniqueConstraint("minute", name=op.f("uq_canaries_minute")),
    )
    op.create_table(
        "canary_times",
        sa.Column("at", _INSTANT, server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("seconds", sa.Float()),
        sa.Column("why", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("at", "place", name=op.f("pk_canary_times")),
    )


def downgrade() -> None:
    op.drop_table("canary_times")
    op.drop_table("canaries")
