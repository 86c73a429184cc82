"""Keys: what is stored names the key that made it, and each process the keys that it knows.

Safe beside running processes: they leave the new columns empty, and know nothing of the new table.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0020_key_ids"
down_revision = "0019_console_searches"
branch_labels = None
depends_on = None

_KEYED = ("session_credentials", "login_failures", "login_devices", "kept_forms", "api_tokens", "carts")


def upgrade() -> None:
    for table in _KEYED:
        op.add_column(table, sa.Column("key_id", sa.Text()))
    op.add_column("processes", sa.Column("keys", postgresql.ARRAY(sa.Text())))
    op.create_table(
        "audit_keys",
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("first_seq", sa.BigInteger(), nullable=False),
        sa.Column("last_seq", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("first_seq <= last_seq", name=op.f("ck_audit_keys_range_in_order")),
        sa.PrimaryKeyConstraint("key_id", name=op.f("pk_audit_keys")),
    )


def downgrade() -> None:
    op.drop_table("audit_keys")
    op.drop_column("processes", "keys")
    for table in reversed(_KEYED):
        op.drop_column(table, "key_id")
