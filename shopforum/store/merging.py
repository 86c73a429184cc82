"""At a login, the guest's cart goes into the user's. Once, whoever else logs in at the same moment, and never from one
user to another: only an open cart without a user, named by this browser's cookie, is ever merged.
"""

from uuid import UUID

from sqlalchemy import text

from ..sessions.database import Database

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
# The larger of the two quantities, as far as the stock goes; what is sold out comes along, to be seen as such.
_MERGE = text("""
INSERT INTO cart_lines AS l (cart_id, product_id, quantity, price_minor, merged_at)
SELECT DISTINCT ON (g.product_id) :cart, g.product_id,
       CASE WHEN p.stock > 0 THEN least(g.quantity, p.stock) ELSE g.quantity END, g.price_minor, clock_timestamp()
FROM cart_lines g JOIN products p ON p.id = g.product_id
WHERE g.cart_id = ANY(CAST(:guests AS bigint[])) AND g.removed_at IS NULL
ORDER BY g.product_id, g.quantity DESC
ON CONFLICT (cart_id, product_id) DO UPDATE
SET quantity = excluded.quantity, price_minor = excluded.price_minor, removed_at = NULL, merged_at = excluded.merged_at
WHERE l.removed_at IS NOT NULL OR excluded.quantity > l.quantity
RETURNING id
""")


def merge(db: Database, guest_hashes: tuple[bytes, ...], user_id: UUID) -> int:
    """Move what is in the guest's open cart to the user's and close it, in one transaction.

    Returns how many lines of the user's cart this has changed; they are marked, for the cart to name them.
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
        return len(connection.execute(_MERGE, {"guests": guests, "cart": cart}).all())
