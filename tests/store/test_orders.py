import uuid

import pytest
from product_fixtures import SILENT, change
from session_fixtures import together

from shopforum.store import cart as carts
from shopforum.store import orders
from shopforum.store.cart import Owner
from shopforum.store.orders import Address, CartChanged, CartNotFound

HOME = Address("Sam Shore", "Harbour Lane 4", "26121", "Oldenburg", "DE")


def place(database, owner, cart=None, seen=None):
    cart = cart or carts.load(database, owner)
    return orders.place(database, owner.user_id, cart.id, seen or orders.shown(cart), HOME, letters=SILENT)


def test_an_order_keeps_what_was_bought_and_closes_the_cart(database, catalogue, ann):
    carts.add(database, ann, "stoneware-mug", 2)
    carts.add(database, ann, "linen-notebook", 1)
    number = place(database, ann)
    catalogue.set("stoneware-mug", price_minor=9900)
    order = orders.find(database, ann.user_id, number)
    assert [(line.name, line.price, line.quantity) for line in order.lines] == [
        ("Stoneware mug", 1600, 2),
        ("Linen notebook", 1800, 1),
    ]
    assert (order.total, order.taxes) == (5000, ((19, 511), (7, 118)))
    assert (catalogue.stock("stoneware-mug"), catalogue.stock("linen-notebook")) == (8, 4)
    assert carts.load(database, ann).lines == ()


def test_only_the_owner_finds_it(database, catalogue, ann):
    carts.add(database, ann, "stoneware-mug", 1)
    number = place(database, ann)
    assert orders.find(database, uuid.uuid4(), number) is None
    assert orders.last_address(database, uuid.uuid4()) is None
    assert orders.last_address(database, ann.user_id) == HOME


def test_the_same_form_again_is_the_same_order(database, catalogue, ann):
    carts.add(database, ann, "stoneware-mug", 1)
    cart = carts.load(database, ann)
    number = place(database, ann, cart)
    carts.add(database, ann, "fountain-pen", 1)
    assert place(database, ann, cart) == number
    assert catalogue.count("orders") == 1
    assert catalogue.stock("stoneware-mug") == 9
    assert [line.slug for line in carts.load(database, ann).lines] == ["fountain-pen"]


def test_a_double_click_makes_one_order(database, catalogue, ann):
    carts.add(database, ann, "stoneware-mug", 1)
    cart = carts.load(database, ann)
    numbers = together(*[lambda: place(database, ann, cart)] * 5)
    assert len(set(numbers)) == 1
    assert catalogue.count("orders") == 1
    assert catalogue.stock("stoneware-mug") == 9


def test_many_buyers_of_the_last_piece_make_one_order(database, catalogue):
    buyers = [Owner(user_id=uuid.uuid4()) for _ in range(8)]
    for buyer in buyers:
        carts.add(database, buyer, "globe-light", 1)
    ready = [(buyer, carts.load(database, buyer)) for buyer in buyers]
    results = together(*(lambda b=buyer, c=cart: place(database, b, c) for buyer, cart in ready))
    assert sum(isinstance(result, str) for result in results) == 1
    assert sum(isinstance(result, CartChanged) for result in results) == 7
    assert catalogue.stock("globe-light") == 0
    assert catalogue.count("orders") == 1


def test_buyers_of_the_same_things_in_any_order_all_come_through(database, catalogue):
    """Rows are locked in the order of their ids: no ring of waiting transactions."""
    slugs = ["stoneware-mug", "linen-notebook", "wool-blanket"]
    buyers = [Owner(user_id=uuid.uuid4()) for _ in range(5)]
    for position, buyer in enumerate(buyers):
        for slug in slugs if position % 2 else reversed(slugs):
            carts.add(database, buyer, slug, 1)
    ready = [(buyer, carts.load(database, buyer)) for buyer in buyers]
    results = together(*(lambda b=buyer, c=cart: place(database, b, c) for buyer, cart in ready))
    assert all(isinstance(result, str) for result in results), results
    assert [catalogue.stock(slug) for slug in slugs] == [5, 0, 3]


@pytest.mark.parametrize(
    "change", [{"price_minor": 1700}, {"price_minor": 1500}, {"stock": 1}, {"stock": 0}, {"tax_rate": 7}]
)
def test_a_cart_that_changed_since_it_was_shown_is_not_ordered(database, catalogue, ann, change):
    carts.add(database, ann, "stoneware-mug", 2)
    cart = carts.load(database, ann)
    catalogue.set("stoneware-mug", **change)
    with pytest.raises(CartChanged):
        place(database, ann, cart)
    assert catalogue.count("orders") == 0
    assert carts.load(database, ann).lines


def test_a_cart_that_was_filled_in_another_tab_is_not_ordered(database, catalogue, ann):
    carts.add(database, ann, "stoneware-mug", 2)
    cart = carts.load(database, ann)
    carts.add(database, ann, "fountain-pen", 1)
    with pytest.raises(CartChanged):
        place(database, ann, cart)


def test_one_short_line_takes_nothing_of_the_others(database, catalogue, ann):
    carts.add(database, ann, "stoneware-mug", 2)
    carts.add(database, ann, "globe-light", 1)
    cart = carts.load(database, ann)
    catalogue.set("globe-light", stock=0)
    with pytest.raises(CartChanged):
        place(database, ann, cart)
    assert catalogue.stock("stoneware-mug") == 10


def test_another_users_cart_cannot_be_ordered(database, catalogue, ann):
    carts.add(database, ann, "stoneware-mug", 2)
    cart = carts.load(database, ann)
    for thief in (Owner(user_id=uuid.uuid4()),):
        with pytest.raises(CartNotFound):
            orders.place(database, thief.user_id, cart.id, orders.shown(cart), HOME, letters=SILENT)
    place(database, ann, cart)
    with pytest.raises(CartNotFound):
        orders.place(database, uuid.uuid4(), cart.id, orders.shown(cart), HOME, letters=SILENT)


def test_changing_the_cart_while_it_is_ordered_loses_nothing(database, catalogue, ann):
    """Either the order does not happen, or the new piece is in a new cart."""
    for _ in range(5):
        carts.add(database, ann, "wool-blanket", 1)
        cart = carts.load(database, ann)
        placed, added = together(
            lambda c=cart: place(database, ann, c), lambda: carts.add(database, ann, "stoneware-mug", 1)
        )
        assert added.quantity
        held = {line.slug for line in carts.load(database, ann).lines}
        expected = {"stoneware-mug"} if isinstance(placed, str) else {"stoneware-mug", "wool-blanket"}
        assert held == expected
        for line in carts.load(database, ann).lines:
            change(database, ann, line.id, 0)


def test_numbers_are_unlike_each_other():
    numbers = {orders.new_number() for _ in range(100)}
    assert len(numbers) == 100
    assert all(len(number) == 13 for number in numbers)
