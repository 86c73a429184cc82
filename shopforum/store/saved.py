"""Saved for later: lines that were put aside from a user's cart, and stay when it is ordered. Guests have none.

A line moves with its quantity and the price of the day it was put in, so that a change of price is still told. Where
the other side holds the same product, the quantities add up.
"""

from sqlalchemy import Connection, text

from ..core.database import Database, once_more
from .cart import Change, NoLine, Owner, lock

# The lines that are to move, and those of the same products on the other side. Who is there already moves nothing.
_BOTH = """l.id = ANY(CAST(:lines AS bigint[])) AND l.cart_id = :cart AND (l.saved_at IS NULL) = :aside
  AND other.cart_id = l.cart_id AND other.product_id = l.product_id AND other.id <> l.id"""

_ALL = text("SELECT id FROM cart_lines WHERE cart_id = :cart AND removed_at IS NULL AND saved_at IS NULL")
# At most more than any stock: far from what an integer holds, however often it is done.
_ADD_UP = text(f"""
UPDATE cart_lines l SET quantity = least(l.quantity + other.quantity, 1000000)
FROM cart_lines other WHERE other.removed_at IS NULL AND {_BOTH}
""")
_MAKE_ROOM = text(f"DELETE FROM cart_lines other USING cart_lines l WHERE {_BOTH}")
_ASIDE = text("""
UPDATE cart_lines SET saved_at = coalesce(saved_at, clock_timestamp()), removed_at = NULL,
    merged_at = CASE WHEN :login THEN clock_timestamp() END
WHERE id = ANY(CAST(:lines AS bigint[])) AND cart_id = :cart
RETURNING id
""")
_WANTED = text("""
SELECT l.quantity, p.stock FROM cart_lines l JOIN products p ON p.id = l.product_id
WHERE l.id = :line AND l.cart_id = :cart
""")
_INTO_CART = text("""
UPDATE cart_lines SET saved_at = NULL, removed_at = NULL, quantity = least(quantity, :stock) WHERE id = :line
RETURNING quantity
""")
# After an order: what is saved goes on to a new open cart, which is made only for something to be in it.
_GO_ON = text("""
WITH next AS (
  INSERT INTO carts (user_id) SELECT c.user_id FROM carts c WHERE c.id = :cart
    AND EXISTS (SELECT FROM cart_lines l WHERE l.cart_id = c.id AND l.saved_at IS NOT NULL)
  RETURNING id
)
UPDATE cart_lines l SET cart_id = next.id FROM next WHERE l.cart_id = :cart AND l.saved_at IS NOT NULL
""")


@once_more
def put_aside(db: Database, owner: Owner, line_id: int) -> None:
    """Save a line of the owner's cart for later. Raises NoLine if it is not there."""
    with db.transaction() as connection:
        if not _put_aside(connection, lock(connection, owner), [line_id], login=False):
            raise NoLine


def put_all_aside(connection: Connection, cart: int) -> None:
    """Save for later what is in this cart, as a login does on the way to the checkout; the lines are marked."""
    lines = list(connection.execute(_ALL, {"cart": cart}).scalars())
    _put_aside(connection, cart, lines, login=True)


@once_more
def take_back(db: Database, owner: Owner, line_id: int) -> Change:
    """Put a saved line into the cart, as far as the stock goes; what is sold out stays saved. Raises NoLine."""
    with db.transaction() as connection:
        cart = lock(connection, owner)
        ids = {"cart": cart, "line": line_id}
        found = connection.execute(_WANTED, ids).mappings().first()
        if found is None:
            raise NoLine
        if not found["stock"]:
            return Change(line_id, found["quantity"], sold_out=True)
        _fold(connection, cart, [line_id], aside=False)
        wanted = connection.execute(_WANTED, ids).mappings().one()["quantity"]
        quantity = connection.execute(_INTO_CART, {**ids, "stock": found["stock"]}).scalar_one()
        return Change(line_id, quantity, clamped=quantity < wanted)


def go_on(connection: Connection, cart: int) -> None:
    """Take what is saved beside a cart that was just closed along to the user's next one."""
    connection.execute(_GO_ON, {"cart": cart})


def _put_aside(connection: Connection, cart: int | None, lines: list[int], *, login: bool) -> bool:
    _fold(connection, cart, lines, aside=True)
    return bool(connection.execute(_ASIDE, {"cart": cart, "lines": lines, "login": login}).all())


def _fold(connection: Connection, cart: int | None, lines: list[int], *, aside: bool) -> None:
    """Add to these lines what the other side holds of the same products, and take it out there."""
    values = {"cart": cart, "lines": lines, "aside": aside}
    connection.execute(_ADD_UP, values)
    connection.execute(_MAKE_ROOM, values)
