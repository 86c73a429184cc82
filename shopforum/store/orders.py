"""Orders: a cart becomes one order, once, at the prices that the user has seen, and never beyond the stock."""

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, Select, func, select, text

from ..core.database import Database, once_more
from ..core.rows import build
from . import cart as carts
from . import saved
from .cart import Cart
from .tables import order_lines, orders

# Without letters and digits that look alike.
_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"


class CartChanged(Exception):
    """The cart, its prices or the stock have changed since the user saw them. Nothing was ordered."""


class CartNotFound(Exception):
    """The user has no such cart."""


@dataclass(frozen=True)
class Address:
    """The address that an order is sent to. `country` is a code of ISO 3166."""

    name: str
    street: str
    postal_code: str
    city: str
    country: str


@dataclass(frozen=True)
class OrderLine:
    """A line of an order: the product as it was named and priced on that day, in cents."""

    slug: str
    name: str
    price: int
    quantity: int

    @property
    def total(self) -> int:
        """The price of all pieces, in cents."""
        return self.price * self.quantity


@dataclass(frozen=True)
class Order:
    """An order with its lines. Amounts in cents; `taxes` are pairs of rate in per cent and included tax."""

    number: str
    created_at: datetime
    address: Address
    subtotal: int
    shipping: int
    total: int
    taxes: tuple[tuple[int, int], ...]
    lines: tuple[OrderLine, ...]


@dataclass(frozen=True)
class OrderSummary:
    """An order in the list of a user's orders. `pieces` is the number of pieces, `total` is in cents."""

    id: int
    number: str
    created_at: datetime
    total: int
    pieces: int


_LOCK = text("SELECT closed_as FROM carts WHERE id = :cart AND user_id = :user_id FOR UPDATE")
_PLACED = text("SELECT number FROM orders WHERE cart_id = :cart AND user_id = :user_id")
_TAKE = text("UPDATE products SET stock = stock - :quantity WHERE id = :product_id AND stock >= :quantity")
_CLOSE = text("UPDATE carts SET closed_at = clock_timestamp(), closed_as = 'ordered' WHERE id = :cart")
_LAST_ADDRESS = text("""
SELECT name, street, postal_code, city, country FROM orders WHERE user_id = :user_id ORDER BY id DESC LIMIT 1
""")
_ORDER = text("""
SELECT o.number, o.created_at, o.name AS addressee, o.street, o.postal_code, o.city, o.country,
       o.subtotal_minor AS subtotal, o.shipping_minor AS shipping, o.total_minor AS total, o.tax_minor AS taxes,
       l.slug, l.name, l.price_minor AS price, l.quantity
FROM orders o JOIN order_lines l ON l.order_id = o.id
WHERE o.number = :number AND o.user_id = :user_id
ORDER BY l.id
""")


def shown(cart: Cart) -> str:
    """Return a digest of everything that the checkout shows and an order fixes: products, quantities, prices, tax, shipping.

    The checkout's form carries it, so that the user orders what the page has shown.
    """
    facts = [(line.product_id, line.payable, line.price, line.tax_rate, line.name) for line in cart.lines]
    return hashlib.sha256(repr((cart.id, facts, cart.totals)).encode()).hexdigest()


@once_more
def place(db: Database, user_id: UUID, cart_id: int, seen: str, address: Address) -> str:
    """Order the user's cart, if `seen` is still its digest (`shown`). Return the order's number.

    A cart that has been ordered already returns its order's number again: the form may be sent twice. Raises CartChanged,
    CartNotFound.
    """
    with db.transaction() as connection:
        ids = {"cart": cart_id, "user_id": user_id}
        locked = connection.execute(_LOCK, ids).first()
        if locked is None:
            raise CartNotFound
        if locked.closed_as is not None:
            return str(connection.execute(_PLACED, ids).scalar_one())
        cart = carts.load_in(connection, carts.Owner(user_id=user_id))
        if not cart.orderable or shown(cart) != seen:
            raise CartChanged
        _take_stock(connection, cart)
        number = _insert(connection, user_id, cart, address)
        connection.execute(_CLOSE, ids)
        saved.move_to_next_cart(connection, cart_id)
        return number


def _take_stock(connection: Connection, cart: Cart) -> None:
    """Reduce the stock. Products are locked in the order of their ids, so that two orders cannot deadlock."""
    for line in sorted(cart.lines, key=lambda line: line.product_id):
        taken = connection.execute(_TAKE, {"product_id": line.product_id, "quantity": line.quantity})
        if not taken.rowcount:
            raise CartChanged


def _insert(connection: Connection, user_id: UUID, cart: Cart, address: Address) -> str:
    costs = cart.totals
    order = (
        orders.insert()
        .values(
            number=new_number(),
            user_id=user_id,
            cart_id=cart.id,
            subtotal_minor=costs.subtotal,
            shipping_minor=costs.shipping,
            total_minor=costs.total,
            tax_minor=costs.taxes,
            **asdict(address),
        )
        .returning(orders.c.id, orders.c.number)
    )
    order_id, number = connection.execute(order).one()
    lines = [
        {
            "order_id": order_id,
            "product_id": line.product_id,
            "slug": line.slug,
            "name": line.name,
            "price_minor": line.price,
            "tax_rate": line.tax_rate,
            "quantity": line.quantity,
        }
        for line in cart.lines
    ]
    connection.execute(order_lines.insert(), lines)
    return str(number)


def new_number(choice: Callable[[str], str] = secrets.choice) -> str:
    """Return a random order number, such as H-7KQ2M-X4WBT: it tells nothing about other orders."""
    signs = "".join(choice(_ALPHABET) for _ in range(10))
    return f"H-{signs[:5]}-{signs[5:]}"


def last_address(db: Database, user_id: UUID) -> Address | None:
    """Return the address of the user's newest order, or None."""
    row = db.one(_LAST_ADDRESS, user_id=user_id)
    return build(Address, row) if row else None


def of_user(user_id: UUID) -> Select[tuple[object, ...]]:
    """Return the statement that selects the user's orders as OrderSummary, for paging by `orders.c.id`."""
    pieces = (
        select(func.sum(order_lines.c.quantity))
        .where(order_lines.c.order_id == orders.c.id)
        .scalar_subquery()
    )
    return select(
        orders.c.id,
        orders.c.number,
        orders.c.created_at,
        orders.c.total_minor.label("total"),
        pieces.label("pieces"),
    ).where(orders.c.user_id == user_id)


def find(db: Database, user_id: UUID, number: str) -> Order | None:
    """Return one of the user's own orders, or None for an unknown number or another user's order. One statement."""
    rows = db.all(_ORDER, number=number, user_id=user_id)
    if not rows:
        return None
    first = rows[0]
    return build(
        Order,
        first,
        address=build(Address, first, name=first["addressee"]),
        taxes=tuple((rate, tax) for rate, tax in first["taxes"]),
        lines=tuple(build(OrderLine, row) for row in rows),
    )
