"""Every foreign key has an index of its own, and every job of the worker finds its rows by one; which form a session
was signed in by; whom a letter warns.
"""

import sqlalchemy as sa
from alembic import op

revision = "0014_database"
down_revision = "0013_deliveries"
branch_labels = None
depends_on = None

_FOREIGN_KEYS = [
    ("cart_lines", "cart_id"),
    ("forum_topics", "category_id"),
    ("forum_topic_reads", "topic_id"),
    ("forum_category_reads", "category_id"),
    ("forum_actions", "topic_id"),
    ("forum_actions", "post_id"),
    ("forum_mentions", "user_id"),
    ("forum_inbox", "topic_id"),
    ("forum_inbox", "post_id"),
]
_UNENDED = sa.text("ended_at IS NULL")


def upgrade() -> None:
    op.add_column("sessions", sa.Column("login_form", sa.LargeBinary()))
    op.add_column("outgoing_mail", sa.Column("user_id", sa.UUID()))
    op.add_column("outgoing_mail", sa.Column("site", sa.Text(), nullable=False, server_default=""))
    for table, column in _FOREIGN_KEYS:
        op.create_index(f"ix_{table}_{column}", table, [column])
    op.create_index("ix_sessions_unended", "sessions", ["absolute_end"], postgresql_where=_UNENDED)
    op.create_index(
        "ix_sessions_unended_of_site", "sessions", ["site", "absolute_end"], postgresql_where=_UNENDED
    )
    op.create_index("ix_outgoing_mail_created_at", "outgoing_mail", ["created_at"])
    op.create_index(
        "ix_carts_guests_changed_at", "carts", ["changed_at"], postgresql_where=sa.text("user_id IS NULL")
    )
    op.drop_index("ix_carts_changed_at", "carts")


def downgrade() -> None:
    op.create_index("ix_carts_changed_at", "carts", ["changed_at"])
    op.drop_index("ix_carts_guests_changed_at", "carts")
    op.drop_index("ix_outgoing_mail_created_at", "outgoing_mail")
    op.drop_index("ix_sessions_unended_of_site", "sessions")
    op.drop_index("ix_sessions_unended", "sessions")
    for table, column in reversed(_FOREIGN_KEYS):
        op.drop_index(f"ix_{table}_{column}", table)
    op.drop_column("outgoing_mail", "site")
    op.drop_column("outgoing_mail", "user_id")
    op.drop_column("sessions", "login_form")
