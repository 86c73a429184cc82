"""Break-glass: authenticators of the console's admins, and when a code has stood in for a session's password.

Safe beside running processes: they know neither, and go by the password alone.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0022_break_glass"
down_revision = "0021_bound_sessions"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("sessions", sa.Column("code_given_at", _INSTANT))
    op.create_table(
        "console_authenticators",
        sa.Column("user_id", sa.UUID(), nullable=False),
        sa.Column("user_name", sa.Text(), nullable=False),
        sa.Column("user_email", sa.Text(), nullable=False),
        sa.Column("roles", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("created_at", _INSTANT, server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("confirmed_at", _INSTANT),
        sa.Column("last_step", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("blocked_until", _INSTANT, server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_console_authenticators")),
    )


def downgrade() -> None:
    op.drop_table("console_authenticators")
    op.drop_column("sessions", "code_given_at")
