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


def downgrade() -> None:
    op.drop_column("drift_checks", "left_out_users")
    op.drop_column("drift_checks", "left_out")
    op.drop_column("approvals", "token_id")
    op.drop_column("approvals", "session_id")
    op.drop_column("incidents", "more_filters")
