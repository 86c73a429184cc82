"""Carts: what is in them, and every way it changes.

A cart belongs to a user or to a guest's cookie (`Owner`). Every change locks the cart's row first, so that changes of
one cart happen one after the other, also beside an order being placed. Quantities are held at the stock; the stock
itself is only taken by an order (orders.py).
"""

from dataclasses import dataclass, fields
from functools import cached_property
from uuid import UUID

from sqlalchemy import Connection, RowMapping, TextClause, text

from ..sessions.database import Database
from . import totals


@dataclass(frozen=True)
class Owner:
    """Whose cart: a user's, or that of the guest whose cookie has one of these hashes. Nobody's cart has neither."""

    user_id: UUID | None = None
    guest_hashes: tuple[bytes, ...] = ()

    @property
    def values(self) -> dict[str, object]:
        """What the statements below call :user_id and :guest_hashes."""
        return {"user_id": self.user_id, "guest_hashes": list(self.guest_hashes)}


@dataclass(frozen=True)
class Line:
    """A line of a cart. Prices in cents: `price` is today's, `added_price` what it was when it was put in."""

    id: int
    product_id: int
    slug: str
    name: str
    price: int
    added_price: int
    tax_rate: int
    quantity: int
    stock: int
    withdrawn: bool
    merged: bool

    @property
    def problem(self) -> str | None:
        """What keeps this line from being ordered: "withdrawn", "sold-out", "short" (fewer left than wanted)."""
        if self.withdrawn:
            return "withdrawn"
        if not self.stock:
            return "sold-out"
        return "short" if self.quantity > self.stock else None

    @property
    def payable(self) -> int:
        """How many can be had."""
        return min(self.quantity, self.stock)

    @property
    def total(self) -> int:
        """What they cost, in cents."""
        return self.price * self.payable


@dataclass(frozen=True)
class Cart:
    """An open cart. `removed` is the line that was taken out just now, where it was asked for. An empty one has id 0."""

    id: int
    lines: tuple[Line, ...]
    removed: Line | None = None

    @cached_property
    def totals(self) -> totals.Totals:
        """The costs of all that can be had."""
        return totals.compute((line.price, line.payable, line.tax_rate) for line in self.lines)

    @property
    def items(self) -> int:
        """How many pieces can be had."""
        return sum(line.payable for line in self.lines)

    @property
    def orderable(self) -> bool:
        """Whether it can become an order as it is."""
        return bool(self.lines) and not any(line.problem for line in self.lines)

    def line(self, line_id: int) -> Line | None:
        """The line of that id, if it is here."""
        return next((line for line in self.lines if line.id == line_id), None)


@dataclass(frozen=True)
class Change:
    """What became of a change: the line, how many are in it now, and whether that is fewer than were wanted.

    With `quantity` 0 the line was taken out or, where `sold_out`, nothing was changed.
    """

    line_id: int
    quantity: int
    clamped: bool = False
    sold_out: bool = False
    created: bool = False


_FIELDS = [field.name for field in fields(Line)]

_LOAD = text("""
SELECT l.cart_id, l.id, l.product_id, p.slug, p.name, p.price_minor AS price, l.price_minor AS added_price, p.tax_rate,
       l.quantity, p.stock, p.withdrawn, l.removed_at IS NOT NULL AS removed,
       coalesce(l.merged_at > clock_timestamp() - interval '10 minutes', false) AS merged
FROM carts c JOIN cart_lines l ON l.cart_id = c.id JOIN products p ON p.id = l.product_id
WHERE c.closed_at IS NULL AND (c.user_id = :user_id OR c.guest_hash = ANY(CAST(:guest_hashes AS bytea[])))
  AND (l.removed_at IS NULL OR l.id = :removed)
ORDER BY l.id
""")
_LOCK = text("""
SELECT id FROM carts
WHERE closed_at IS NULL AND (user_id = :user_id OR guest_hash = ANY(CAST(:guest_hashes AS bytea[])))
ORDER BY id LIMIT 1 FOR UPDATE
""")
_OPEN = text("""
INSERT INTO carts (user_id, guest_hash) VALUES (:user_id, :guest_hash)
ON CONFLICT (user_id) WHERE closed_at IS NULL DO UPDATE SET changed_at = clock_timestamp()
RETURNING id
""")
_TOUCH = text("UPDATE carts SET changed_at = clock_timestamp() WHERE id = :cart")
_PRODUCT = text("SELECT id, stock FROM products WHERE slug = :slug AND NOT withdrawn")
_BEFORE = text("""
SELECT quantity FROM cart_lines WHERE cart_id = :cart AND product_id = :product AND removed_at IS NULL
""")
_ADD = text("""
INSERT INTO cart_lines AS l (cart_id, product_id, quantity, price_minor)
SELECT :cart, p.id, least(:quantity, p.stock), p.price_minor FROM products p WHERE p.id = :product AND p.stock > 0
ON CONFLICT (cart_id, product_id) DO UPDATE SET
    quantity = least(
        CASE WHEN l.removed_at IS NULL THEN l.quantity ELSE 0 END + :quantity,
        (SELECT stock FROM products WHERE id = :product)),
    price_minor = excluded.price_minor, removed_at = NULL
RETURNING id, quantity
""")
_CHANGE = text("""
UPDATE cart_lines l SET
    quantity = CASE WHEN :quantity > 0 AND p.stock > 0 THEN least(:quantity, p.stock) ELSE l.quantity END,
    removed_at = CASE WHEN :quantity = 0 THEN coalesce(l.removed_at, clock_timestamp()) END
FROM products p WHERE l.id = :line AND l.cart_id = :cart AND p.id = l.product_id
RETURNING l.id, l.quantity, p.stock
""")
_RESTORE = text("""
UPDATE cart_lines l SET removed_at = NULL,
    quantity = CASE WHEN p.stock > 0 THEN least(l.quantity, p.stock) ELSE l.quantity END
FROM products p WHERE l.id = :line AND l.cart_id = :cart AND p.id = l.product_id
RETURNING l.id
""")


def load(db: Database, owner: Owner, *, removed: int = 0) -> Cart:
    """The owner's open cart, in one statement. `removed` asks for one of its removed lines as well."""
    return _cart(db.all(_LOAD, **owner.values, removed=removed))


def load_in(connection: Connection, owner: Owner) -> Cart:
    """The owner's open cart as a transaction sees it."""
    rows = connection.execute(_LOAD, {**owner.values, "removed": 0}).mappings()
    return _cart(list(rows))


def _cart(rows: list[RowMapping]) -> Cart:
    lines = tuple(_line(row) for row in rows if not row["removed"])
    gone = next((_line(row) for row in rows if row["removed"]), None)
    return Cart(rows[0]["cart_id"] if rows else 0, lines, gone)


def add(
    db: Database, owner: Owner, slug: str, quantity: int, *, new_guest: bytes | None = None
) -> Change | None:
    """Put `quantity` (1 or more) pieces into the cart, as far as the stock goes; None where there is no such product.

    Where the owner has no cart yet, one is made: for a user, or under `new_guest` for a guest.
    """
    with db.transaction() as connection:
        product = connection.execute(_PRODUCT, {"slug": slug}).mappings().first()
        if product is None:
            return None
        if not product["stock"]:
            return Change(0, 0, sold_out=True)
        cart = _lock(connection, owner)
        created = cart is None
        if cart is None:
            cart = connection.execute(_OPEN, {"user_id": owner.user_id, "guest_hash": new_guest}).scalar_one()
        values = {"cart": cart, "product": product["id"]}
        before = connection.execute(_BEFORE, values).scalar() or 0
        line = connection.execute(_ADD, {**values, "quantity": quantity}).mappings().first()
        if line is None:
            # Sold out since the first statement.
            return Change(0, 0, sold_out=True)
        clamped = line["quantity"] < before + quantity
        return Change(line["id"], line["quantity"], clamped=clamped, created=created)


def change(db: Database, owner: Owner, line_id: int, quantity: int) -> Change | None:
    """Set a line's quantity, held at the stock; 0 takes it out, so that it can be restored. None if it is not there.

    A line whose product is sold out keeps its quantity.
    """
    with db.transaction() as connection:
        row = _update(connection, owner, _CHANGE, {"line": line_id, "quantity": quantity})
        if row is None:
            return None
        if not quantity:
            return Change(line_id, 0)
        sold_out = not row["stock"]
        return Change(line_id, row["quantity"], clamped=row["quantity"] < quantity, sold_out=sold_out)


def restore(db: Database, owner: Owner, line_id: int) -> bool:
    """Bring a removed line back where it stood, with its quantity as far as the stock goes. False if it is not there."""
    with db.transaction() as connection:
        return _update(connection, owner, _RESTORE, {"line": line_id}) is not None


def _lock(connection: Connection, owner: Owner) -> int | None:
    """The id of the owner's open cart, locked until the transaction ends; and marked as changed."""
    cart: int | None = connection.execute(_LOCK, owner.values).scalar()
    if cart is not None:
        connection.execute(_TOUCH, {"cart": cart})
    return cart


def _update(
    connection: Connection, owner: Owner, statement: TextClause, values: dict[str, int]
) -> RowMapping | None:
    """Change a line of the owner's cart. None for a line that is not there, or is another's: nobody can tell which."""
    cart = _lock(connection, owner)
    if cart is None:
        return None
    return connection.execute(statement, {**values, "cart": cart}).mappings().first()


def _line(row: RowMapping) -> Line:
    return Line(**{name: row[name] for name in _FIELDS})
