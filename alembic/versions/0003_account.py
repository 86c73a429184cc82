"""Account: logins with new devices, and mail to be sent."""

import sqlalchemy as sa
from alembic import op

revision = "0003_account"
down_revision = "0002_login"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "new_sign_ins",
        sa.Column("session_id", sa.UUID(), nullable=False),
        sa.Column("user_id", sa.UUID(), nullable=False),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("session_id", name=op.f("pk_new_sign_ins")),
    )
    op.create_index("ix_new_sign_ins_created_at", "new_sign_ins", ["created_at"], unique=False)
    op.create_index("ix_new_sign_ins_user_id", "new_sign_ins", ["user_id"], unique=False)
    op.create_table(
        "outgoing_mail",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("user_id", sa.UUID(), nullable=True),
        sa.Column("site", sa.Text(), server_default="", nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("plain", sa.Text(), nullable=False),
        sa.Column("html", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column(
            "next_try_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outgoing_mail")),
    )
    op.create_index("ix_outgoing_mail_created_at", "outgoing_mail", ["created_at"], unique=False)
    op.create_index("ix_outgoing_mail_next_try_at", "outgoing_mail", ["next_try_at"], unique=False)


def downgrade() -> None:
    op.drop_table("outgoing_mail")
    op.drop_table("new_sign_ins")
