"""The store's purges, and its letters about products that are back. Nobody comes back for the rows that are deleted here.

A user's cart stays until it is ordered, even after the session has ended. An ordered cart stays with its order.
"""

from ..core.database import Database
from ..core.keyed import Keyed
from ..core.purge import Purge
from . import restock
from .letters import Letters

PURGES = (
    # A guest's cart is kept as long as the guest's cookie. A merged cart is of no use any more.
    Purge(
        "carts", "user_id IS NULL AND changed_at < now() - interval '30 days'", order="changed_at", step=200
    ),
    # The next page offers to undo a removal; a day is for tabs that stay open.
    Purge("cart_lines", "removed_at < now() - interval '1 day'", order="removed_at", step=200),
    Purge("order_links", "expires_at < now()", order="expires_at"),
    # After half a year nobody waits for a product any more.
    Purge("restock_notices", "created_at < now() - interval '180 days'", order="created_at"),
)

KEYED = (
    Keyed(
        "guests' carts",
        "carts WHERE guest_hash IS NOT NULL AND closed_at IS NULL",
        "key_id",
        "changed_at + interval '30 days'",
        "are lost",
    ),
    Keyed(
        "links to guests' orders",
        "order_links WHERE expires_at > now()",
        "key_id",
        "expires_at",
        "do not work any more; guests ask for a new one at /guest-orders",
    ),
)


def run_once(db: Database, letters: Letters) -> int:
    """Queue the letters about products that are back; return how many. Without a mail server they wait."""
    return restock.run_once(db, letters) if letters.on else 0
