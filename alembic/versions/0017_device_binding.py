"""Sessions: keys of devices, challenges, and bound cookies."""

import sqlalchemy as sa
from alembic import op

revision = "0017_device_binding"
down_revision = "0016_purged_revocations"
branch_labels = None
depends_on = None


def _session(table: str) -> sa.ForeignKeyConstraint:
    """The session of a row, which takes the row along when it is deleted."""
    return sa.ForeignKeyConstraint(
        ["session_id"], ["sessions.id"], name=op.f(f"fk_{table}_session_id"), ondelete="CASCADE"
    )


def upgrade() -> None:
    for name in ("bindable_until", "bound_at"):
        op.add_column("sessions", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    now = sa.text("clock_timestamp()")
    op.create_table(
        "session_keys",
        sa.Column("session_id", sa.UUID(), nullable=False),
        sa.Column("algorithm", sa.Text(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("last_proof_at", sa.DateTime(timezone=True), server_default=now, nullable=False),
        sa.Column("proofs", sa.Integer(), server_default="1", nullable=False),
        sa.Column("skipped_reason", sa.Text(), nullable=True),
        sa.Column("skipped_at", sa.DateTime(timezone=True), nullable=True),
        _session("session_keys"),
        sa.PrimaryKeyConstraint("session_id", name=op.f("pk_session_keys")),
    )
    op.create_table(
        "session_challenges",
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("session_id", sa.UUID(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        _session("session_challenges"),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_session_challenges")),
    )
    op.create_index(
        "ix_session_challenges_session_id_expires_at", "session_challenges", ["session_id", "expires_at"]
    )
    op.create_index("ix_session_challenges_expires_at", "session_challenges", ["expires_at"])
    op.create_table(
        "session_bound_cookies",
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("session_id", sa.UUID(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        _session("session_bound_cookies"),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_session_bound_cookies")),
    )
    op.create_index("ix_session_bound_cookies_session_id", "session_bound_cookies", ["session_id"])
    op.create_index("ix_session_bound_cookies_expires_at", "session_bound_cookies", ["expires_at"])


def downgrade() -> None:
    for table in ("session_bound_cookies", "session_challenges", "session_keys"):
        op.drop_table(table)
    for name in ("bound_at", "bindable_until"):
        op.drop_column("sessions", name)
