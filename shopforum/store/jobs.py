"""The store's chores, for the process beside the web server: nobody comes back for what is deleted here.

Carts of users stay until they are ordered, whatever becomes of the sessions; ordered ones stay for their orders.
"""

from ..core.database import Database
from ..core.purge import purge

_PURGES = (
    # As long as the cookie of a guest lives; a merged cart is empty of use at once.
    purge("carts", "user_id IS NULL AND changed_at < now() - interval '30 days'", "changed_at"),
    # An undo is offered on the next page alone; a day is for tabs left open.
    purge("cart_lines", "removed_at < now() - interval '1 day'", "removed_at"),
)


def run_once(db: Database, step: int = 200) -> int:
    """Delete what is old, at most `step` rows of a kind; returns how many."""
    return sum(len(db.all(statement, step=step)) for statement in _PURGES)
