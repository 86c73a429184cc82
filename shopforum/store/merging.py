"""At a login, the guest's cart goes into the user's. Once, whoever else logs in at the same moment, and never from one
user to another: only an open cart without a user, named by this browser's cookie, is ever merged.

Who logs in on the way to the checkout buys what is in the guest's cart, and nothing more: what the user's cart held
from earlier is saved for later.
"""

from uuid import UUID

from sqlalchemy import text

from ..core.database import Database, once_more
from . import saved

_GUEST = text("""
SELECT id FROM carts
WHERE closed_at IS NULL AND user_id IS NULL AND guest_hash = ANY(CAST(:guest_hashes AS bytea[]))
ORDER BY id FOR UPDATE
""")
_CLOSE = text("""
UPDATE carts SET closed_at = clock_timestamp(), closed_as = 'merged' WHERE id = ANY(CAST(:guests AS bigint[]))
RETURNING EXISTS (SELECT FROM cart_lines l WHERE l.cart_id = carts.id AND l.removed_at IS NULL) AS filled
""")
_USER = text("""
INSERT INTO carts (user_id) VALUES (:user_id)
ON CONFLICT (user_id) WHERE closed_at IS NULL DO UPDATE SET changed_at = clock_timestamp()
RETURNING id
""")
# What an earlier login has brought is not what this one does.
_FORGET = text("UPDATE cart_lines SET merged_at = NULL WHERE cart_id = :cart AND merged_at IS NOT NULL")
# The larger of the two quantities, as far as the stock goes; what is sold out comes along, to be seen as such. New
# lines stand in the guest's order.
_MERGE = text("""
INSERT INTO cart_lines AS l (cart_id, product_id, quantity, price_minor, merged_at)
SELECT :cart, g.product_id, CASE WHEN p.stock > 0 THEN least(g.quantity, p.stock) ELSE g.quantity END, g.price_minor,
       clock_timestamp()
FROM (
  SELECT DISTINCT ON (product_id) id, product_id, quantity, price_minor FROM cart_lines
  WHERE cart_id = ANY(CAST(:guests AS bigint[])) AND removed_at IS NULL ORDER BY product_id, quantity DESC
) g JOIN products p ON p.id = g.product_id
ORDER BY g.id
ON CONFLICT (cart_id, product_id) WHERE saved_at IS NULL DO UPDATE
SET quantity = excluded.quantity, price_minor = excluded.price_minor, removed_at = NULL, merged_at = excluded.merged_at
WHERE l.removed_at IS NOT NULL OR excluded.quantity > l.quantity
RETURNING id
""")


@once_more
def merge(db: Database, guest_hashes: tuple[bytes, ...], user_id: UUID, *, buying: bool = False) -> int:
    """Move what is in the guest's open cart to the user's and close it, in one transaction.

    With `buying`, the user's earlier lines are put aside first, so that the cart is the guest's as it was. Returns how
    many lines of the user's cart this has changed; they are marked, for the cart to name them.
    """
    with db.transaction() as connection:
        # The guest's cart first, then the user's: every merge takes them in this order.
        guests = list(connection.execute(_GUEST, {"guest_hashes": list(guest_hashes)}).scalars())
        if not guests:
            return 0
        filled = connection.execute(_CLOSE, {"guests": guests}).scalars().all()
        if not any(filled):
            return 0
        cart = connection.execute(_USER, {"user_id": user_id}).scalar_one()
        connection.execute(_FORGET, {"cart": cart})
        if buying:
            saved.put_all_aside(connection, cart)
        return len(connection.execute(_MERGE, {"guests": guests, "cart": cart}).all())
