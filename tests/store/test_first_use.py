"""Two requests at once that make the same row on first use make it once."""

import threading
from typing import Any

import pytest
from http_helpers import give
from product_fixtures import GOODS, put

from shopforum.store import guests
from shopforum.store.cart import Owner, add, load

pytestmark = pytest.mark.usefixtures("stocked")


def together(*acts: Any) -> None:
    threads = [threading.Thread(target=act) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)


@pytest.mark.parametrize("times", range(3))
def test_two_first_additions_of_a_guest_meet_in_one_cart(browser: Any, stocked: Any, times: int) -> None:
    guest = browser("store")
    token = guest.get("/products/stoneware-mug").html.select_one("input[name=csrf_token]")["value"]
    cookies = dict(guest.cookies)
    clients = [give(browser("store"), cookies) for _ in range(4)]
    slugs = ["stoneware-mug", "fountain-pen", "linen-notebook", "wool-blanket"]

    def send(client: Any, slug: str) -> None:
        client.post("/shopping-cart/items", {"product": slug, "quantity": 1, "csrf_token": token}, status=303)

    together(*(lambda c=c, s=s: send(c, s) for c, s in zip(clients, slugs, strict=True)))
    assert stocked.count("carts") == 1
    assert len({client.cookies[guests.COOKIE] for client in clients}) == 1
    page = clients[0].get("/shopping-cart", status=200)
    assert all(GOODS[slug][0] in page.text for slug in slugs)


def test_the_next_guest_of_a_browser_has_a_cart_of_their_own(store: Any, stocked: Any) -> None:
    put(store, "stoneware-mug")
    first = store.cookies[guests.COOKIE]
    store.log_in("shopper")
    next(f for f in store.get("/").forms.values() if f.action == "/logout").submit()
    put(store, "fountain-pen")
    assert store.cookies[guests.COOKIE] != first
    assert "Stoneware mug" not in store.get("/shopping-cart").html.select_one("main table").text


def test_the_cart_cookie_cannot_be_told_from_the_visitor_s(store: Any) -> None:
    put(store, "stoneware-mug")
    assert store.cookies[guests.COOKIE] != store.cookies["__Host-csrf"]


def test_first_additions_of_a_user_meet_too(database: Any, ann: Owner) -> None:
    together(
        *(lambda s=s: add(database, ann, s, 1) for s in ("stoneware-mug", "fountain-pen", "wool-blanket"))
    )
    assert len(load(database, ann).lines) == 3
