"""Links to the orders of guests: who opens one sees the order and can cancel it, for as long as the link is good.

A link has a token of 256 random bits. But for the letter while it waits to be sent, the database has only its keyed hash. Each letter about the order has a link of its
own, and so has the browser that has ordered. Only a link from a letter proves that its bearer reads the mail of the
order's address, so only such a link takes the order over (guest_orders.py).
"""

import re
import secrets

from sqlalchemy import Connection, text

from ..core.sites import STORE
from ..sessions.keyring import Keyring

# The time to send things back, from the letter that says that they have arrived.
DAYS = 30
SHAPE = re.compile(r"[A-Za-z0-9_-]{43}")

_GOOD = """SELECT FROM order_links k
  WHERE k.order_id = o.id AND k.hash = ANY(CAST(:links AS bytea[])) AND k.expires_at > now()"""
# The condition that an order `o` is a guest's, and that one of the hashes :links is of a good link to it.
BY_LINK = f"o.user_id IS NULL AND EXISTS ({_GOOD})"
BY_MAILED_LINK = f"o.user_id IS NULL AND EXISTS ({_GOOD} AND k.mailed)"

_INSERT = text(f"""
INSERT INTO order_links (hash, key_id, order_id, mailed, expires_at)
SELECT :hash, :key_id, id, :mailed, clock_timestamp() + interval '{DAYS} days' FROM orders WHERE number = :number
""")


def new(connection: Connection, keyring: Keyring, number: str, *, mailed: bool) -> str:
    """Store a new link to an order, in the caller's transaction. Return its token. `mailed`: it goes into a letter."""
    token = secrets.token_urlsafe(32)
    [digest, *_] = digests(keyring, token)
    values = {"hash": digest, "key_id": keyring.id, "number": number, "mailed": mailed}
    connection.execute(_INSERT, values)
    return token


def digests(keyring: Keyring, token: str) -> tuple[bytes, ...]:
    """Return the hashes under which a token may be stored: one for each key, the newest first."""
    return tuple(keyring.digests(STORE, "order link", token))
