"""Processes: the web servers and workers that run, and the oldest version of the code that this schema serves."""

import sqlalchemy as sa
from alembic import op

revision = "0011_processes"
down_revision = "0010_audit_and_devices"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "processes",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column(
            "started_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column(
            "seen_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_processes")),
    )
    op.create_index("ix_processes_seen_at", "processes", ["seen_at"], unique=False)
    # Read by core/readiness.py. A migration that older code cannot live with changes it.
    op.execute("COMMENT ON TABLE alembic_version IS '0011_processes'")


def downgrade() -> None:
    op.execute("COMMENT ON TABLE alembic_version IS NULL")
    op.drop_table("processes")
