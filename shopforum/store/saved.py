"""Saved for later: lines that a user has set aside from the cart, and that stay when the cart is ordered.

A line moves with its quantity and the price of the day it was added, so that the page still shows a change of price. If
the product stands on both sides, the quantities are added. Guests cannot save lines.
"""

from sqlalchemy import Connection, text

from ..core.database import Database, once_more
from .cart import Change, LineNotFound, Owner, lock

# The lines that are to be moved, and the lines of the same products on the other side. A line that is on the right side
# already is not moved.
_BOTH = """l.id = ANY(CAST(:lines AS bigint[])) AND l.cart_id = :cart AND (l.saved_at IS NULL) = :saving
  AND other.cart_id = l.cart_id AND other.product_id = l.product_id AND other.id <> l.id"""

_ALL = text("SELECT id FROM cart_lines WHERE cart_id = :cart AND removed_at IS NULL AND saved_at IS NULL")
# The sum is cut to a number above any stock, so that it fits into an integer however often lines are moved.
_ADD_UP = text(f"""
UPDATE cart_lines l SET quantity = least(l.quantity + other.quantity, 1000000)
FROM cart_lines other WHERE other.removed_at IS NULL AND {_BOTH}
""")
_MAKE_ROOM = text(f"DELETE FROM cart_lines other USING cart_lines l WHERE {_BOTH}")
_SAVE = text("""
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
# After an order the saved lines move to a new open cart. Without saved lines no cart is made.
_MOVE_TO_NEXT_CART = text("""
WITH next AS (
  INSERT INTO carts (user_id) SELECT c.user_id FROM carts c WHERE c.id = :cart
    AND EXISTS (SELECT FROM cart_lines l WHERE l.cart_id = c.id AND l.saved_at IS NOT NULL)
  RETURNING id
)
UPDATE cart_lines l SET cart_id = next.id FROM next WHERE l.cart_id = :cart AND l.saved_at IS NOT NULL
""")


@once_more
def save(db: Database, owner: Owner, line_id: int) -> None:
    """Save a line of the owner's cart for later. Raises LineNotFound."""
    with db.transaction() as connection:
        if not _save(connection, lock(connection, owner), [line_id], login=False):
            raise LineNotFound


def save_all(connection: Connection, cart: int) -> None:
    """Save all lines of a cart for later, as a login on the way to the checkout does. The lines are marked as merged."""
    lines = list(connection.execute(_ALL, {"cart": cart}).scalars())
    _save(connection, cart, lines, login=True)


@once_more
def move_to_cart(db: Database, owner: Owner, line_id: int) -> Change:
    """Move a saved line into the cart, limited to the stock. A sold-out product stays saved. Raises LineNotFound."""
    with db.transaction() as connection:
        cart = lock(connection, owner)
        ids = {"cart": cart, "line": line_id}
        found = connection.execute(_WANTED, ids).first()
        if found is None:
            raise LineNotFound
        if not found.stock:
            return Change(line_id, found.quantity, sold_out=True)
        _add_up(connection, cart, [line_id], saving=False)
        wanted = connection.execute(_WANTED, ids).one().quantity
        quantity = connection.execute(_INTO_CART, {**ids, "stock": found.stock}).scalar_one()
        return Change(line_id, quantity, clamped=quantity < wanted)


def move_to_next_cart(connection: Connection, cart: int) -> None:
    """Move the saved lines of a cart that was just ordered to the user's next cart."""
    connection.execute(_MOVE_TO_NEXT_CART, {"cart": cart})


def _save(connection: Connection, cart: int | None, lines: list[int], *, login: bool) -> bool:
    _add_up(connection, cart, lines, saving=True)
    return bool(connection.execute(_SAVE, {"cart": cart, "lines": lines, "login": login}).all())


def _add_up(connection: Connection, cart: int | None, lines: list[int], *, saving: bool) -> None:
    """Add the quantities of the same products on the other side to these lines, and delete the lines there."""
    values = {"cart": cart, "lines": lines, "saving": saving}
    connection.execute(_ADD_UP, values)
    connection.execute(_MAKE_ROOM, values)
