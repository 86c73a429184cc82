"""The console: the trail by site."""

from alembic import op

revision = "0012_console"
down_revision = "0011_account"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_audit_log_site_id", "audit_log", ["site", "id"])


def downgrade() -> None:
    op.drop_index("ix_audit_log_site_id", "audit_log")
