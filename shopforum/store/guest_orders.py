"""Orders of guests after the purchase: a new link to one that was lost, and taking an order over into an account.

The orders themselves are placed, shown and cancelled as a user's are (orders.py).
"""

from sqlalchemy import text

from ..core.database import Database, once_more
from ..mail import outgoing
from ..sessions import acts
from ..sessions.acts import ActingSession
from ..sessions.keyring import Keyring
from ..sessions.vocabulary import ActKind
from . import order_links
from .letters import Letters, Recipient
from .orders import OrderNotFound

_OF_ADDRESS = text("""
SELECT name, email, total_minor FROM orders
WHERE number = :number AND user_id IS NULL AND lower(email) = lower(:email)
""")
_TAKE_OVER = text(f"""
UPDATE orders o SET user_id = :user_id
WHERE o.number = :number AND lower(o.email) = lower(:email) AND {order_links.BY_MAILED_LINK}
RETURNING o.id
""")
_FORGET_LINKS = text("DELETE FROM order_links WHERE order_id = :order")


@once_more
def open_link(db: Database, keyring: Keyring, number: str) -> str:
    """Store a link for the browser that has just placed an order. Return its token."""
    with db.transaction() as connection:
        return order_links.new(connection, keyring, number, mailed=False)


@once_more
def send_link(db: Database, letters: Letters, number: str, email: str) -> None:
    """Queue a letter with a new link, if a guest has placed this order with this address. Otherwise nothing happens."""
    with db.transaction() as connection:
        found = connection.execute(_OF_ADDRESS, {"number": number, "email": email}).first()
        if found is not None:
            letters.link(connection, Recipient(None, found.name, found.email), number, found.total_minor)


@once_more
def take_over(db: Database, number: str, links: tuple[bytes, ...], email: str, by: ActingSession) -> None:
    """Make a guest's order one of the user who acts, and end its links.

    The user needs a link from a letter and an account with the address that the letter went to. Raises OrderNotFound otherwise.
    """
    values = {"number": number, "links": list(links), "user_id": by.user_id}
    with db.transaction() as connection:
        order = connection.execute(_TAKE_OVER, {**values, "email": outgoing.address(email)}).scalar()
        if order is None:
            raise OrderNotFound
        connection.execute(_FORGET_LINKS, {"order": order})
        acts.write(connection, by, ActKind.ORDER_TAKEN_OVER, number)
