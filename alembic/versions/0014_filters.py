"""Sessions by each browser they were used with; revocations that are counted after they have closed their gate."""

from alembic import op

revision = "0014_filters"
down_revision = "0013_deliveries"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_sessions_last_agent", "sessions", ["last_agent"])
    op.create_index("ix_session_places_agent", "session_places", ["agent"])


def downgrade() -> None:
    op.drop_index("ix_session_places_agent", "session_places")
    op.drop_index("ix_sessions_last_agent", "sessions")
