"""The store's tables. Amounts are euro cents including tax, tax rates whole per cent, instants by the database's clock.

A cart belongs to a user or, by the hash of a cookie, to a guest. It never belongs to a session, so it outlives sessions.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR, UUID

from ..core.tables import Instant, metadata
from .search import folded

# The search of version 0.2, whose processes may still run beside those of this version.
_SEARCH_0_2 = (
    "setweight(to_tsvector('english'::regconfig, name), 'A'::\"char\") || "
    "setweight(to_tsvector('english'::regconfig, summary || ' ' || description), 'B'::\"char\")"
)
_ABOUT = folded("category || ' ' || summary || ' ' || description")
_WORDS = (
    f"setweight(to_tsvector('english'::regconfig, {folded('name')}), 'A'::\"char\") || "
    f"setweight(to_tsvector('english'::regconfig, {_ABOUT}), 'B'::\"char\")"
)
_SPELLING = folded("name || ' ' || category || ' ' || summary")

_SOLD = text("NOT withdrawn")


def _now(name: str) -> Column:  # type: ignore[type-arg]
    """Return a column for an instant that the database's clock fills in."""
    return Column(name, Instant, nullable=False, server_default=func.clock_timestamp())


def _id() -> Column:  # type: ignore[type-arg]
    return Column("id", BigInteger, Identity(), primary_key=True)


products = Table(
    "products",
    metadata,
    _id(),
    Column("slug", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("category", Text, nullable=False),
    Column("summary", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("price_minor", BigInteger, nullable=False),
    Column("tax_rate", Integer, nullable=False),
    Column("stock", Integer, nullable=False),
    Column("featured", Boolean, nullable=False, server_default=text("false")),
    # No longer sold: gone from the catalogue, but still named in carts that hold it.
    Column("withdrawn", Boolean, nullable=False, server_default=text("false")),
    Column("search", TSVECTOR, Computed(_SEARCH_0_2, persisted=True), nullable=False),
    # The words that a search finds, and the texts in which it looks for the words that were meant (search.py).
    Column("words", TSVECTOR, Computed(_WORDS, persisted=True), nullable=False),
    Column("spelling", Text, Computed(_SPELLING, persisted=True), nullable=False),
    CheckConstraint("price_minor > 0", name="price_positive"),
    CheckConstraint("tax_rate BETWEEN 0 AND 99", name="tax_rate_per_cent"),
    CheckConstraint("stock >= 0", name="stock_not_negative"),
    CheckConstraint("NOT withdrawn OR stock = 0", name="withdrawn_without_stock"),
    # One index for each sort order, with and without a category: a page is read from the index, never sorted.
    Index("ix_products_name_id", "name", "id", postgresql_where=_SOLD),
    Index("ix_products_price_minor_id", "price_minor", "id", postgresql_where=_SOLD),
    Index("ix_products_category_name_id", "category", "name", "id", postgresql_where=_SOLD),
    Index("ix_products_category_price_minor_id", "category", "price_minor", "id", postgresql_where=_SOLD),
    Index("ix_products_featured", "name", "id", postgresql_where=text("featured AND NOT withdrawn")),
    Index("ix_products_search", "search", postgresql_using="gin"),
    Index("ix_products_words", "words", postgresql_using="gin", postgresql_where=_SOLD),
    Index(
        "ix_products_spelling",
        "spelling",
        postgresql_using="gin",
        postgresql_ops={"spelling": "gin_trgm_ops"},
        postgresql_where=_SOLD,
    ),
)

carts = Table(
    "carts",
    metadata,
    _id(),
    Column("user_id", UUID),
    Column("guest_hash", LargeBinary),
    # The key that made the hash (`Keyring.ids`); NULL in users' carts and in rows from before keys had ids.
    Column("key_id", Text),
    _now("created_at"),
    _now("changed_at"),
    Column("closed_at", Instant),
    Column("closed_as", Text),
    CheckConstraint("(user_id IS NULL) <> (guest_hash IS NULL)", name="one_owner"),
    CheckConstraint("(closed_at IS NULL) = (closed_as IS NULL)", name="closed_with_reason"),
    CheckConstraint("closed_as IN ('ordered', 'merged')", name="closed_as_known"),
    # At most one open cart each, so that two concurrent first additions meet in one cart.
    Index("uq_carts_open_user_id", "user_id", unique=True, postgresql_where=text("closed_at IS NULL")),
    Index("uq_carts_open_guest_hash", "guest_hash", unique=True, postgresql_where=text("closed_at IS NULL")),
    # Only guests' carts: users' carts stay, and the purge must not scan them.
    Index("ix_carts_guests_changed_at", "changed_at", postgresql_where=text("user_id IS NULL")),
)

cart_lines = Table(
    "cart_lines",
    metadata,
    # Lines are listed by id: a line that is removed and restored keeps its place.
    _id(),
    Column("cart_id", BigInteger, ForeignKey("carts.id", ondelete="CASCADE"), nullable=False),
    Column("product_id", BigInteger, ForeignKey("products.id"), nullable=False),
    Column("quantity", Integer, nullable=False),
    # The price on the day the line was added, to show a change of price.
    Column("price_minor", BigInteger, nullable=False),
    Column("removed_at", Instant),
    # When the line was saved for later. It stays with the user's open cart, but does not count as part of it.
    Column("saved_at", Instant),
    # When a login last added this line from a guest's cart, raised its quantity, or saved it for later.
    Column("merged_at", Instant),
    CheckConstraint("quantity > 0", name="quantity_positive"),
    # A product has at most one line in the cart, and one saved line.
    Index(
        "uq_cart_lines_in_cart",
        "cart_id",
        "product_id",
        unique=True,
        postgresql_where=text("saved_at IS NULL"),
    ),
    Index(
        "uq_cart_lines_saved",
        "cart_id",
        "product_id",
        unique=True,
        postgresql_where=text("saved_at IS NOT NULL"),
    ),
    # The cart's page reads lines of both kinds, and a partial index serves neither that nor the foreign key.
    Index("ix_cart_lines_cart_id", "cart_id"),
    Index("ix_cart_lines_product_id", "product_id"),
    Index("ix_cart_lines_removed_at", "removed_at", postgresql_where=text("removed_at IS NOT NULL")),
)

orders = Table(
    "orders",
    metadata,
    _id(),
    Column("number", Text, nullable=False, unique=True),
    Column("user_id", UUID, nullable=False),
    # A cart becomes one order, even if its form is sent twice.
    Column("cart_id", BigInteger, ForeignKey("carts.id"), nullable=False, unique=True),
    _now("created_at"),
    Column("name", Text, nullable=False),
    Column("street", Text, nullable=False),
    Column("postal_code", Text, nullable=False),
    Column("city", Text, nullable=False),
    Column("country", Text, nullable=False),
    Column("subtotal_minor", BigInteger, nullable=False),
    Column("shipping_minor", BigInteger, nullable=False),
    Column("total_minor", BigInteger, nullable=False),
    # The tax included in the total, as pairs of rate and cents: [[19, 1234], [7, 56]].
    Column("tax_minor", JSONB, nullable=False),
    # How far the order has come; order_steps has when.
    Column("state", Text, nullable=False, server_default="placed"),
    # Where letters about the order are sent. Orders of version 0.2 have none.
    Column("email", Text),
    CheckConstraint("total_minor = subtotal_minor + shipping_minor", name="total_is_sum"),
    CheckConstraint("state IN ('placed', 'packed', 'shipped', 'delivered', 'cancelled')", name="state_known"),
    Index("ix_orders_user_id_id", "user_id", "id"),
)

# The products of an order, with their names and prices of that day.
order_lines = Table(
    "order_lines",
    metadata,
    _id(),
    Column("order_id", BigInteger, ForeignKey("orders.id", ondelete="CASCADE"), nullable=False),
    Column("product_id", BigInteger, ForeignKey("products.id"), nullable=False),
    Column("slug", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("price_minor", BigInteger, nullable=False),
    Column("tax_rate", Integer, nullable=False),
    Column("quantity", Integer, nullable=False),
    CheckConstraint("quantity > 0", name="quantity_positive"),
    Index("ix_order_lines_order_id", "order_id"),
    Index("ix_order_lines_product_id", "product_id"),
)

# The steps of an order after it was placed, each with its instant.
order_steps = Table(
    "order_steps",
    metadata,
    Column("order_id", BigInteger, ForeignKey("orders.id", ondelete="CASCADE"), primary_key=True),
    Column("state", Text, primary_key=True),
    _now("at"),
)

# Users who want a letter when a sold-out product is back. A row is deleted when its letter is queued.
restock_notices = Table(
    "restock_notices",
    metadata,
    Column("product_id", BigInteger, ForeignKey("products.id", ondelete="CASCADE"), primary_key=True),
    Column("user_id", UUID, primary_key=True),
    Column("email", Text, nullable=False),
    _now("created_at"),
    Index("ix_restock_notices_created_at", "created_at"),
)
