"""Sessions: indexes for deleting old gates, receipts and messages."""

import sqlalchemy as sa
from alembic import op

revision = "0016_purged_revocations"
down_revision = "0014_forum_search"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_revocation_gates_epoch", "revocation_gates", ["epoch"])
    op.create_index(
        "ix_revocations_gates",
        "revocations",
        ["created_at", "epoch"],
        postgresql_where=sa.text("epoch IS NOT NULL"),
    )
    op.create_index(
        "ix_revocation_outbox_done_at",
        "revocation_outbox",
        ["done_at"],
        postgresql_where=sa.text("done_at IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_revocation_outbox_done_at", table_name="revocation_outbox")
    op.drop_index("ix_revocations_gates", table_name="revocations")
    op.drop_index("ix_revocation_gates_epoch", table_name="revocation_gates")
