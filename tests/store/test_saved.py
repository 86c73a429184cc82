"""Saved for later: both ways, beside an order, and at a login on the way to the checkout."""

import secrets
import uuid

import pytest
import requests
from product_fixtures import SILENT, change, forms, notice, press, put, target
from session_fixtures import together
from support import person

from shopforum.store import cart as carts
from shopforum.store import merging, orders, saved
from shopforum.store.cart import Owner
from shopforum.store.orders import Address

HOME = Address("Sam Shore", "Harbour Lane 4", "26121", "Oldenburg", "DE")


def both(database, owner):
    """Return the quantities by slug in the cart and among the saved lines."""
    cart = carts.load(database, owner)
    return {line.slug: line.quantity for line in cart.lines}, {
        line.slug: line.quantity for line in cart.saved
    }


def test_there_and_back_with_the_price_of_the_day_it_was_put_in(database, catalogue, ann):
    line = carts.add(database, ann, "fountain-pen", 2).line_id
    carts.add(database, ann, "stoneware-mug", 1)
    catalogue.set("fountain-pen", price_minor=4000)
    saved.save(database, ann, line)
    assert both(database, ann) == ({"stoneware-mug": 1}, {"fountain-pen": 2})
    cart = carts.load(database, ann)
    assert (cart.saved[0].added_price, cart.saved[0].price) == (3600, 4000)
    assert cart.totals.subtotal == 1600
    assert saved.move_to_cart(database, ann, line).quantity == 2
    cart = carts.load(database, ann)
    assert [(line.slug, line.added_price) for line in cart.lines] == [
        ("fountain-pen", 3600),
        ("stoneware-mug", 1600),
    ]


def test_twice_is_once(database, catalogue, ann):
    line = carts.add(database, ann, "fountain-pen", 2).line_id
    saved.save(database, ann, line)
    carts.add(database, ann, "fountain-pen", 1)
    saved.save(database, ann, line)
    assert both(database, ann) == ({"fountain-pen": 1}, {"fountain-pen": 2})
    saved.move_to_cart(database, ann, line)
    saved.move_to_cart(database, ann, line)
    assert both(database, ann) == ({"fountain-pen": 3}, {})


def test_the_quantities_of_both_sides_add_up_within_the_stock(database, catalogue, ann):
    first = carts.add(database, ann, "fountain-pen", 3).line_id
    saved.save(database, ann, first)
    second = carts.add(database, ann, "fountain-pen", 2).line_id
    taken = saved.move_to_cart(database, ann, first)
    assert (taken.quantity, taken.clamped) == (3, True)
    assert both(database, ann) == ({"fountain-pen": 3}, {})
    with pytest.raises(carts.LineNotFound):
        change(database, ann, second, 1)


def test_a_removed_line_of_the_other_side_adds_nothing(database, catalogue, ann):
    first = carts.add(database, ann, "stoneware-mug", 3).line_id
    saved.save(database, ann, first)
    change(database, ann, carts.add(database, ann, "stoneware-mug", 2).line_id, 0)
    assert saved.move_to_cart(database, ann, first).quantity == 3


def test_a_sold_out_line_stays_saved(database, catalogue, ann):
    line = carts.add(database, ann, "fountain-pen", 2).line_id
    catalogue.set("fountain-pen", stock=0)
    saved.save(database, ann, line)
    assert saved.move_to_cart(database, ann, line).sold_out
    assert both(database, ann) == ({}, {"fountain-pen": 2})


def test_a_saved_line_is_removed_and_restored_as_saved(database, catalogue, ann):
    line = carts.add(database, ann, "fountain-pen", 2).line_id
    saved.save(database, ann, line)
    change(database, ann, line, 0)
    assert both(database, ann) == ({}, {})
    carts.restore(database, ann, [line])
    assert both(database, ann) == ({}, {"fountain-pen": 2})


def test_an_order_leaves_it_alone(database, catalogue, ann):
    carts.add(database, ann, "stoneware-mug", 1)
    line = carts.add(database, ann, "fountain-pen", 2).line_id
    saved.save(database, ann, line)
    cart = carts.load(database, ann)
    number = orders.place(database, ann.user_id, cart.id, orders.shown(cart), HOME, letters=SILENT)
    assert [line.slug for line in orders.find(database, ann.user_id, number).lines] == ["stoneware-mug"]
    assert catalogue.stock("fountain-pen") == 3
    assert both(database, ann) == ({}, {"fountain-pen": 2})
    saved.move_to_cart(database, ann, line)
    assert both(database, ann) == ({"fountain-pen": 2}, {})
    cart = carts.load(database, ann)
    assert orders.place(database, ann.user_id, cart.id, orders.shown(cart), HOME, letters=SILENT) != number
    assert not carts.load(database, ann).id, "with nothing saved, no empty cart is kept"


def test_saving_and_moving_at_once_loses_nothing(database, catalogue, ann):
    for _ in range(3):
        line = carts.add(database, ann, "wool-blanket", 1).line_id
        together(
            *[lambda line=line: saved.save(database, ann, line)] * 2,
            *[lambda line=line: saved.move_to_cart(database, ann, line)] * 2,
        )
        cart, kept = both(database, ann)
        assert sum(cart.values()) + sum(kept.values()) == 1
        for row in (*carts.load(database, ann).lines, *carts.load(database, ann).saved):
            change(database, ann, row.id, 0)


def test_a_login_to_buy_keeps_the_guests_cart_and_saves_the_old_one(database, catalogue, ann):
    guest = Owner(guest_hashes=(secrets.token_bytes(32),))
    for slug, quantity in (("stoneware-mug", 5), ("fountain-pen", 1)):
        carts.add(database, ann, slug, quantity)
    for slug, quantity in (("stoneware-mug", 2), ("linen-notebook", 1)):
        carts.add(database, guest, slug, quantity, new_guest=guest.guest_hashes[0])
    catalogue.set("fountain-pen", price_minor=4000)
    assert merging.merge(database, guest.guest_hashes, ann.user_id, buying=True) == 2
    assert both(database, ann) == (
        {"stoneware-mug": 2, "linen-notebook": 1},
        {"stoneware-mug": 5, "fountain-pen": 1},
    )
    cart = carts.load(database, ann)
    assert {line.slug: line.added_price for line in cart.saved}["fountain-pen"] == 3600
    assert all(line.merged for line in (*cart.lines, *cart.saved))


def test_a_login_to_buy_without_anything_in_the_cart_moves_nothing(database, catalogue, ann):
    carts.add(database, ann, "fountain-pen", 1)
    guest = Owner(guest_hashes=(secrets.token_bytes(32),))
    assert merging.merge(database, guest.guest_hashes, ann.user_id, buying=True) == 0
    assert both(database, ann) == ({"fountain-pen": 1}, {})


def test_logins_to_buy_at_once_merge_once(database, catalogue):
    for _ in range(3):
        guest = Owner(guest_hashes=(secrets.token_bytes(32),))
        users = [Owner(user_id=uuid.uuid4()) for _ in range(4)]
        for user in users:
            carts.add(database, user, "fountain-pen", 1)
        carts.add(database, guest, "stoneware-mug", 2, new_guest=guest.guest_hashes[0])
        acts = [
            lambda u=user, g=guest: merging.merge(database, g.guest_hashes, u.user_id, buying=True)
            for user in users
        ]
        assert sorted(together(*acts)) == [0, 0, 0, 1]
        results = [both(database, user) for user in users]
        assert results.count(({"stoneware-mug": 2}, {"fountain-pen": 1})) == 1
        assert results.count(({"fountain-pen": 1}, {})) == 3


class TestPages:
    @pytest.fixture
    def shopper(self, store, stocked):
        store.log_in("shopper")
        put(store, "fountain-pen", 2)
        put(store, "stoneware-mug")
        return store

    def test_saving_and_moving_back(self, shopper, stocked):
        stocked.set("fountain-pen", price_minor=3500)
        page = press(shopper.get("/shopping-cart"), "Save for later: Fountain pen", status=303).follow()
        assert notice(page) == "Fountain pen is saved for later."
        [row] = page.html.select("section[aria-labelledby=saved] tbody tr")
        assert row.select_one("[data-label=Quantity]").text == "2"
        assert "dropped from €36.00 to €35.00" in row.get_text(" ", strip=True).replace(" ", " ")
        page = press(page, "Move to cart: Fountain pen", status=303).follow()
        assert notice(page) == "Fountain pen is in your cart."
        assert not page.html.select("#saved")

    def test_removing_and_undoing(self, shopper):
        page = press(shopper.get("/shopping-cart"), "Save for later: Fountain pen").follow()
        page = press(page, "Remove Fountain pen", status=303).follow()
        assert notice(page) == "Fountain pen was removed from your saved items."
        page = press(page, "Undo", status=303).follow()
        assert notice(page) == "Fountain pen is saved for later again."
        assert page.html.select("#saved")

    def test_sold_out_and_withdrawn_things_cannot_be_moved(self, shopper, stocked):
        page = press(shopper.get("/shopping-cart"), "Save for later: Fountain pen").follow()
        stocked.set("fountain-pen", stock=0)
        answer = press(page, "Move to cart: Fountain pen", status=303)
        assert notice(answer.follow()) == "This product is sold out. Your cart has not changed."
        stocked.set("fountain-pen", withdrawn=True)
        page = shopper.get("/shopping-cart")
        assert "We no longer sell this." in page.text
        assert "Move to cart" not in page.text

    def test_a_guest_has_no_later(self, store, stocked):
        page = put(store, "fountain-pen").follow()
        assert "Save for later" not in page.text
        token = page.html.select_one("input[name=csrf_token]")["value"]
        for path in ("items/1/save", "saved/1"):
            answer = store.post(f"/shopping-cart/{path}", {"csrf_token": token}, status=302)
            assert "/login?next=" in answer.location

    def test_nobody_elses(self, shopper, browser):
        page = press(shopper.get("/shopping-cart"), "Save for later: Fountain pen").follow()
        line = target(page, "Move to cart").rsplit("/", 1)[-1]
        other = browser("store")
        other.log_in("member")
        put(other, "stoneware-mug")
        token = other.get("/shopping-cart").html.select_one("input[name=csrf_token]")["value"]
        for path in (f"items/{line}/save", f"saved/{line}", "saved/0", f"saved/{'9' * 18}"):
            other.post(f"/shopping-cart/{path}", {"csrf_token": token}, status=404)
        assert shopper.get("/shopping-cart").html.select("#saved")

    def test_a_login_with_a_second_factor_does_so_too(self, shopper, idp):
        forms(shopper.get("/"), "/logout")[0].submit()
        put(shopper, "linen-notebook")
        idp.hook("user", email=person("shopper").email, twoFactor=True)
        form = forms(shopper.log_in("shopper", next="/checkout").follow(), "/login/two-factor")[0]
        form["code"] = requests.get(f"{idp.hooks}/two-factor", timeout=60).json()["challenges"][-1]["code"]
        page = form.submit(status=302).follow(status=200)
        assert notice(page).endswith("Saved for later, from earlier: Fountain pen, Stoneware mug.")

    def test_a_login_at_the_checkout_says_what_it_put_aside(self, shopper):
        forms(shopper.get("/"), "/logout")[0].submit()
        page = put(shopper, "linen-notebook").follow()
        login = press(page, "Checkout", status=303).follow(status=302)
        answer = shopper.log_in("shopper", next=login.location.partition("next=")[2].replace("%2F", "/"))
        assert answer.location.endswith("/checkout?notice=merged")
        page = answer.follow(status=200)
        assert notice(page).endswith("Saved for later, from earlier: Fountain pen, Stoneware mug.")
        assert [row.text.strip() for row in page.html.select("tbody th")] == ["Linen notebook"]
