"""From a cart to an order: once per cart, at the prices that were shown, and never more than there is."""

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass
from uuid import UUID

from sqlalchemy import Connection, RowMapping, Select, func, select, text

from ..core.database import Database, once_more
from . import cart as carts
from . import saved
from .cart import Cart
from .tables import order_lines, orders

# Without letters and digits that are taken for one another.
_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"


class CartChanged(Exception):
    """The cart, its prices or the stock are no longer what was shown. Nothing was ordered."""


class NoCart(Exception):
    """There is no such cart of this user."""


@dataclass(frozen=True)
class Address:
    """Where an order goes."""

    name: str
    street: str
    postal_code: str
    city: str
    country: str


_LOCK = text("SELECT closed_as FROM carts WHERE id = :cart AND user_id = :user_id FOR UPDATE")
_PLACED = text("SELECT number FROM orders WHERE cart_id = :cart AND user_id = :user_id")
_TAKE = text("UPDATE products SET stock = stock - :quantity WHERE id = :product_id AND stock >= :quantity")
_CLOSE = text("UPDATE carts SET closed_at = clock_timestamp(), closed_as = 'ordered' WHERE id = :cart")
_LAST_ADDRESS = text("""
SELECT name, street, postal_code, city, country FROM orders WHERE user_id = :user_id ORDER BY id DESC LIMIT 1
""")
_ORDER = text("""
SELECT o.number, o.created_at, o.name, o.street, o.postal_code, o.city, o.country, o.subtotal_minor, o.shipping_minor,
       o.total_minor, o.tax_minor, l.slug, l.name AS product, l.price_minor, l.quantity
FROM orders o JOIN order_lines l ON l.order_id = o.id
WHERE o.number = :number AND o.user_id = :user_id
ORDER BY l.id
""")


def shown(cart: Cart) -> str:
    """A digest of all that the checkout shows and an order fixes: goods, quantities, prices, tax, shipping."""
    facts = [(line.product_id, line.payable, line.price, line.tax_rate, line.name) for line in cart.lines]
    return hashlib.sha256(repr((cart.id, facts, cart.totals)).encode()).hexdigest()


@once_more
def place(db: Database, user_id: UUID, cart_id: int, seen: str, address: Address) -> str:
    """Order what is in the user's cart, if it is still what `seen` (of `shown`) says; returns the order's number.

    A cart that is ordered already gives its order's number again. Raises CartChanged, NoCart.
    """
    with db.transaction() as connection:
        ids = {"cart": cart_id, "user_id": user_id}
        locked = connection.execute(_LOCK, ids).mappings().first()
        if locked is None:
            raise NoCart
        if locked["closed_as"] is not None:
            return str(connection.execute(_PLACED, ids).scalar_one())
        cart = carts.load_in(connection, carts.Owner(user_id=user_id))
        if not cart.orderable or shown(cart) != seen:
            raise CartChanged
        _take_stock(connection, cart)
        number = _insert(connection, user_id, cart, address)
        connection.execute(_CLOSE, ids)
        saved.go_on(connection, cart_id)
        return number


def _take_stock(connection: Connection, cart: Cart) -> None:
    """Take the goods out of stock. In the order of their ids, so that two orders never wait for each other in a ring."""
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
    """A number for an order: ten characters that tell nothing of the other orders, such as H-7KQ2M-X4WBT."""
    signs = "".join(choice(_ALPHABET) for _ in range(10))
    return f"H-{signs[:5]}-{signs[5:]}"


def last_address(db: Database, user_id: UUID) -> Address | None:
    """Where the user's newest order went, to be offered again."""
    row = db.one(_LAST_ADDRESS, user_id=user_id)
    return Address(**row) if row else None


def of_user(user_id: UUID) -> Select[tuple[object, ...]]:
    """The statement of the user's orders, for paging by `orders.c.id`."""
    pieces = (
        select(func.sum(order_lines.c.quantity))
        .where(order_lines.c.order_id == orders.c.id)
        .scalar_subquery()
    )
    return select(
        orders.c.id, orders.c.number, orders.c.created_at, orders.c.total_minor, pieces.label("pieces")
    ).where(orders.c.user_id == user_id)


def find(db: Database, user_id: UUID, number: str) -> list[RowMapping]:
    """One of the user's own orders, a row for each of its lines; nothing for another's or an unknown number."""
    return db.all(_ORDER, number=number, user_id=user_id)
