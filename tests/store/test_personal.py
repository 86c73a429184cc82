"""The file of a user's own data at the store: whole, their own alone, and only after a fresh password."""

import json
from uuid import UUID, uuid4

from product_fixtures import SILENT, put
from support import person

from shopforum.store import cart as carts
from shopforum.store import orders
from shopforum.store.cart import Owner
from shopforum.store.orders import Address


def test_the_store_s_file(store, stocked, later):
    store.log_in("shopper")
    put(store, "fountain-pen")
    home = Address("Sam “Shore”", "Harbour Lane 4", "26121", "Oldenburg", "DE")
    for user_id in (UUID(person("shopper").id), uuid4()):
        owner = Owner(user_id=user_id)
        carts.add(stocked.db, owner, "stoneware-mug", 1)
        cart = carts.load(stocked.db, owner)
        orders.place(stocked.db, owner, cart.id, orders.shown(cart), home, letters=SILENT)
    put(store, "linen-notebook")
    page = store.get("/account/sessions").click("Save your data")
    assert "your orders" in page
    answer = page.click("Save your data")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="store-data.json"'
    assert answer.headers["Cache-Control"] == "no-store"
    found = json.loads(answer.body)
    assert found["account"][0]["email"] == person("shopper").email
    assert len(found["sessions"]) == 1
    assert found["activity"][0]["text"] == "Logged in, new device"
    [order] = found["orders"]
    assert order["name"] == home.name
    assert [line["product"] for line in order["lines"]] == ["Fountain pen", "Stoneware mug"]
    assert [line["product"] for line in found["cart"]] == ["Linen notebook"]
    assert found["restock_notices"] == []
    later(16 * 60)
    assert "/login" in store.get("/account/data.json", status=302).location
