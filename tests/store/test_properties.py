"""People act on their carts, one after the other or at once: sums are right, no stock is sold twice, and nobody sees
another's cart.
"""

import secrets
import uuid
from contextlib import suppress

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from product_fixtures import GOODS, SILENT, change
from session_fixtures import together

from shopforum.store import cart as carts
from shopforum.store import merging, orders, saved
from shopforum.store.cart import LineNotFound, Owner
from shopforum.store.orders import Address, CartChanged, CartNotFound

# How fast a busy machine makes up its examples says nothing of them.
UNCHECKED = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]

HOME = Address("Sam Shore", "Harbour Lane 4", "26121", "Oldenburg", "DE")
SLUGS = sorted(GOODS)
STOCK = 12

# Two users and two guests; the guests log in as one user or the other.
ACTS = ("add", "add", "change", "remove", "undo", "save", "back", "order", "login", "buy", "price")
act = st.tuples(
    st.integers(0, 3),
    st.sampled_from(ACTS),
    st.integers(0, len(SLUGS) - 1),
    st.integers(0, STOCK + 3),
)


class Street:
    """Some people with their carts, and what they may do. Every act stands for one request."""

    def __init__(self, database, catalogue):
        self.db = database
        for slug in SLUGS:
            catalogue.set(slug, stock=STOCK)
        self.catalogue = catalogue
        users = [Owner(user_id=uuid.uuid4()) for _ in range(2)]
        self.people = [*users, *(Owner(guest_hashes=(secrets.token_bytes(32),)) for _ in range(2))]
        self.lines_of = {}

    def do(self, who, what, product, quantity):
        owner = self.people[who]
        with suppress(LineNotFound, CartNotFound, CartChanged):
            changed = getattr(self, what)(owner, self.people[quantity % 2], SLUGS[product], product, quantity)
            if changed:
                self.people[who] = changed

    def _line(self, owner, product, *, aside=False, removed=()):
        cart = carts.load(self.db, owner, removed=removed)
        lines = cart.saved if aside else cart.lines
        return lines[product % len(lines)].id if lines else 0

    def add(self, owner, _user, slug, _product, quantity):
        new = None if owner.user_id else secrets.token_bytes(32)
        made = carts.add(self.db, owner, slug, max(quantity, 1), new_guest=new)
        # The answer brings the cookie of a new cart.
        return Owner(guest_hashes=(new,)) if new and made.created else None

    def change(self, owner, _user, _slug, product, quantity):
        change(self.db, owner, self._line(owner, product), quantity)

    def remove(self, owner, _user, _slug, product, _quantity):
        change(self.db, owner, self._line(owner, product), 0)

    def undo(self, owner, _user, _slug, product, _quantity):
        line = self._line(owner, product)
        change(self.db, owner, line, 0)
        carts.restore(self.db, owner, [line])

    def save(self, owner, _user, _slug, product, _quantity):
        if owner.user_id:
            saved.save(self.db, owner, self._line(owner, product))

    def back(self, owner, _user, _slug, product, _quantity):
        saved.move_to_cart(self.db, owner, self._line(owner, product, aside=True))

    def order(self, owner, _user, _slug, _product, _quantity):
        cart = carts.load(self.db, owner)
        if owner.user_id and cart.orderable:
            orders.place(self.db, owner.user_id, cart.id, orders.shown(cart), HOME, letters=SILENT)

    def login(self, owner, user, *_rest):
        merging.merge(self.db, owner.guest_hashes, user.user_id)

    def buy(self, owner, user, *_rest):
        merging.merge(self.db, owner.guest_hashes, user.user_id, buying=True)

    def price(self, _owner, _user, slug, _product, quantity):
        self.catalogue.set(slug, price_minor=1000 + quantity)

    def check(self):
        for who, owner in enumerate(self.people):
            cart = carts.load(self.db, owner)
            costs = cart.totals
            assert costs.subtotal == sum(line.price * min(line.quantity, line.stock) for line in cart.lines)
            assert costs.total == costs.subtotal + costs.shipping
            assert len({line.product_id for line in cart.lines}) == len(cart.lines)
            assert not (cart.saved and owner.guest_hashes)
            for line in (*cart.lines, *cart.saved):
                # A line of a cart is its owner's for ever: a merge makes new ones.
                assert self.lines_of.setdefault(line.id, who) == who
        sold = self.catalogue.sql(
            "SELECT p.slug, p.stock, coalesce(sum(l.quantity), 0) AS sold FROM products p "
            "LEFT JOIN order_lines l ON l.product_id = p.id GROUP BY p.id"
        )
        assert all(row["stock"] >= 0 and row["stock"] + row["sold"] == STOCK for row in sold), sold
        wrong = self.catalogue.sql(
            "SELECT o.number FROM orders o JOIN order_lines l ON l.order_id = o.id JOIN carts c ON c.id = o.cart_id "
            "GROUP BY o.id, c.id "
            "HAVING sum(l.quantity * l.price_minor) <> o.subtotal_minor OR c.user_id <> o.user_id "
            "OR o.total_minor <> o.subtotal_minor + o.shipping_minor OR c.closed_as <> 'ordered'"
        )
        assert wrong == []


def fresh(database, catalogue):
    catalogue.sql("DELETE FROM order_lines")
    catalogue.sql("DELETE FROM orders")
    catalogue.sql("DELETE FROM carts")
    return Street(database, catalogue)


@settings(max_examples=30, deadline=None, suppress_health_check=UNCHECKED)
@given(st.lists(act, max_size=25))
def test_one_after_the_other(database, catalogue, acts):
    street = fresh(database, catalogue)
    for one in acts:
        street.do(*one)
        street.check()


@settings(max_examples=30, deadline=None, suppress_health_check=UNCHECKED)
@given(st.lists(st.lists(act, min_size=1, max_size=6), min_size=2, max_size=5))
def test_all_at_once(database, catalogue, scripts):
    """Windows of the same people, and of others, in real threads."""
    street = fresh(database, catalogue)
    for one in scripts.pop():
        street.do(*one)

    def run(script):
        for one in script:
            street.do(*one)

    for failed in together(*[lambda script=script: run(script) for script in scripts]):
        assert failed is None, failed
    street.check()
