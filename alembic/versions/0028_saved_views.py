"""Views of the console's list of sessions that admins have saved.

Safe beside running processes: they do not know the table.
"""

import sqlalchemy as sa
from alembic import op

revision = "0028_saved_views"
down_revision = "0027_forum_mail"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "saved_views",
        sa.Column("id", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("user_id", sa.UUID(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_views")),
    )
    op.create_index("uq_saved_views_user_id_name", "saved_views", ["user_id", "name"], unique=True)


def downgrade() -> None:
    op.drop_table("saved_views")
