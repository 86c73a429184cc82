"""The account: sign-ins with new devices, mail to be sent, and devices known by site."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011_account"
down_revision = "0010_forums"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)
_NOW = sa.text("clock_timestamp()")


def upgrade() -> None:
    # Those from before belong to a site that is not known: they count for all.
    op.add_column("login_devices", sa.Column("site", sa.Text(), server_default="", nullable=False))
    op.create_table(
        "new_sign_ins",
        sa.Column("session_id", postgresql.UUID(), nullable=False),
        sa.Column("user_id", postgresql.UUID(), nullable=False),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("created_at", _INSTANT, server_default=_NOW, nullable=False),
        sa.PrimaryKeyConstraint("session_id", name=op.f("pk_new_sign_ins")),
    )
    op.create_index("ix_new_sign_ins_user_id", "new_sign_ins", ["user_id"])
    op.create_index("ix_new_sign_ins_created_at", "new_sign_ins", ["created_at"])
    op.create_table(
        "outgoing_mail",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("created_at", _INSTANT, server_default=_NOW, nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("plain", sa.Text(), nullable=False),
        sa.Column("html", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_try_at", _INSTANT, server_default=_NOW, nullable=False),
        sa.Column("last_error", sa.Text()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outgoing_mail")),
    )
    op.create_index("ix_outgoing_mail_next_try_at", "outgoing_mail", ["next_try_at"])


def downgrade() -> None:
    op.drop_index("ix_outgoing_mail_next_try_at", table_name="outgoing_mail")
    op.drop_table("outgoing_mail")
    op.drop_index("ix_new_sign_ins_created_at", table_name="new_sign_ins")
    op.drop_index("ix_new_sign_ins_user_id", table_name="new_sign_ins")
    op.drop_table("new_sign_ins")
    op.drop_column("login_devices", "site")
