"""Carts: what is in them, and every way it changes.

A cart belongs to a user or to a guest's cookie (`Owner`). Every change locks the cart's row first, so that changes of
one cart happen one after the other, also beside an order being placed. Quantities are held at the stock; the stock
itself is only taken by an order (orders.py). A line can be put aside for later (saved.py): it stays with the cart, but
is neither counted nor ordered.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from uuid import UUID

from sqlalchemy import Connection, RowMapping, text

from ..core.database import Database, once_more
from ..core.prepared_statements import Prepared
from . import totals


class NoLine(Exception):
    """A line that was to change is not in the owner's open cart: it never was, or is gone. Nothing was changed."""


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
    saved: bool
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
    """An open cart, and what is `saved` for later beside it. An empty one has id 0.

    `removed` are the lines that were taken out just now, where they were asked for.
    """

    id: int
    lines: tuple[Line, ...]
    saved: tuple[Line, ...] = ()
    removed: tuple[Line, ...] = ()

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

    def named(self, ids: Sequence[int]) -> list[Line]:
        """Those of the lines that have one of these ids, saved ones too."""
        return [line for line in self.lines + self.saved if line.id in ids]


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
# Of two first additions at once the second finds the first one's cart.
_OPEN, _OPEN_GUEST = (
    text(f"""
INSERT INTO carts ({owner}) VALUES (:{owner})
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
    """The owner's open cart, in one statement. `removed` asks for some of its removed lines as well, by their ids."""
    return _cart(db.all(_LOAD, **owner.values, removed=list(removed)))


def load_in(connection: Connection, owner: Owner) -> Cart:
    """The owner's open cart as a transaction sees it."""
    rows = _LOAD.run(connection, {**owner.values, "removed": []}, prepare=False).mappings()
    return _cart(list(rows))


def _cart(rows: list[RowMapping]) -> Cart:
    found = [(Line(**{name: row[name] for name in _FIELDS}), row["removed"]) for row in rows]
    lines = tuple(line for line, gone in found if not gone and not line.saved)
    saved = tuple(line for line, gone in found if not gone and line.saved)
    removed = tuple(line for line, gone in found if gone)
    return Cart(rows[0]["cart_id"] if rows else 0, lines, saved, removed)


@once_more
def add(
    db: Database, owner: Owner, slug: str, quantity: int, *, new_guest: bytes | None = None
) -> Change | None:
    """Put `quantity` (1 or more) pieces into the cart, as far as the stock goes; None where there is no such product.

    Where the owner has no cart yet, one is made: for a user, or under `new_guest` for a guest, unless there is one.
    """
    with db.transaction() as connection:
        product = connection.execute(_PRODUCT, {"slug": slug}).mappings().first()
        if product is None:
            return None
        if not product["stock"]:
            return Change(0, 0, sold_out=True)
        cart = lock(connection, owner)
        created = cart is None
        if cart is None:
            statement = _OPEN if owner.user_id else _OPEN_GUEST
            values = {"user_id": owner.user_id} if owner.user_id else {"guest_hash": new_guest}
            cart = connection.execute(statement, values).scalar_one()
        values = {"cart": cart, "product": product["id"]}
        before = connection.execute(_BEFORE, values).scalar() or 0
        line = connection.execute(_ADD, {**values, "quantity": quantity}).mappings().first()
        if line is None:
            # Sold out since the first statement.
            return Change(0, 0, sold_out=True)
        clamped = line["quantity"] < before + quantity
        return Change(line["id"], line["quantity"], clamped=clamped, created=created)


@once_more
def change(db: Database, owner: Owner, wanted: Mapping[int, int]) -> list[Change]:
    """Set the quantities of lines, by their ids, held at the stock; 0 takes a line out, so that it can be restored.

    All or none: raises NoLine if one is not there. A line whose product is sold out keeps its quantity.
    """
    if not wanted:
        return []
    with db.transaction() as connection:
        values = {"lines": list(wanted), "quantities": list(wanted.values())}
        rows = connection.execute(_CHANGE, {**values, "cart": lock(connection, owner)}).mappings().all()
        if len(rows) < len(wanted):
            raise NoLine
        return [_changed(row) for row in sorted(rows, key=lambda row: row["id"])]


def _changed(row: RowMapping) -> Change:
    if not row["wanted"]:
        return Change(row["id"], 0)
    clamped = row["quantity"] < row["wanted"]
    return Change(row["id"], row["quantity"], clamped=clamped, sold_out=not row["stock"])


@once_more
def restore(db: Database, owner: Owner, lines: Sequence[int]) -> None:
    """Bring removed lines back where they stood, with their quantities as far as the stock goes.

    All or none: raises NoLine if one is not there.
    """
    with db.transaction() as connection:
        found = connection.execute(_RESTORE, {"lines": list(lines), "cart": lock(connection, owner)}).all()
        if len(found) < len(lines):
            raise NoLine


def lock(connection: Connection, owner: Owner) -> int | None:
    """The id of the owner's open cart, locked until the transaction ends; and marked as changed. None if there is none:
    another's line and one that never was cannot be told apart.
    """
    cart: int | None = connection.execute(_LOCK, owner.values).scalar()
    if cart is not None:
        connection.execute(_TOUCH, {"cart": cart})
    return cart
