"""An incident has several filters; requests for approval name what they were asked with; comparisons name whom they have left out;
and the acts of sessions are kept for a while.

Safe beside running processes: they write none of the new columns, and do not know the table. A request that they store says nothing
of its session or token, and so cannot be approved by the new code: it is asked for again.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0029_incident_filters"
down_revision = "0028_saved_views"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "incidents",
        sa.Column("more_filters", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
    )
    op.add_column("approvals", sa.Column("session_id", sa.UUID(), nullable=True))
    op.add_column("approvals", sa.Column("token_id", sa.UUID(), nullable=True))
    op.add_column("drift_checks", sa.Column("left_out", sa.Integer(), server_default="0", nullable=False))
    op.add_column(
        "drift_checks",
        sa.Column("left_out_users", postgresql.ARRAY(sa.UUID()), server_default="{}", nullable=False),
    )

    op.create_table(
        "session_acts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("session_id", sa.UUID(), nullable=False),
        sa.Column("user_id", sa.UUID(), nullable=False),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column(
            "at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), server_default="", nullable=False),
        sa.Column("address", postgresql.INET(), nullable=True),
        sa.Column("agent", sa.Text(), server_default="", nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_session_acts")),
    )
    op.create_index("ix_session_acts_session_id_id", "session_acts", ["session_id", "id"])
    op.create_index("ix_session_acts_user_id_id", "session_acts", ["user_id", "id"])
    op.create_index("ix_session_acts_expires_at", "session_acts", ["expires_at"])


def downgrade() -> None:
    op.drop_table("session_acts")
    op.drop_column("drift_checks", "left_out_users")
    op.drop_column("drift_checks", "left_out")
    op.drop_column("approvals", "token_id")
    op.drop_column("approvals", "session_id")
    op.drop_column("incidents", "more_filters")
