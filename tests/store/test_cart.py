import uuid

import pytest
from product_fixtures import GOODS, change
from session_fixtures import together

from shopforum.store import cart as carts
from shopforum.store import saved
from shopforum.store.cart import LineNotFound, Owner


def lines(database, owner):
    return [(line.slug, line.quantity) for line in carts.load(database, owner).lines]


def test_an_empty_cart_is_not_kept(database, catalogue, ann):
    assert carts.load(database, ann) == carts.Cart(0, ())
    assert carts.add(database, ann, "desk-clock", 1).sold_out
    assert catalogue.count("carts") == 0


def test_adding_twice_adds_up(database, catalogue, ann):
    first = carts.add(database, ann, "stoneware-mug", 2)
    again = carts.add(database, ann, "stoneware-mug", 3)
    assert (first.created, again.created) == (True, False)
    assert (again.quantity, again.clamped) == (5, False)
    assert lines(database, ann) == [("stoneware-mug", 5)]


def test_adding_is_held_at_the_stock(database, catalogue, ann):
    carts.add(database, ann, "fountain-pen", 2)
    change = carts.add(database, ann, "fountain-pen", 2)
    assert (change.quantity, change.clamped) == (3, True)


def test_an_unknown_or_withdrawn_product_cannot_be_added(database, catalogue, ann):
    catalogue.set("stoneware-mug", stock=0, withdrawn=True)
    assert carts.add(database, ann, "stoneware-mug", 1) is None
    assert carts.add(database, ann, "no-such-thing", 1) is None
    assert catalogue.count("carts") == 0


def test_a_guest_has_a_cart_under_the_hash_of_the_cookie(database, catalogue, guest):
    carts.add(database, Owner(), "stoneware-mug", 1, new_guest=guest.guest_hashes[0])
    carts.add(database, guest, "fountain-pen", 1)
    assert lines(database, guest) == [("stoneware-mug", 1), ("fountain-pen", 1)]
    assert lines(database, Owner(guest_hashes=(bytes(32),))) == []
    assert lines(database, Owner()) == []


def test_an_old_key_still_opens_a_guests_cart(database, catalogue, guest):
    carts.add(database, Owner(), "stoneware-mug", 1, new_guest=guest.guest_hashes[0])
    rotated = Owner(guest_hashes=(bytes(32), *guest.guest_hashes))
    assert not carts.add(database, rotated, "stoneware-mug", 1).created
    assert lines(database, rotated) == [("stoneware-mug", 2)]


def test_changing_a_quantity(database, catalogue, ann):
    line = carts.add(database, ann, "fountain-pen", 1).line_id
    assert change(database, ann, line, 2).quantity == 2
    clamped = change(database, ann, line, 1_000_000)
    assert (clamped.quantity, clamped.clamped) == (3, True)


def test_a_line_that_is_removed_comes_back_with_quantity_and_place(database, catalogue, ann):
    first = carts.add(database, ann, "fountain-pen", 3).line_id
    carts.add(database, ann, "stoneware-mug", 1)
    assert change(database, ann, first, 0).quantity == 0
    assert lines(database, ann) == [("stoneware-mug", 1)]
    assert carts.load(database, ann, removed=[first]).removed[0].name == "Fountain pen"
    catalogue.set("fountain-pen", stock=2)
    carts.restore(database, ann, [first])
    assert lines(database, ann) == [("fountain-pen", 2), ("stoneware-mug", 1)]


def test_a_removed_line_that_is_added_again_starts_anew(database, catalogue, ann):
    line = carts.add(database, ann, "fountain-pen", 3).line_id
    change(database, ann, line, 0)
    catalogue.set("fountain-pen", price_minor=4000)
    again = carts.add(database, ann, "fountain-pen", 1)
    assert (again.quantity, again.clamped) == (1, False)
    assert carts.load(database, ann).lines[0].added_price == 4000


def test_removing_twice_is_removing(database, catalogue, ann):
    line = carts.add(database, ann, "fountain-pen", 1).line_id
    removed = "SELECT removed_at FROM cart_lines"
    change(database, ann, line, 0)
    first = catalogue.sql(removed)
    change(database, ann, line, 0)
    assert catalogue.sql(removed) == first


@pytest.mark.parametrize("stranger", ["user", "guest", "nobody"])
def test_nobody_else_reaches_a_line(database, catalogue, ann, guest, stranger):
    line = carts.add(database, ann, "fountain-pen", 2).line_id
    other = {"user": Owner(user_id=uuid.uuid4()), "guest": guest, "nobody": Owner()}[stranger]
    if stranger == "user":
        carts.add(database, other, "fountain-pen", 1)
    for quantity in (1, 0):
        with pytest.raises(LineNotFound):
            change(database, other, line, quantity)
    for act in (saved.save, saved.move_to_cart, lambda *given: carts.restore(*given[:2], [given[2]])):
        with pytest.raises(LineNotFound):
            act(database, other, line)
    assert carts.load(database, other, removed=[line]).removed == ()
    assert lines(database, ann) == [("fountain-pen", 2)]


def test_changes_since_then_are_named(database, catalogue, ann):
    for slug in ("stoneware-mug", "linen-notebook", "fountain-pen", "wool-blanket"):
        carts.add(database, ann, slug, 3)
    catalogue.set("stoneware-mug", price_minor=1700)
    catalogue.set("linen-notebook", stock=0)
    catalogue.set("fountain-pen", stock=2)
    catalogue.set("wool-blanket", stock=0, withdrawn=True)
    cart = carts.load(database, ann)
    assert [line.problem for line in cart.lines] == [None, "sold-out", "short", "withdrawn"]
    assert (cart.lines[0].added_price, cart.lines[0].price) == (1600, 1700)
    assert cart.totals.subtotal == 3 * 1700 + 2 * 3600
    assert not cart.orderable


def test_a_sold_out_line_keeps_its_quantity_and_can_be_removed(database, catalogue, ann):
    line = carts.add(database, ann, "fountain-pen", 2).line_id
    catalogue.set("fountain-pen", stock=0)
    assert change(database, ann, line, 3).sold_out
    assert lines(database, ann) == [("fountain-pen", 2)]
    assert not change(database, ann, line, 0).sold_out
    assert lines(database, ann) == []


def test_adds_at_once_meet_in_one_cart_and_add_up(database, catalogue, ann):
    results = together(*[lambda: carts.add(database, ann, "stoneware-mug", 1)] * 6)
    assert sorted(change.quantity for change in results) == [1, 2, 3, 4, 5, 6]
    assert [change.created for change in results].count(True) >= 1
    assert lines(database, ann) == [("stoneware-mug", 6)]
    assert catalogue.count("carts") == 1


def test_adds_at_once_never_pass_the_stock(database, catalogue, ann):
    together(*[lambda: carts.add(database, ann, "fountain-pen", 2)] * 4)
    assert lines(database, ann) == [("fountain-pen", 3)]


def test_the_cart_is_read_in_one_statement(database, catalogue, ann, monkeypatch):
    for slug in GOODS:
        carts.add(database, ann, slug, 1)
    asked = []
    run = database._run
    monkeypatch.setattr(database, "_run", lambda *args: asked.append(args) or run(*args))
    assert len(carts.load(database, ann).lines) == 5
    assert len(asked) == 1
