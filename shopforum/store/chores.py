"""The store's chores, for the process beside the web server: nobody comes back for what is deleted here.

Carts of users stay until they are ordered, whatever becomes of the sessions; ordered ones stay for their orders.
"""

from sqlalchemy import text

from ..sessions.database import Database

_PURGE = (
    # As long as the cookie of a guest lives; a merged cart is empty of use at once.
    text("""
DELETE FROM carts WHERE id IN (
  SELECT id FROM carts WHERE user_id IS NULL AND changed_at < clock_timestamp() - interval '30 days'
  ORDER BY changed_at LIMIT :step FOR UPDATE SKIP LOCKED)
RETURNING 1
"""),
    # An undo is offered on the next page alone; a day is for tabs left open.
    text("""
DELETE FROM cart_lines WHERE id IN (
  SELECT id FROM cart_lines WHERE removed_at < clock_timestamp() - interval '1 day'
  LIMIT :step FOR UPDATE SKIP LOCKED)
RETURNING 1
"""),
)


def run_once(db: Database, step: int = 200) -> int:
    """Delete what is old, at most `step` rows of a kind; returns how many."""
    return sum(len(db.all(purge, step=step)) for purge in _PURGE)
