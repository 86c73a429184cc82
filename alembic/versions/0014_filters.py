"""Sessions by each browser they were used with; revocations that are counted after they have closed their gate."""

from alembic import op

revision = "0014_filters"
down_revision = "0013_deliveries"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_sessions_last_agent", "sessions", ["last_agent"])
    op.create_index("ix_session_places_agent", "session_places", ["agent"])
    # They were counted to a hundred thousand before their gate closed. Those that are still being marked are counted on
    # from what is marked; of others, sessions may have been purged since.
    op.execute(
        """UPDATE revocations r SET matched = CASE WHEN r.marked_at IS NULL THEN m.count ELSE greatest(r.matched, m.count) END
        FROM (SELECT id, (SELECT count(*) FROM sessions s WHERE s.revocation_id = r.id) AS count FROM revocations r
          WHERE scope IN ('site', 'everyone') AND (marked_at IS NULL OR matched >= 100000)) m
        WHERE m.id = r.id"""
    )


def downgrade() -> None:
    op.drop_index("ix_session_places_agent", "session_places")
    op.drop_index("ix_sessions_last_agent", "sessions")
