"""Merging a guest's cart into the user's cart at a login.

A cart is merged once, even if two logins run at the same moment, and never from one user to another: only an open cart
without a user, named by this browser's cookie, is merged. A user who logs in on the way to the checkout buys the guest's
cart and nothing else: the earlier lines of the user's cart are saved for later.
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
# Lines that an earlier login has merged are not marked as merged by this one.
_FORGET = text("UPDATE cart_lines SET merged_at = NULL WHERE cart_id = :cart AND merged_at IS NOT NULL")
# A product in both carts gets the larger quantity, limited to the stock. A sold-out product is merged too, so that the
# user sees that it is sold out. New lines keep the order of the guest's cart.
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
    """Move the lines of the guest's open cart to the user's cart and close the guest's cart, in one transaction.

    With `buying`, the user's earlier lines are saved for later first, so that the cart equals the guest's. Return how many
    lines of the user's cart have changed; they are marked as merged.
    """
    with db.transaction() as connection:
        # The guest's cart is locked first, then the user's: every merge locks in this order.
        guests = list(connection.execute(_GUEST, {"guest_hashes": list(guest_hashes)}).scalars())
        if not guests:
            return 0
        filled = connection.execute(_CLOSE, {"guests": guests}).scalars().all()
        if not any(filled):
            return 0
        cart = connection.execute(_USER, {"user_id": user_id}).scalar_one()
        connection.execute(_FORGET, {"cart": cart})
        if buying:
            saved.save_all(connection, cart)
        return len(connection.execute(_MERGE, {"guests": guests, "cart": cart}).all())
