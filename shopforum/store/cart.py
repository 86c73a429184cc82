"""Carts: their lines, and every way to change them.

A cart belongs to a user or to a guest's cookie (`Owner`). Every change locks the cart's row first, so that changes of
one cart happen one after the other, also while an order is being placed. A quantity is limited to the stock; only an
order reduces the stock (orders.py). A line can be saved for later (saved.py): it stays with the cart, but is neither
counted nor ordered.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from uuid import UUID

from sqlalchemy import Connection, text

from ..core.database import Database, ResultRow, once_more
from ..core.prepared_statements import Prepared
from ..core.rows import build
from . import totals


class LineNotFound(Exception):
    """A line that was to be changed is not in the owner's open cart. Nothing was changed."""


@dataclass(frozen=True)
class Owner:
    """The owner of a cart: a user, or the guest whose cookie has one of these hashes. Without either there is no cart.

    `key_id` is the key that makes the hash of a new guest's cart.
    """

    user_id: UUID | None = None
    guest_hashes: tuple[bytes, ...] = ()
    key_id: str | None = field(default=None, compare=False)

    @property
    def values(self) -> dict[str, object]:
        """The parameters :user_id and :guest_hashes of the statements below."""
        return {"user_id": self.user_id, "guest_hashes": list(self.guest_hashes)}


@dataclass(frozen=True)
class CartLine:
    """A line of a cart. `price` is today's price, `added_price` the price on the day it was added, both in cents.

    `saved`: the line is saved for later. `merged`: a login has just added it from the guest's cart.
    """

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
    saved: bool
    merged: bool

    @property
    def problem(self) -> str | None:
        """The reason why this line cannot be ordered: "withdrawn", "sold-out", "short" (fewer in stock than wanted) or None."""
        if self.withdrawn:
            return "withdrawn"
        if not self.stock:
            return "sold-out"
        return "short" if self.quantity > self.stock else None

    @property
    def payable(self) -> int:
        """The quantity that can be ordered."""
        return min(self.quantity, self.stock)

    @property
    def total(self) -> int:
        """The price of the quantity that can be ordered, in cents."""
        return self.price * self.payable


@dataclass(frozen=True)
class Cart:
    """An open cart, and the lines `saved` for later beside it. The id of an empty cart may be 0.

    `removed` are lines that were just removed, as far as the caller asked for them.
    """

    id: int
    lines: tuple[CartLine, ...]
    saved: tuple[CartLine, ...] = ()
    removed: tuple[CartLine, ...] = ()

    @cached_property
    def totals(self) -> totals.Totals:
        """The costs of everything that can be ordered."""
        return totals.compute((line.price, line.payable, line.tax_rate) for line in self.lines)

    @property
    def items(self) -> int:
        """The number of pieces that can be ordered."""
        return sum(line.payable for line in self.lines)

    @property
    def orderable(self) -> bool:
        """Return whether the cart can be ordered as it is."""
        return bool(self.lines) and not any(line.problem for line in self.lines)

    def lines_of(self, ids: Sequence[int]) -> list[CartLine]:
        """Return the lines with these ids, saved lines included."""
        return [line for line in self.lines + self.saved if line.id in ids]


@dataclass(frozen=True)
class Change:
    """The result of a change of one line: its new quantity. `clamped`: the stock allowed fewer than were wanted.

    `quantity` 0 means that the line was removed or, with `sold_out`, that nothing was changed. `created` says that the
    change has made a new cart.
    """

    line_id: int
    quantity: int
    clamped: bool = False
    sold_out: bool = False
    created: bool = False


_LOAD = Prepared(
    "cart",
    """
SELECT l.cart_id, l.id, l.product_id, p.slug, p.name, p.price_minor AS price, l.price_minor AS added_price, p.tax_rate,
       l.quantity, p.stock, p.withdrawn, l.removed_at IS NOT NULL AS removed, l.saved_at IS NOT NULL AS saved,
       coalesce(l.merged_at > clock_timestamp() - interval '10 minutes', false) AS merged
FROM carts c JOIN cart_lines l ON l.cart_id = c.id JOIN products p ON p.id = l.product_id
WHERE c.closed_at IS NULL AND (c.user_id = :user_id OR c.guest_hash = ANY(CAST(:guest_hashes AS bytea[])))
  AND (l.removed_at IS NULL OR l.id = ANY(CAST(:removed AS bigint[])))
ORDER BY l.id
""",
)
_LOCK = text("""
SELECT id FROM carts
WHERE closed_at IS NULL AND (user_id = :user_id OR guest_hash = ANY(CAST(:guest_hashes AS bytea[])))
ORDER BY id LIMIT 1 FOR UPDATE
""")
# Of two concurrent first additions, the second finds the cart of the first.
_OPEN, _OPEN_GUEST = (
    text(f"""
INSERT INTO carts ({owner}, key_id) VALUES (:{owner}, :key_id)
ON CONFLICT ({owner}) WHERE closed_at IS NULL DO UPDATE SET changed_at = clock_timestamp()
RETURNING id
""")
    for owner in ("user_id", "guest_hash")
)
_TOUCH = text("UPDATE carts SET changed_at = clock_timestamp() WHERE id = :cart")
_PRODUCT = text("SELECT id, stock FROM products WHERE slug = :slug AND NOT withdrawn")
_BEFORE = text("""
SELECT quantity FROM cart_lines
WHERE cart_id = :cart AND product_id = :product AND removed_at IS NULL AND saved_at IS NULL
""")
_ADD = text("""
INSERT INTO cart_lines AS l (cart_id, product_id, quantity, price_minor)
SELECT :cart, p.id, least(:quantity, p.stock), p.price_minor FROM products p WHERE p.id = :product AND p.stock > 0
ON CONFLICT (cart_id, product_id) WHERE saved_at IS NULL DO UPDATE SET
    quantity = least(
        CASE WHEN l.removed_at IS NULL THEN l.quantity ELSE 0 END + :quantity,
        (SELECT stock FROM products WHERE id = :product)),
    price_minor = excluded.price_minor, removed_at = NULL
RETURNING id, quantity
""")
_CHANGE = text("""
UPDATE cart_lines l SET
    quantity = CASE WHEN wanted.quantity > 0 AND p.stock > 0 THEN least(wanted.quantity, p.stock) ELSE l.quantity END,
    removed_at = CASE WHEN wanted.quantity = 0 THEN coalesce(l.removed_at, clock_timestamp()) END
FROM unnest(CAST(:lines AS bigint[]), CAST(:quantities AS integer[])) AS wanted (line, quantity), products p
WHERE l.id = wanted.line AND l.cart_id = :cart AND p.id = l.product_id
RETURNING l.id, l.quantity, p.stock, wanted.quantity AS wanted
""")
_RESTORE = text("""
UPDATE cart_lines l SET removed_at = NULL,
    quantity = CASE WHEN p.stock > 0 THEN least(l.quantity, p.stock) ELSE l.quantity END
FROM products p WHERE l.id = ANY(CAST(:lines AS bigint[])) AND l.cart_id = :cart AND p.id = l.product_id
RETURNING l.id
""")


def load(db: Database, owner: Owner, *, removed: Sequence[int] = ()) -> Cart:
    """Return the owner's open cart. One statement. `removed` are ids of removed lines to be returned as well."""
    return _cart(db.all(_LOAD, **owner.values, removed=list(removed)))


def load_in(connection: Connection, owner: Owner) -> Cart:
    """Return the owner's open cart as a transaction sees it."""
    return _cart(_LOAD.run(connection, {**owner.values, "removed": []}, prepare=False))


def _cart(rows: list[ResultRow]) -> Cart:
    found = [(build(CartLine, row), row["removed"]) for row in rows]
    lines = tuple(line for line, was_removed in found if not was_removed and not line.saved)
    saved = tuple(line for line, was_removed in found if not was_removed and line.saved)
    removed = tuple(line for line, was_removed in found if was_removed)
    return Cart(rows[0]["cart_id"] if rows else 0, lines, saved, removed)


@once_more
def add(
    db: Database, owner: Owner, slug: str, quantity: int, *, new_guest: bytes | None = None
) -> Change | None:
    """Add `quantity` (1 or more) pieces of a product, limited to the stock. Return None if there is no such product.

    An owner without a cart gets one: a user's, or a guest's under the hash `new_guest`.
    """
    with db.transaction() as connection:
        product = connection.execute(_PRODUCT, {"slug": slug}).first()
        if product is None:
            return None
        if not product.stock:
            return Change(0, 0, sold_out=True)
        return add_all(connection, owner, {product.id: quantity}, new_guest=new_guest)[0]


def add_all(
    connection: Connection, owner: Owner, wanted: Mapping[int, int], *, new_guest: bytes | None = None
) -> list[Change]:
    """Add quantities (1 or more) of products by their ids, as `add` does, in the caller's transaction.

    A product that is sold out is not added: its change says so.
    """
    cart = lock(connection, owner)
    created = cart is None
    if cart is None:
        statement = _OPEN if owner.user_id else _OPEN_GUEST
        values = {"user_id": owner.user_id, "guest_hash": new_guest, "key_id": owner.key_id}
        cart = connection.execute(statement, values).scalar_one()
    return [_add(connection, cart, product, quantity, created) for product, quantity in wanted.items()]


def _add(connection: Connection, cart: int, product: int, quantity: int, created: bool) -> Change:
    values = {"cart": cart, "product": product}
    before = connection.execute(_BEFORE, values).scalar() or 0
    line = connection.execute(_ADD, {**values, "quantity": quantity}).first()
    if line is None:
        return Change(0, 0, sold_out=True)
    return Change(line.id, line.quantity, clamped=line.quantity < before + quantity, created=created)


@once_more
def change(db: Database, owner: Owner, wanted: Mapping[int, int]) -> list[Change]:
    """Set the quantities of lines, by their ids, limited to the stock; 0 removes a line, which can be restored.

    All lines are changed or none: raises LineNotFound if one is missing. A line whose product is sold out keeps its
    quantity.
    """
    if not wanted:
        return []
    with db.transaction() as connection:
        values = {"lines": list(wanted), "quantities": list(wanted.values())}
        rows = connection.execute(_CHANGE, {**values, "cart": lock(connection, owner)}).mappings().all()
        if len(rows) < len(wanted):
            raise LineNotFound
        return [_changed(row) for row in sorted(rows, key=lambda row: row["id"])]


def _changed(row: ResultRow) -> Change:
    if not row["wanted"]:
        return Change(row["id"], 0)
    clamped = row["quantity"] < row["wanted"]
    return Change(row["id"], row["quantity"], clamped=clamped, sold_out=not row["stock"])


@once_more
def restore(db: Database, owner: Owner, lines: Sequence[int]) -> None:
    """Restore removed lines in their old places, with their quantities limited to the stock.

    All lines are restored or none: raises LineNotFound if one is missing.
    """
    with db.transaction() as connection:
        found = connection.execute(_RESTORE, {"lines": list(lines), "cart": lock(connection, owner)}).all()
        if len(found) < len(lines):
            raise LineNotFound


def lock(connection: Connection, owner: Owner) -> int | None:
    """Lock the owner's open cart until the transaction ends, and mark it as changed. Return its id, or None.

    A caller cannot tell a line of somebody else's cart from a line that does not exist: both are not in this cart.
    """
    cart: int | None = connection.execute(_LOCK, owner.values).scalar()
    if cart is not None:
        connection.execute(_TOUCH, {"cart": cart})
    return cart
