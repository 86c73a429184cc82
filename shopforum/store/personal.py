"""The store's tables with data about users."""

from ..core.personal import Fate, PersonalRows, UserTable

_SITE = "store"

TABLES = (
    UserTable(
        "orders",
        Fate.KEPT,
        why="the law asks for invoices to be kept; the e-mail address is deleted",
        erase=("UPDATE orders SET email = NULL WHERE user_id = :user_id AND email IS NOT NULL",),
        site=_SITE,
        rows=PersonalRows(
            "orders",
            "your orders",
            """SELECT o.id, jsonb_build_object('number', o.number, 'placed_at', o.created_at, 'state', o.state,
              'name', o.name, 'street', o.street, 'postal_code', o.postal_code, 'city', o.city, 'country', o.country,
              'email', o.email, 'subtotal_cents', o.subtotal_minor, 'shipping_cents', o.shipping_minor,
              'total_cents', o.total_minor,
              'lines', (SELECT jsonb_agg(jsonb_build_object('product', l.name, 'quantity', l.quantity,
                'price_cents', l.price_minor, 'tax_percent', l.tax_rate) ORDER BY l.id)
                FROM order_lines l WHERE l.order_id = o.id),
              'steps', (SELECT coalesce(jsonb_agg(jsonb_build_object('state', s.state, 'at', s.at) ORDER BY s.at), '[]')
                FROM order_steps s WHERE s.order_id = o.id)) AS data
            FROM orders o WHERE o.user_id = :user_id""",
            key="o.id",
        ),
    ),
    # The cart of an order stays with the order. It says no more than the order does.
    UserTable(
        "carts",
        Fate.DELETED,
        erase=("DELETE FROM carts WHERE user_id = :user_id AND closed_at IS NULL",),
        site=_SITE,
        rows=PersonalRows(
            "cart",
            "your cart",
            """SELECT l.id, jsonb_build_object('product', p.name, 'quantity', l.quantity,
              'saved_for_later_at', l.saved_at) AS data
            FROM carts c JOIN cart_lines l ON l.cart_id = c.id JOIN products p ON p.id = l.product_id
            WHERE c.user_id = :user_id AND c.closed_at IS NULL AND l.removed_at IS NULL""",
            key="l.id",
        ),
    ),
    UserTable(
        "restock_notices",
        Fate.DELETED,
        erase=("DELETE FROM restock_notices WHERE user_id = :user_id",),
        site=_SITE,
        rows=PersonalRows(
            "restock_notices",
            "the products that you wait for",
            """SELECT n.product_id AS id, jsonb_build_object('product', p.name, 'email', n.email,
              'asked_at', n.created_at) AS data
            FROM restock_notices n JOIN products p ON p.id = n.product_id WHERE n.user_id = :user_id""",
            key="n.product_id",
        ),
    ),
)
