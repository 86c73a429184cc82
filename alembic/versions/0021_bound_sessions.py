"""Sessions: an index for the list of bound sessions, of which there may be few among many."""

import sqlalchemy as sa
from alembic import op

revision = "0021_bound_sessions"
down_revision = "0020_key_ids"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_sessions_bound",
        "sessions",
        ["created_at", "id"],
        postgresql_where=sa.text("bound_at IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_sessions_bound", table_name="sessions")
