"""The store's purges. Nobody comes back for the rows that are deleted here.

A user's cart stays until it is ordered, even after the session has ended. An ordered cart stays with its order.
"""

from ..core.purge import Purge

PURGES = (
    # A guest's cart is kept as long as the guest's cookie. A merged cart is of no use any more.
    Purge(
        "carts", "user_id IS NULL AND changed_at < now() - interval '30 days'", order="changed_at", step=200
    ),
    # The next page offers to undo a removal; a day is for tabs that stay open.
    Purge("cart_lines", "removed_at < now() - interval '1 day'", order="removed_at", step=200),
)
