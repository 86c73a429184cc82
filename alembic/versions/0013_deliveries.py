"""Webhooks: after which row of the audit log an endpoint began to be told."""

import sqlalchemy as sa
from alembic import op

revision = "0013_deliveries"
down_revision = "0012_console"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("webhook_endpoints", sa.Column("since", sa.BigInteger()))
    # What was told before this day is not known any more.
    op.execute("UPDATE webhook_endpoints SET since = seq")
    op.alter_column("webhook_endpoints", "since", nullable=False)


def downgrade() -> None:
    op.drop_column("webhook_endpoints", "since")
