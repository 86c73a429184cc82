"""Sessions: indexes for the console's searches of the audit log by address, by request and by the reason of an act."""

import sqlalchemy as sa
from alembic import op

revision = "0019_console_searches"
down_revision = "0018_incidents"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_audit_log_address_id",
        "audit_log",
        ["address", "id"],
        postgresql_where=sa.text("address IS NOT NULL"),
    )
    op.create_index(
        "ix_audit_log_request_id_id",
        "audit_log",
        ["request_id", "id"],
        postgresql_where=sa.text("request_id <> ''"),
    )
    op.create_index(
        "ix_audit_log_reasoned",
        "audit_log",
        ["id"],
        postgresql_where=sa.text("(detail ->> 'reason_admin'::text) <> ''::text"),
    )


def downgrade() -> None:
    op.drop_index("ix_audit_log_reasoned", table_name="audit_log")
    op.drop_index("ix_audit_log_request_id_id", table_name="audit_log")
    op.drop_index("ix_audit_log_address_id", table_name="audit_log")
