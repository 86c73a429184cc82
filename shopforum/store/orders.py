"""Orders: a cart becomes one order, once, at the prices that the user has seen, and never beyond the stock.

An order is placed, packed, shipped and delivered. Until it is shipped the buyer can cancel it. A letter tells of each step.
The buyer is a user, or a guest, who sees and cancels the order by a link (order_links.py).
"""

import hashlib
import secrets
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, Select, func, select, text

from ..core.database import Database, once_more
from ..core.rows import build
from ..sessions import acts
from ..sessions.acts import ActingSession
from ..sessions.vocabulary import ActKind
from . import cart as carts
from . import order_links, saved
from .cart import Cart, Change, Owner
from .letters import Letters, Recipient
from .tables import order_lines, orders

# Without letters and digits that look alike.
_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"


# The step that follows a state. A cancelled or delivered order stays as it is.
NEXT = {"placed": "packed", "packed": "shipped", "shipped": "delivered"}
CANCELLABLE = ("placed", "packed")


class CartChanged(Exception):
    """The cart, its prices or the stock have changed since the user saw them. Nothing was ordered."""


class CartNotFound(Exception):
    """The buyer has no such cart."""


class OrderNotFound(Exception):
    """There is no such order, or the holder may not see it."""


class WrongState(Exception):
    """The order's state does not allow the step: a shipped order is not cancelled. Nothing was changed."""


@dataclass(frozen=True)
class Holder:
    """The holder of orders: a user, or the bearer of a link to one order of a guest, as the hashes of the link's token."""

    user_id: UUID | None = None
    links: tuple[bytes, ...] = ()

    @property
    def values(self) -> dict[str, object]:
        """The parameters :user_id and :links of the statements below."""
        return {"user_id": self.user_id, "links": list(self.links)}


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
    """A line of an order: the product as it was named and priced on that day, in cents. `tax_rate` is in per cent.

    `sold`: the product is in the catalogue.
    """

    slug: str
    name: str
    price: int
    tax_rate: int
    quantity: int
    sold: bool

    @property
    def total(self) -> int:
        """The price of all pieces, in cents."""
        return self.price * self.quantity


@dataclass(frozen=True)
class Step:
    """A step of an order, and when it was taken."""

    state: str
    at: datetime


@dataclass(frozen=True)
class Order:
    """An order with its lines. Amounts in cents; `taxes` are pairs of rate in per cent and included tax.

    `steps` are in the order of time; the first is the order itself.
    """

    number: str
    created_at: datetime
    state: str
    steps: tuple[Step, ...]
    address: Address
    subtotal: int
    shipping: int
    total: int
    taxes: tuple[tuple[int, int], ...]
    lines: tuple[OrderLine, ...]

    @property
    def cancellable(self) -> bool:
        """Return whether the order can still be cancelled."""
        return self.state in CANCELLABLE


@dataclass(frozen=True)
class OrderSummary:
    """An order in the list of a user's orders. `pieces` is the number of pieces, `total` is in cents."""

    id: int
    number: str
    created_at: datetime
    state: str
    total: int
    pieces: int


_LOCK = text("""
SELECT closed_as FROM carts
WHERE id = :cart AND (user_id = :user_id OR guest_hash = ANY(CAST(:guest_hashes AS bytea[]))) FOR UPDATE
""")
_PLACED = text("SELECT number FROM orders WHERE cart_id = :cart")
_TAKE = text("UPDATE products SET stock = stock - :quantity WHERE id = :product_id AND stock >= :quantity")
_CLOSE = text("UPDATE carts SET closed_at = clock_timestamp(), closed_as = 'ordered' WHERE id = :cart")
_LAST_ADDRESS = text("""
SELECT name, street, postal_code, city, country FROM orders WHERE user_id = :user_id ORDER BY id DESC LIMIT 1
""")
_KNOWN_ADDRESS = text("""
SELECT 1 FROM orders WHERE user_id = :user_id AND (name, street, postal_code, city, country)
  = (:name, :street, :postal_code, :city, :country) LIMIT 1
""")
# The condition that an order `o` is the holder's.
_HELD = f"(o.user_id = :user_id OR {order_links.BY_LINK})"
_ORDER = text(f"""
SELECT o.number, o.created_at, o.state, o.name AS addressee, o.street, o.postal_code, o.city, o.country,
       o.subtotal_minor AS subtotal, o.shipping_minor AS shipping, o.total_minor AS total, o.tax_minor AS taxes,
       l.slug, l.name, l.price_minor AS price, l.tax_rate, l.quantity, NOT p.withdrawn AS sold,
       (SELECT coalesce(jsonb_agg(jsonb_build_array(s.state, s.at) ORDER BY s.at), '[]') FROM order_steps s
        WHERE s.order_id = o.id) AS steps
FROM orders o JOIN order_lines l ON l.order_id = o.id JOIN products p ON p.id = l.product_id
WHERE o.number = :number AND {_HELD}
ORDER BY l.id
""")

# `staff`: the store itself acts, on anybody's order.
_STEP = text(f"""
WITH moved AS (
  UPDATE orders o SET state = :state
  WHERE o.number = :number AND (:staff OR {_HELD}) AND o.state = ANY(:before)
  RETURNING o.id, o.user_id, o.name, o.email, o.total_minor
), step AS (
  INSERT INTO order_steps (order_id, state) SELECT id, :state FROM moved
)
SELECT * FROM moved
""")
_STATE = text(f"SELECT o.state FROM orders o WHERE o.number = :number AND (:staff OR {_HELD})")
_ITEMS = text("SELECT product_id, quantity FROM order_lines WHERE order_id = :order ORDER BY product_id")
_PUT_BACK = text("UPDATE products SET stock = stock + :quantity WHERE id = :product_id AND NOT withdrawn")
_BOUGHT = text("""
SELECT l.product_id, l.quantity, p.withdrawn FROM orders o JOIN order_lines l ON l.order_id = o.id
JOIN products p ON p.id = l.product_id
WHERE o.number = :number AND o.user_id = :user_id ORDER BY l.id
""")


def shown(cart: Cart) -> str:
    """Return a digest of everything that the checkout shows and an order fixes: products, quantities, prices, tax, shipping.

    The checkout's form carries it, so that the user orders what the page has shown.
    """
    facts = [(line.product_id, line.payable, line.price, line.tax_rate, line.name) for line in cart.lines]
    return hashlib.sha256(repr((cart.id, facts, cart.totals)).encode()).hexdigest()


@once_more
def place(
    db: Database,
    buyer: Owner,
    cart_id: int,
    seen: str,
    address: Address,
    *,
    letters: Letters,
    email: str | None = None,
    by: ActingSession | None = None,
) -> str:
    """Order the buyer's cart, if `seen` is still its digest (`shown`). Return the order's number.

    `email`: where the letters about the order are sent, of which this queues the first. `by` is the session that orders. A cart that has been ordered already returns its order's number again: the form may be sent twice. Raises CartChanged,
    CartNotFound.
    """
    with db.transaction() as connection:
        locked = connection.execute(_LOCK, {"cart": cart_id, **buyer.values}).first()
        if locked is None or locked.closed_as == "merged":
            raise CartNotFound
        if locked.closed_as is not None:
            return str(connection.execute(_PLACED, {"cart": cart_id}).scalar_one())
        cart = carts.load_in(connection, buyer)
        if not cart.orderable or shown(cart) != seen:
            raise CartChanged
        _take_stock(connection, cart)
        known = (
            connection.execute(_KNOWN_ADDRESS, {"user_id": buyer.user_id, **asdict(address)}).first()
            is not None
        )
        number = _insert(connection, buyer.user_id, cart, address, email)
        kind = ActKind.ORDER_PLACED if known else ActKind.ORDER_TO_NEW_ADDRESS
        acts.write(connection, by, kind, number)
        recipient = Recipient(buyer.user_id, address.name, email)
        letters.step(connection, recipient, number, cart.totals.total, "placed")
        connection.execute(_CLOSE, {"cart": cart_id})
        saved.move_to_next_cart(connection, cart_id)
        return number


def _take_stock(connection: Connection, cart: Cart) -> None:
    """Reduce the stock. Products are locked in the order of their ids, so that two orders cannot deadlock."""
    for line in sorted(cart.lines, key=lambda line: line.product_id):
        taken = connection.execute(_TAKE, {"product_id": line.product_id, "quantity": line.quantity})
        if not taken.rowcount:
            raise CartChanged


@once_more
def advance(db: Database, letters: Letters, number: str) -> str:
    """Move an order on to its next state, and queue the letter about it. Return the new state.

    Raises OrderNotFound; WrongState if the order is delivered or cancelled.
    """
    with db.transaction() as connection:
        row = connection.execute(_STATE, _whose(number, None)).first()
        if row is None:
            raise OrderNotFound
        if row.state not in NEXT:
            raise WrongState(row.state)
        _take_step(connection, letters, number, NEXT[row.state], (row.state,))
        return NEXT[row.state]


@once_more
def cancel(
    db: Database, letters: Letters, holder: Holder, number: str, by: ActingSession | None = None
) -> None:
    """Cancel an order of the holder that is not shipped yet: its pieces are in stock again. A cancelled order stays cancelled.
    `by` is the session that cancels, None for a guest.

    Raises OrderNotFound, WrongState.
    """
    with db.transaction() as connection:
        order_id = _take_step(connection, letters, number, "cancelled", CANCELLABLE, holder)
        if order_id is None:
            row = connection.execute(_STATE, _whose(number, holder)).first()
            if row is None:
                raise OrderNotFound
            if row.state != "cancelled":
                raise WrongState(row.state)
            return
        acts.write(connection, by, ActKind.ORDER_CANCELLED, number)
        # In the order of their ids, as an order takes them.
        for item in connection.execute(_ITEMS, {"order": order_id}).all():
            connection.execute(_PUT_BACK, {"product_id": item.product_id, "quantity": item.quantity})


@once_more
def buy_again(db: Database, user_id: UUID, number: str) -> list[Change]:
    """Add the products of a user's order to the user's cart, limited to the stock. Return a change for each product.

    A product that is sold out, or no longer sold, is not added: its change says `sold_out`. Raises OrderNotFound.
    """
    with db.transaction() as connection:
        bought = connection.execute(_BOUGHT, {"number": number, "user_id": user_id}).all()
        if not bought:
            raise OrderNotFound
        wanted = {row.product_id: row.quantity for row in bought if not row.withdrawn}
        gone = [Change(0, 0, sold_out=True) for row in bought if row.withdrawn]
        return carts.add_all(connection, carts.Owner(user_id=user_id), wanted) + gone


def _take_step(
    connection: Connection,
    letters: Letters,
    number: str,
    state: str,
    before: Sequence[str],
    holder: Holder | None = None,
) -> int | None:
    """Move an order, of this holder if one is given, from one of the states `before`. Return its id; None if nothing moved."""
    values = {**_whose(number, holder), "state": state, "before": list(before)}
    row = connection.execute(_STEP, values).first()
    if row is None:
        return None
    letters.step(connection, Recipient(row.user_id, row.name, row.email), number, row.total_minor, state)
    return int(row.id)


def _whose(number: str, holder: Holder | None) -> dict[str, object]:
    """Return the parameters that name an order of this holder, or anybody's for the store itself."""
    return {"number": number, "staff": holder is None, **(holder or Holder()).values}


def _insert(
    connection: Connection, user_id: UUID | None, cart: Cart, address: Address, email: str | None
) -> str:
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
            email=email,
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
        orders.c.state,
        orders.c.total_minor.label("total"),
        pieces.label("pieces"),
    ).where(orders.c.user_id == user_id)


def find(db: Database, holder: Holder, number: str) -> Order | None:
    """Return one of the holder's own orders, or None for an unknown number or somebody else's order. One statement."""
    rows = db.all(_ORDER, number=number, **holder.values)
    if not rows:
        return None
    first = rows[0]
    return build(
        Order,
        first,
        steps=(
            Step("placed", first["created_at"]),
            *(Step(state, datetime.fromisoformat(at)) for state, at in first["steps"]),
        ),
        address=build(Address, first, name=first["addressee"]),
        taxes=tuple((rate, tax) for rate, tax in first["taxes"]),
        lines=tuple(build(OrderLine, row) for row in rows),
    )
