"""Forums: topics that people follow, letters about the inbox, and the address in a letter that stops such letters.

Safe beside running processes: older ones know neither table, and a worker of theirs sends a letter without that address in
its header.
"""

import sqlalchemy as sa
from alembic import op

revision = "0027_forum_mail"
down_revision = "0026_drift_and_honey"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)
_NOW = sa.text("clock_timestamp()")


def upgrade() -> None:
    op.add_column("outgoing_mail", sa.Column("unsubscribe", sa.Text(), server_default="", nullable=False))
    op.create_table(
        "forum_follows",
        sa.Column("user_id", sa.UUID(), nullable=False),
        sa.Column("topic_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", _INSTANT, server_default=_NOW, nullable=False),
        sa.ForeignKeyConstraint(
            ["topic_id"], ["forum_topics.id"], name=op.f("fk_forum_follows_topic_id_forum_topics")
        ),
        sa.PrimaryKeyConstraint("user_id", "topic_id", name=op.f("pk_forum_follows")),
    )
    op.create_index("ix_forum_follows_topic_id", "forum_follows", ["topic_id"])
    op.create_table(
        "forum_letters",
        sa.Column("user_id", sa.UUID(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("every", sa.Text(), nullable=False),
        sa.Column("next_at", _INSTANT, nullable=False),
        sa.Column("last_id", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("every IN ('hour', 'day')", name=op.f("ck_forum_letters_every")),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_forum_letters")),
    )
    op.create_index("ix_forum_letters_next_at", "forum_letters", ["next_at"])


def downgrade() -> None:
    op.drop_table("forum_letters")
    op.drop_table("forum_follows")
    op.drop_column("outgoing_mail", "unsubscribe")
