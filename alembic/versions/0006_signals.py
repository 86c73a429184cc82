"""Quarantine, flags that were dismissed, scopes as they were typed, and standing rules."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import CIDR, UUID

revision = "0006_signals"
down_revision = "0005_audit_chain"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("sessions", sa.Column("quarantined_at", sa.DateTime(timezone=True)))
    op.add_column("sessions", sa.Column("quarantine_reason", sa.Text()))
    op.add_column("sessions", sa.Column("new_sign_in", UUID()))
    op.add_column(
        "sessions",
        # now() is the same for all rows, and so needs no rewrite of the table; clock_timestamp() would.
        sa.Column(
            "roles_read_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
    )
    op.alter_column("sessions", "roles_read_at", server_default=sa.text("clock_timestamp()"))
    op.create_check_constraint(
        "ck_sessions_quarantined_with_reason",
        "sessions",
        "(quarantined_at IS NULL) = (quarantine_reason IS NULL)",
    )
    op.create_index(
        "ix_sessions_quarantined",
        "sessions",
        ["created_at", "id"],
        postgresql_where=sa.text("quarantined_at IS NOT NULL"),
    )
    op.add_column("revocations", sa.Column("typed", sa.Text(), server_default="", nullable=False))
    op.add_column("session_flags", sa.Column("dismissed_at", sa.DateTime(timezone=True)))
    op.add_column("session_flags", sa.Column("dismissed_by", sa.Text()))
    op.add_column("session_flags", sa.Column("dismissed_reason", sa.Text()))
    op.create_table(
        "standing_rules",
        sa.Column("id", UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("user_id", UUID()),
        sa.Column("site", sa.Text()),
        sa.Column("network", CIDR()),
        sa.Column("device", sa.Text(), server_default="", nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("reason_code", sa.Text(), nullable=False),
        sa.Column("reason_admin", sa.Text(), server_default="", nullable=False),
        sa.Column("reason_user", sa.Text(), server_default="", nullable=False),
        sa.Column("revocation_id", UUID()),
        sa.Column("hits", sa.Integer(), server_default="0", nullable=False),
        sa.Column("last_hit_at", sa.DateTime(timezone=True)),
        sa.Column("lifted_at", sa.DateTime(timezone=True)),
        sa.Column("lifted_by", sa.Text()),
        sa.CheckConstraint(
            "user_id IS NOT NULL OR network IS NOT NULL OR device <> ''",
            name=op.f("ck_standing_rules_names_something"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_standing_rules")),
    )
    op.create_index(
        "ix_standing_rules_unlifted",
        "standing_rules",
        ["until"],
        postgresql_where=sa.text("lifted_at IS NULL"),
    )
    op.create_index("ix_standing_rules_created_at_id", "standing_rules", ["created_at", "id"])


def downgrade() -> None:
    op.drop_table("standing_rules")
    for name in ("dismissed_reason", "dismissed_by", "dismissed_at"):
        op.drop_column("session_flags", name)
    op.drop_column("revocations", "typed")
    op.drop_index("ix_sessions_quarantined", table_name="sessions")
    op.drop_constraint("ck_sessions_quarantined_with_reason", "sessions")
    for name in ("roles_read_at", "new_sign_in", "quarantine_reason", "quarantined_at"):
        op.drop_column("sessions", name)
