"""API tokens: who made them, by id, and a life for each."""

import sqlalchemy as sa
from alembic import op

revision = "0014_authority"
down_revision = "0013_deliveries"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("api_tokens", sa.Column("maker_id", sa.UUID()))
    # Who made it stands in the audit log alone; nobody did whom the command line cannot name.
    op.execute(
        """UPDATE api_tokens t SET maker_id = a.user_id FROM audit_log a
        WHERE a.event = 'api_token_created' AND a.detail ->> 'token' = CAST(t.id AS text)"""
    )
    # Those without an end get the end that new ones get, and a month in which to replace them.
    op.execute(
        """UPDATE api_tokens SET expires_at = greatest(created_at + interval '365 days',
          clock_timestamp() + interval '30 days') WHERE expires_at IS NULL"""
    )
    op.alter_column("api_tokens", "expires_at", nullable=False)
    op.create_index("ix_api_tokens_maker_id", "api_tokens", ["maker_id"])
    op.create_index(
        "ix_revocations_user_id", "revocations", ["user_id"], postgresql_where=sa.text("user_id IS NOT NULL")
    )


def downgrade() -> None:
    op.drop_index("ix_revocations_user_id", "revocations")
    op.drop_index("ix_api_tokens_maker_id", "api_tokens")
    op.alter_column("api_tokens", "expires_at", nullable=True)
    op.drop_column("api_tokens", "maker_id")
