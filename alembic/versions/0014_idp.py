"""The outbox knows when the provider was told, and whether its own word of it has come back."""

import sqlalchemy as sa
from alembic import op

revision = "0014_idp"
down_revision = "0013_deliveries"
branch_labels = None
depends_on = None

_TABLE = "revocation_outbox"


def upgrade() -> None:
    op.add_column(_TABLE, sa.Column("sent_at", sa.DateTime(timezone=True)))
    op.add_column(_TABLE, sa.Column("echoed", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.create_index(
        "ix_revocation_outbox_sent_at",
        _TABLE,
        ["sent_at"],
        postgresql_where=sa.text("refresh_token_id IS NULL AND NOT echoed"),
    )


def downgrade() -> None:
    op.drop_index("ix_revocation_outbox_sent_at", _TABLE)
    op.drop_column(_TABLE, "echoed")
    op.drop_column(_TABLE, "sent_at")
