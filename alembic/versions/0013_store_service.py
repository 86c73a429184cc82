"""Store: a search that forgives, the states of an order, and letters about products that are back."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013_store_service"
down_revision = "0011_processes"
branch_labels = None
depends_on = None

_SOLD = sa.text("NOT withdrawn")


def _folded(text: str) -> str:
    """The text in small letters and without accents, as shopforum/store/search.py writes it."""
    plain = f"lower(regexp_replace(normalize({text}, NFKD), '[\\u0300-\\u036f]', '', 'g'))"
    return f"replace(translate({plain}, 'øłđ', 'old'), 'ß', 'ss')"


def upgrade() -> None:
    # Trusted since PostgreSQL 13: the database's owner may create it.
    op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    about = _folded("category || ' ' || summary || ' ' || description")
    words = (
        f"setweight(to_tsvector('english'::regconfig, {_folded('name')}), 'A'::\"char\") || "
        f"setweight(to_tsvector('english'::regconfig, {about}), 'B'::\"char\")"
    )
    spelling = _folded("name || ' ' || category || ' ' || summary")
    op.add_column(
        "products",
        sa.Column("words", postgresql.TSVECTOR(), sa.Computed(words, persisted=True), nullable=False),
    )
    op.add_column(
        "products", sa.Column("spelling", sa.Text(), sa.Computed(spelling, persisted=True), nullable=False)
    )
    op.create_index(
        "ix_products_words", "products", ["words"], postgresql_using="gin", postgresql_where=_SOLD
    )
    op.create_index(
        "ix_products_spelling",
        "products",
        ["spelling"],
        postgresql_using="gin",
        postgresql_ops={"spelling": "gin_trgm_ops"},
        postgresql_where=_SOLD,
    )
    op.add_column("orders", sa.Column("state", sa.Text(), server_default="placed", nullable=False))
    op.add_column("orders", sa.Column("email", sa.Text(), nullable=True))
    op.create_check_constraint(
        op.f("ck_orders_state_known"),
        "orders",
        "state IN ('placed', 'packed', 'shipped', 'delivered', 'cancelled')",
    )
    now = sa.text("clock_timestamp()")
    op.create_table(
        "order_steps",
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=now, nullable=False),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_order_steps_order_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("order_id", "state", name=op.f("pk_order_steps")),
    )
    op.create_table(
        "restock_notices",
        sa.Column("product_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.UUID(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=now, nullable=False),
        sa.ForeignKeyConstraint(
            ["product_id"], ["products.id"], name=op.f("fk_restock_notices_product_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("product_id", "user_id", name=op.f("pk_restock_notices")),
    )
    op.create_index("ix_restock_notices_created_at", "restock_notices", ["created_at"])


def downgrade() -> None:
    op.drop_table("restock_notices")
    op.drop_table("order_steps")
    op.drop_column("orders", "email")
    op.drop_column("orders", "state")
    op.drop_column("products", "spelling")
    op.drop_column("products", "words")
