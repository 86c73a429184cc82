import re

import pytest
from http_helpers import set_cookies
from product_fixtures import forms, notice, press, put, target
from support import person

from shopforum.store import guests

pytestmark = pytest.mark.usefixtures("stocked")


def held(page):
    """Return the names and quantities that the cart page lists."""
    rows = page.html.select("table.table tbody tr")
    return {row.select_one("th a").text: int(row.select_one("input[type=number]")["value"]) for row in rows}


def token_of(page):
    return page.html.select_one("input[name=csrf_token]")["value"]


class TestGuests:
    def test_a_cart_before_any_login(self, store):
        answer = put(store, "stoneware-mug", 2, status=303)
        cookie = set_cookies(answer)[guests.COOKIE]
        assert re.fullmatch(
            r"__Host-cart=[\w-]{43}; Path=/; Max-Age=2592000; Secure; HttpOnly; SameSite=Lax", cookie
        )
        page = answer.follow()
        assert notice(page) == "Stoneware mug is in your cart."
        assert held(page) == {"Stoneware mug": 2}
        assert "Log in to keep this cart" in page.text
        assert page.html.select_one(".site-nav .count").text == "2"

    def test_the_database_holds_no_cookie(self, store, stocked):
        put(store, "stoneware-mug")
        (row,) = stocked.sql("SELECT * FROM carts")
        assert store.cookies[guests.COOKIE].encode() not in bytes(row["guest_hash"])
        assert len(row["guest_hash"]) == 32
        assert row["key_id"] == store.app.services.sessions.config.secrets.id

    def test_no_cookie_before_something_is_in(self, store):
        for path in ("/", "/products", "/products/stoneware-mug"):
            assert guests.COOKIE not in set_cookies(store.get(path))
        store.get("/products/desk-clock")
        answer = store.post(
            "/shopping-cart/items",
            {"product": "desk-clock", "csrf_token": token_of(store.get("/products/stoneware-mug"))},
        )
        assert answer.location.endswith("/products/desk-clock?notice=sold-out")
        assert guests.COOKIE not in store.cookies

    def test_more_goes_into_the_same_cart(self, store, stocked):
        put(store, "stoneware-mug")
        before = store.cookies[guests.COOKIE]
        answer = put(store, "fountain-pen")
        assert guests.COOKIE in set_cookies(answer)
        assert store.cookies[guests.COOKIE] == before
        assert stocked.count("carts") == 1

    def test_a_cookie_that_we_did_not_make_is_replaced(self, store):
        store.set_cookie(guests.COOKIE, "A" * 43)
        put(store, "stoneware-mug")
        assert store.cookies[guests.COOKIE] != "A" * 43

    @pytest.mark.parametrize("value", ["", "short", "A" * 44, "A" * 42 + "=", "A" * 42 + "%"])
    def test_a_cookie_of_another_shape_is_ignored(self, store, value, count_sql):
        headers = {"Cookie": f"{guests.COOKIE}={value}"}
        with count_sql(store) as statements:
            answer = store.get("/shopping-cart", headers=headers, status=302)
        assert answer.location.endswith("/login?next=%2Fshopping-cart")
        assert statements == []

    def test_a_visitor_without_a_cart_is_asked_to_log_in(self, store):
        assert store.get("/shopping-cart", status=302).location.endswith("/login?next=%2Fshopping-cart")

    @pytest.mark.parametrize("name", ["__Host-session", "__Host-refresh"])
    def test_session_cookies_that_are_no_session_see_no_cart(self, store, name):
        put(store, "stoneware-mug")
        store.set_cookie(name, "B" * 43)
        assert store.get("/shopping-cart", status=302).location.endswith("/login?next=%2Fshopping-cart")

    def test_two_guests_do_not_meet(self, browser):
        one, two = browser("store"), browser("store")
        page = put(one, "stoneware-mug", 2).follow()
        put(two, "fountain-pen")
        action = target(page, "Remove")
        token = token_of(two.get("/shopping-cart"))
        for quantity in (0, 3):
            two.post(action, {"quantity": quantity, "csrf_token": token}, status=404)
        two.post("/shopping-cart/undo", {"line": action.rsplit("/")[-1], "csrf_token": token}, status=404)
        assert held(one.get("/shopping-cart")) == {"Stoneware mug": 2}


class TestLogin:
    def test_the_cart_comes_along_and_is_named(self, store):
        put(store, "stoneware-mug", 2)
        answer = store.log_in("shopper")
        assert answer.location.endswith("/shopping-cart?notice=merged")
        page = answer.follow()
        assert notice(page) == "From your cart before the login we have kept: Stoneware mug."
        assert held(page) == {"Stoneware mug": 2}
        assert guests.COOKIE not in store.cookies

    def test_earlier_lines_are_named_too(self, store):
        store.log_in("shopper")
        put(store, "fountain-pen")
        forms(store.get("/"), "/logout")[0].submit()
        put(store, "stoneware-mug")
        page = store.log_in("shopper", next="/checkout").follow()
        assert notice(page).endswith("kept: Stoneware mug. Saved for later, from earlier: Fountain pen.")
        forms(page, "/logout")[0].submit()
        put(store, "linen-notebook")
        page = store.log_in("shopper").follow()
        assert notice(page).endswith(
            "kept: Linen notebook. Your cart also holds, from earlier: Stoneware mug."
        )

    def test_without_a_guests_cart_nothing_is_said(self, store):
        assert store.log_in("shopper").location.endswith("/shopping-cart")

    def test_nothing_new_is_nothing_to_say(self, store):
        store.log_in("shopper")
        put(store, "stoneware-mug", 3)
        forms(store.get("/"), "/logout")[0].submit()
        put(store, "stoneware-mug", 1)
        answer = store.log_in("shopper")
        assert answer.location.endswith("/shopping-cart")
        assert held(answer.follow()) == {"Stoneware mug": 3}

    def test_the_cart_is_the_users_on_every_device(self, browser):
        one, two = browser("store"), browser("store")
        one.log_in("shopper")
        put(one, "stoneware-mug", 2)
        assert held(two.log_in("shopper").follow()) == {"Stoneware mug": 2}

    def test_a_guests_cart_goes_to_one_user_only(self, browser):
        store, thief = browser("store"), browser("store")
        put(store, "stoneware-mug")
        thief.set_cookie(guests.COOKIE, store.cookies[guests.COOKIE])
        store.log_in("shopper")
        assert thief.log_in("member").location.endswith("/shopping-cart")
        assert "Your cart is empty" in thief.get("/shopping-cart").text

    def test_a_product_added_after_the_session_ended_is_there_after_the_login(self, store, stocked):
        store.log_in("shopper")
        form = forms(store.get("/products/fountain-pen"), "/shopping-cart/items")[0]
        stocked.sql(
            "UPDATE sessions SET ended_at = clock_timestamp(), end_reason = 'admin_revoked', "
            "revocation_id = gen_random_uuid()"
        )
        assert form.submit(status=303).follow(status=302).location.startswith("/login?next=")
        assert held(store.log_in("shopper").follow()) == {"Fountain pen": 1}


class TestChanges:
    @pytest.fixture(params=["guest", "user"])
    def client(self, request, store):
        if request.param == "user":
            store.log_in("shopper")
        return store

    def test_more_less_and_typed(self, client):
        page = put(client, "fountain-pen", 2).follow()
        page = press(page, "One more of Fountain pen", status=303).follow()
        assert held(page) == {"Fountain pen": 3}
        assert page.html.select_one('[aria-label="One more of Fountain pen"]').has_attr("disabled")
        page = press(page, "One less of Fountain pen", status=303).follow()
        assert held(page) == {"Fountain pen": 2}
        page = press(page, "Update the quantity of Fountain pen", fountain_pen=1, status=303).follow()
        assert notice(page) == "Your cart holds 1 of Fountain pen."

    def test_too_many_is_all_there_are(self, client):
        page = put(client, "fountain-pen", 99999999999999999999).follow()
        assert notice(page) == "Only 3 left of Fountain pen: your cart holds 3."
        page = press(page, "Update", fountain_pen=7).follow()
        assert notice(page) == "Only 3 left of Fountain pen: your cart holds 3."

    @pytest.mark.parametrize("button", ["Remove Fountain pen", "One less of Fountain pen"])
    def test_remove_and_undo_also_on_the_empty_cart(self, client, button):
        page = put(client, "fountain-pen").follow()
        page = press(page, button, status=303).follow()
        assert "Your cart is empty" in page.text
        assert notice(page) == "Fountain pen was removed from your cart."
        page = press(page, "Undo", status=303).follow()
        assert held(page) == {"Fountain pen": 1}
        assert notice(page) == "Fountain pen is back in your cart."
        assert "Undo" not in client.get("/shopping-cart").text

    def test_undo_restores_place_and_quantity(self, client):
        put(client, "fountain-pen", 2)
        page = put(client, "stoneware-mug", 3).follow()
        page = press(page, "Remove Fountain pen").follow()
        page = press(page, "Undo").follow()
        assert list(held(page).items()) == [("Fountain pen", 2), ("Stoneware mug", 3)]

    def test_a_quantity_that_is_none_changes_nothing(self, client):
        page = put(client, "fountain-pen", 2).follow()
        for quantity in ("-1", "", "x", "1.5", "1e3", "³", "NaN", "9" * 6000, "0x10"):
            answer = press(page, "Update", fountain_pen=quantity, status=422)
            assert notice(answer).startswith("The quantity of Fountain pen did not change."), quantity
            assert answer.html.title.text.startswith("Error:"), quantity
            assert held(client.get("/shopping-cart")) == {"Fountain pen": 2}, quantity

    def test_a_quantity_that_cannot_be_added_brings_the_form_back(self, client):
        for quantity in ("-1", "0", "", "x", "1.5", "9" * 6000):
            field = put(client, "fountain-pen", quantity, status=422).html.select_one("input[name=quantity]")
            assert (field["aria-invalid"], field["value"]) == ("true", quantity)

    def test_missing_and_unknown_fields(self, client):
        token = token_of(client.get("/products/fountain-pen"))
        client.post("/shopping-cart/items", {"csrf_token": token}, status=404)
        client.post("/shopping-cart/items", {"product": "nope", "csrf_token": token}, status=404)
        client.post(
            "/shopping-cart/items", {"product": "nope", "quantity": "x", "csrf_token": token}, status=404
        )
        answer = client.post(
            "/shopping-cart/items", {"product": "fountain-pen", "csrf_token": token}, status=303
        )
        assert held(answer.follow()) == {"Fountain pen": 1}

    def test_lines_that_are_not_there(self, client):
        page = put(client, "fountain-pen").follow()
        own, token = target(page, "Remove").rsplit("/", maxsplit=1)[-1], token_of(page)
        for missing in ("0", "1", "999999999999999999", "9" * 30, "-1", "x", "1%00", "%C2%B2"):
            line = missing.replace(own, "12345")
            sent = {"quantity": "1", "csrf_token": token}
            answer = client.post(f"/shopping-cart/items/{line}", sent, expect_errors=True)
            assert answer.status_int in (400, 404), line
            answer = client.post(
                "/shopping-cart/undo", {"line": line, "csrf_token": token}, expect_errors=True
            )
            assert answer.status_int == 404, line

    def test_odd_addresses_of_the_cart(self, client):
        put(client, "fountain-pen")
        for query in (
            "removed=x",
            "removed=" + "9" * 40,
            "line=%C2%B2&notice=added",
            "notice=<script>",
            "notice=merged",
        ):
            page = client.get(f"/shopping-cart?{query}", status=200)
            assert "<script>" not in page.text.replace("<script type", "")

    def test_no_form_is_taken_without_a_token(self, client):
        page = put(client, "fountain-pen").follow()
        for action in ("/shopping-cart/items", target(page, "Remove"), "/shopping-cart/undo"):
            client.post(action, {"product": "fountain-pen", "quantity": "0", "line": "1"}, status=403)
        assert held(client.get("/shopping-cart")) == {"Fountain pen": 1}

    def test_nothing_is_changed_by_a_link(self, client):
        page = put(client, "fountain-pen").follow()
        for action in ("/shopping-cart/items", target(page, "Remove"), "/shopping-cart/undo"):
            assert client.get(action, status="4*").status_int in (404, 405)

    def test_prices_and_stock_that_changed_are_told(self, client, stocked):
        for slug in ("fountain-pen", "stoneware-mug", "wool-blanket", "globe-light"):
            put(client, slug)
        put(client, "linen-notebook", 4)
        stocked.set("stoneware-mug", price_minor=1500)
        stocked.set("fountain-pen", stock=0)
        stocked.set("linen-notebook", stock=2, price_minor=1900)
        stocked.set("globe-light", stock=0, withdrawn=True)
        text = " ".join(client.get("/shopping-cart").html.get_text(" ", strip=True).split())
        assert "The price has dropped from €16.00 to €15.00 since you added it." in text
        assert "The price has gone up from €18.00 to €19.00" in text
        assert re.search(r"Sold out. Remove it (or save it for later )?to order the rest.", text)
        assert "We no longer sell this." in text
        assert "Only 2 left; you wanted 4." in text
        assert "Fix the marked items before you check out" in text


def test_the_totals_are_beside_the_table(store):
    put(store, "stoneware-mug", 1)
    put(store, "linen-notebook", 1)
    page = store.get("/shopping-cart")
    rows = {row.dt.text: row.dd.text for row in page.html.select("dl.totals > div")}
    assert rows == {
        "Subtotal": "€34.00",
        "Shipping": "€4.90",
        "Total, incl. tax": "€38.90",
        "Includes 19 % tax": "€3.34",
        "Includes 7 % tax": "€1.18",
    }
    assert "Add €16.00 more for free shipping." in page.html.get_text()


def test_a_users_cart_costs_two_statements(store, count_sql):
    store.log_in("shopper")
    for slug in ("stoneware-mug", "linen-notebook", "fountain-pen"):
        put(store, slug)
    with count_sql(store) as statements:
        page = store.get("/shopping-cart")
    assert len(held(page)) == 3
    assert len(statements) == 2, statements
    assert person("shopper").email not in page.text
