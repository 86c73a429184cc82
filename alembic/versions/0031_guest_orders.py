"""Orders of guests, and the links that lead to them.

Safe beside running processes: older ones neither show nor count an order without a user. They go on deleting a guest's
cart after 30 days, which leaves the order. No order can be placed while the constraint is checked.
"""

import sqlalchemy as sa
from alembic import op

revision = "0031_guest_orders"
down_revision = "0030_account_deletion"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.alter_column("orders", "user_id", existing_type=sa.UUID(), nullable=True)
    op.alter_column("orders", "cart_id", existing_type=sa.BigInteger(), nullable=True)
    op.drop_constraint(op.f("fk_orders_cart_id"), "orders", type_="foreignkey")
    op.create_foreign_key(
        op.f("fk_orders_cart_id"), "orders", "carts", ["cart_id"], ["id"], ondelete="SET NULL"
    )
    op.create_table(
        "order_links",
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("mailed", sa.Boolean(), nullable=False),
        sa.Column("expires_at", _INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_order_links_order_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_order_links")),
    )
    op.create_index("ix_order_links_order_id", "order_links", ["order_id"])
    op.create_index("ix_order_links_expires_at", "order_links", ["expires_at"])


def downgrade() -> None:
    op.drop_table("order_links")
    op.execute("DELETE FROM orders WHERE user_id IS NULL OR cart_id IS NULL")
    op.drop_constraint(op.f("fk_orders_cart_id"), "orders", type_="foreignkey")
    op.create_foreign_key(op.f("fk_orders_cart_id"), "orders", "carts", ["cart_id"], ["id"])
    op.alter_column("orders", "cart_id", existing_type=sa.BigInteger(), nullable=False)
    op.alter_column("orders", "user_id", existing_type=sa.UUID(), nullable=False)
