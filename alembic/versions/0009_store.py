"""Things saved for later, and an index for each order of the catalogue."""

import sqlalchemy as sa
from alembic import op

revision = "0009_store"
down_revision = "0008_api"
branch_labels = None
depends_on = None

_SOLD = sa.text("NOT withdrawn")
_IN_CART, _SAVED = sa.text("saved_at IS NULL"), sa.text("saved_at IS NOT NULL")


def upgrade() -> None:
    op.add_column("cart_lines", sa.Column("saved_at", sa.DateTime(timezone=True), nullable=True))
    op.drop_constraint("uq_cart_lines_cart_id_product_id", "cart_lines", type_="unique")
    for name, where in (("uq_cart_lines_in_cart", _IN_CART), ("uq_cart_lines_saved", _SAVED)):
        op.create_index(name, "cart_lines", ["cart_id", "product_id"], unique=True, postgresql_where=where)
    for column in ("name", "price_minor"):
        op.drop_index(f"ix_products_{column}_id", "products")
        op.create_index(f"ix_products_{column}_id", "products", [column, "id"], postgresql_where=_SOLD)
        by_category = ["category", column, "id"]
        op.create_index(f"ix_products_category_{column}_id", "products", by_category, postgresql_where=_SOLD)
    featured = sa.text("featured AND NOT withdrawn")
    op.create_index("ix_products_featured", "products", ["name", "id"], postgresql_where=featured)


def downgrade() -> None:
    op.drop_index("ix_products_featured", "products")
    for column in ("price_minor", "name"):
        op.drop_index(f"ix_products_category_{column}_id", "products")
        op.drop_index(f"ix_products_{column}_id", "products")
        op.create_index(f"ix_products_{column}_id", "products", [column, "id"])
    for name in ("uq_cart_lines_saved", "uq_cart_lines_in_cart"):
        op.drop_index(name, "cart_lines")
    # What was saved would come back into carts that may hold the same product: an older release does not know it.
    op.execute("DELETE FROM cart_lines WHERE saved_at IS NOT NULL")
    op.create_unique_constraint("uq_cart_lines_cart_id_product_id", "cart_lines", ["cart_id", "product_id"])
    op.drop_column("cart_lines", "saved_at")
