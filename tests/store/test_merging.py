import secrets
import uuid

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from product_fixtures import GOODS, change
from session_fixtures import together

from shopforum.store import cart as carts
from shopforum.store.cart import Owner
from shopforum.store.merging import merge

# How fast a busy machine makes up its examples says nothing of them.
UNCHECKED = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


def lines(database, owner):
    return {line.slug: line.quantity for line in carts.load(database, owner).lines}


def fill(database, owner, **goods):
    """Put goods into a cart, slugs written with underscores. A guest's cart is made under the owner's hash."""
    new = owner.guest_hashes[0] if owner.guest_hashes else None
    for slug, quantity in goods.items():
        carts.add(database, owner, slug.replace("_", "-"), quantity, new_guest=new)


def test_the_larger_quantity_stays(database, catalogue, ann, guest):
    fill(database, ann, stoneware_mug=2, linen_notebook=4)
    fill(database, guest, stoneware_mug=5, linen_notebook=1, fountain_pen=1)
    assert merge(database, guest.guest_hashes, ann.user_id) == 2
    assert lines(database, ann) == {"stoneware-mug": 5, "linen-notebook": 4, "fountain-pen": 1}
    marked = {line.slug for line in carts.load(database, ann).lines if line.merged}
    assert marked == {"stoneware-mug", "fountain-pen"}


def test_the_guests_cart_is_closed(database, catalogue, ann, guest):
    fill(database, guest, fountain_pen=1)
    assert merge(database, guest.guest_hashes, ann.user_id) == 1
    assert lines(database, guest) == {}
    assert merge(database, guest.guest_hashes, uuid.uuid4()) == 0
    assert [row["closed_as"] for row in catalogue.sql("SELECT closed_as FROM carts ORDER BY id")] == [
        "merged",
        None,
    ]


def test_an_empty_guests_cart_makes_none_for_the_user(database, catalogue, ann, guest):
    fill(database, guest, fountain_pen=1)
    change(database, guest, carts.load(database, guest).lines[0].id, 0)
    assert merge(database, guest.guest_hashes, ann.user_id) == 0
    assert catalogue.count("carts") == 1


def test_a_removed_line_stays_out_unless_the_guest_has_it(database, catalogue, ann, guest):
    fill(database, ann, fountain_pen=3, stoneware_mug=3)
    for line in carts.load(database, ann).lines:
        change(database, ann, line.id, 0)
    fill(database, guest, fountain_pen=1)
    merge(database, guest.guest_hashes, ann.user_id)
    assert lines(database, ann) == {"fountain-pen": 1}


def test_a_sold_out_line_comes_along_to_be_seen(database, catalogue, ann, guest):
    fill(database, guest, fountain_pen=2)
    catalogue.set("fountain-pen", stock=0)
    merge(database, guest.guest_hashes, ann.user_id)
    assert carts.load(database, ann).lines[0].problem == "sold-out"


def test_a_users_cart_is_never_merged(database, catalogue, ann):
    fill(database, ann, fountain_pen=1)
    assert merge(database, (), uuid.uuid4()) == 0
    assert merge(database, (bytes(32),), uuid.uuid4()) == 0
    assert lines(database, ann) == {"fountain-pen": 1}


def test_two_logins_at_once_merge_once(database, catalogue, guest):
    for _ in range(5):
        ann, ben = Owner(user_id=uuid.uuid4()), Owner(user_id=uuid.uuid4())
        fill(database, guest, fountain_pen=2)
        changed = together(
            lambda owner=ann: merge(database, guest.guest_hashes, owner.user_id),
            lambda owner=ben: merge(database, guest.guest_hashes, owner.user_id),
        )
        assert sorted(changed) == [0, 1]
        assert sorted([lines(database, ann), lines(database, ben)], key=len) == [{}, {"fountain-pen": 2}]


def test_one_user_logging_in_twice_at_once_counts_nothing_twice(database, catalogue, ann):
    guests = [Owner(guest_hashes=(secrets.token_bytes(32),)) for _ in range(4)]
    for guest in guests:
        fill(database, guest, stoneware_mug=2)
    changed = together(*(lambda g=guest: merge(database, g.guest_hashes, ann.user_id) for guest in guests))
    assert sum(changed) == 1
    assert lines(database, ann) == {"stoneware-mug": 2}


baskets = st.dictionaries(st.sampled_from(sorted(GOODS)), st.integers(1, 12))


@settings(max_examples=25, deadline=None, suppress_health_check=UNCHECKED)
@given(
    mine=baskets, guests=baskets, stocks=st.dictionaries(st.sampled_from(sorted(GOODS)), st.integers(0, 12))
)
def test_a_merge_takes_the_maximum_within_the_stock_and_touches_nobody_else(
    database, catalogue, mine, guests, stocks
):
    """For any two carts, and any change of the stock since."""
    for slug in GOODS:
        catalogue.set(slug, stock=12)
    ann, ben = Owner(user_id=uuid.uuid4()), Owner(user_id=uuid.uuid4())
    guest, other = (Owner(guest_hashes=(secrets.token_bytes(32),)) for _ in range(2))
    for owner, basket in ((ann, mine), (guest, guests), (ben, mine), (other, guests)):
        fill(database, owner, **basket)
    for slug, stock in stocks.items():
        catalogue.set(slug, stock=stock)
    merge(database, guest.guest_hashes, ann.user_id)
    merged = lines(database, ann)
    assert merged.keys() == mine.keys() | guests.keys()
    for slug, quantity in merged.items():
        stock = stocks.get(slug, 12)
        wanted = max(mine.get(slug, 0), min(guests.get(slug, 0), stock) if stock else guests.get(slug, 0))
        assert quantity == wanted
        assert quantity <= max(stock, mine.get(slug, 0)) or not stock
    assert lines(database, ben) == mine
    assert lines(database, other) == guests
