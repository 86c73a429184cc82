"""The login: failed tries, known devices, kept forms."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002_login"
down_revision = "0001_sessions"
branch_labels = None
depends_on = None

_NOW = sa.text("clock_timestamp()")


def upgrade() -> None:
    op.create_table(
        "login_failures",
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("failures", sa.Double(), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("blocked_until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_login_failures")),
    )
    op.create_index("ix_login_failures_last_at", "login_failures", ["last_at"])
    op.create_table(
        "login_devices",
        sa.Column("device", sa.LargeBinary(), nullable=False),
        sa.Column("account", sa.LargeBinary(), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), server_default=_NOW, nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), server_default=_NOW, nullable=False),
        sa.PrimaryKeyConstraint("device", "account", name=op.f("pk_login_devices")),
    )
    op.create_index("ix_login_devices_account", "login_devices", ["account"])
    op.create_index("ix_login_devices_last_at", "login_devices", ["last_at"])
    op.create_table(
        "kept_forms",
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("user_id", sa.UUID(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("fields", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=_NOW, nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_kept_forms")),
    )
    op.create_index("ix_kept_forms_created_at", "kept_forms", ["created_at"])
    op.create_index("ix_kept_forms_user_id_created_at", "kept_forms", ["user_id", "created_at"])


def downgrade() -> None:
    op.drop_table("kept_forms")
    op.drop_table("login_devices")
    op.drop_table("login_failures")
