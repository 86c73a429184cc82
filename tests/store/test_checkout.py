from urllib.parse import parse_qs, urlsplit

import clocks
import pytest
from product_fixtures import forms, notice, press, put
from session_fixtures import together

pytestmark = pytest.mark.usefixtures("stocked")

ADDRESS = {
    "name": "Sam Shore",
    "street": "Harbour Lane 4",
    "postal_code": "26121",
    "city": "Oldenburg",
    "country": "DE",
}


@pytest.fixture
def shopper(store):
    store.log_in("shopper")
    put(store, "stoneware-mug", 2)
    put(store, "linen-notebook", 1)
    return store


def filled(page, **fields):
    form = forms(page, "/checkout")[0]
    for name, value in {**ADDRESS, **fields}.items():
        form[name] = value
    return form


def order(client):
    return filled(client.get("/checkout")).submit(status=303)


def test_from_the_cart_to_an_order(shopper, stocked):
    page = press(shopper.get("/shopping-cart"), "Checkout", status=303).follow()
    answer = filled(page).submit(status=303)
    page = answer.follow()
    assert "your order is placed" in notice(page)
    text = page.html.get_text(" ", strip=True)
    for part in ("Stoneware mug", "Linen notebook", "€50.00", "Harbour Lane 4", "26121 Oldenburg", "Germany"):
        assert part in text
    assert stocked.stock("stoneware-mug") == 8
    assert "Your cart is empty" in shopper.get("/shopping-cart").text
    row = shopper.get("/orders").html.select_one("tbody tr")
    assert row.select_one("[data-label=Items]").text == "3"
    assert shopper.get(row.a["href"], status=200)


def test_the_address_is_not_asked_twice(shopper):
    order(shopper)
    put(shopper, "fountain-pen")
    form = forms(shopper.get("/checkout"), "/checkout")[0]
    assert {name: form[name].value for name in ADDRESS} == ADDRESS


def test_sent_again_it_is_the_same_order(shopper, stocked):
    form = filled(shopper.get("/checkout"))
    first, again = form.submit(status=303), form.submit(status=303)
    assert first.location == again.location
    assert stocked.count("orders") == 1


def test_a_double_click_is_one_order(shopper, stocked):
    form = filled(shopper.get("/checkout"))
    answers = together(form.submit, form.submit, form.submit)
    assert len({answer.location for answer in answers}) == 1
    assert stocked.stock("stoneware-mug") == 8


@pytest.mark.parametrize("change", [{"price_minor": 1650}, {"stock": 1}, {"stock": 0}])
def test_changes_are_shown_before_the_order(shopper, stocked, change):
    page = shopper.get("/checkout")
    stocked.set("stoneware-mug", **change)
    page = filled(page, city="Emden").submit(status=409)
    said = (
        "Your cart or a price has changed"
        if "price_minor" in change
        else "Some items in your cart cannot be ordered"
    )
    assert said in notice(page)
    assert forms(page, "/checkout")[0]["city"].value == "Emden"
    assert stocked.count("orders") == 0
    if "price_minor" in change:
        assert "€16.50" in page.text
        assert forms(page, "/checkout")[0].submit(status=303)
    else:
        assert not page.html.select("button[form=checkout]")
        assert shopper.get("/checkout", status=302).location.endswith("/shopping-cart?notice=unready")


def test_an_empty_cart_has_no_checkout(store):
    store.log_in("shopper")
    assert store.get("/checkout", status=302).location.endswith("/shopping-cart")
    token = store.get("/shopping-cart").html.select_one("input[name=csrf_token]")["value"]
    answer = store.post("/checkout", {**ADDRESS, "cart": "1", "seen": "x", "csrf_token": token}, status=303)
    assert answer.location.endswith("/shopping-cart")


def test_a_guest_logs_in_and_is_back_at_the_checkout(store):
    put(store, "stoneware-mug")
    answer = press(store.get("/shopping-cart"), "Checkout", status=303).follow(status=302)
    assert answer.location.endswith("/login?next=%2Fcheckout")
    answer = store.log_in("shopper", next="/checkout")
    assert answer.location.endswith("/checkout?notice=merged")
    assert "we have kept: Stoneware mug" in notice(answer.follow(status=200))


def test_lines_that_a_login_brought_and_that_cannot_be_ordered_are_named(store, stocked):
    page = put(store, "stoneware-mug").follow()
    stocked.set("stoneware-mug", stock=0)
    store.get("/checkout", status=302)
    page = store.log_in("shopper", next="/checkout").follow(status=302).follow(status=200)
    assert "we have kept: Stoneware mug" in notice(page)
    assert "Sold out. Remove it" in page.text


def kept(page):
    return {label.text: label.find_next("input")["value"] for label in page.html.select("main label")}


def test_an_address_survives_whatever_cannot_take_it(shopper, idp, stocked):
    typed = {
        "Name": "Sam Shore",
        "Street and number": "Harbour Lane 4",
        "Postal code": "26121",
        "Town or city": "Oldenburg",
    }
    form = filled(shopper.get("/checkout"))
    clocks.idle_out(shopper.app.services.db)
    idp.hook("fail", path="/api/jwt/refresh", times=1, status=503)
    here = {"Referer": "https://store.test/checkout"}
    pages = [form.submit(status=503, headers=here)]
    form["csrf_token"] = "stale"
    pages.append(form.submit(status=403, headers=here))
    for page in pages:
        assert kept(page) == typed
        assert page.html.find("a", string="Back to the form")["href"] == "/checkout"
        assert "Log in" not in page.text
    for referer in ("https://forums.test/checkout", "https://store.test//forums.test/", "https://store.test"):
        page = form.submit(status=403, headers={"Origin": "https://forums.test", "Referer": referer})
        assert (kept(page), page.html.find("a", string="Back to the form")) == ({}, None)


def test_a_page_that_cannot_be_had_just_now_can_be_tried_again(shopper, idp, stocked):
    clocks.idle_out(shopper.app.services.db)
    idp.hook("fail", path="/api/jwt/refresh", times=1, status=503)
    page = shopper.get("/orders?cursor=x", status=503)
    assert page.html.find("a", string="Try again")["href"] == "/orders?cursor=x"
    assert page.click("Try again").status_int == 200


def test_an_order_that_waited_for_a_login_can_be_looked_at(shopper, stocked):
    form = filled(shopper.get("/checkout"))
    stocked.sql("UPDATE sessions SET ended_at = now(), end_reason = 'revoked'")
    way = parse_qs(urlsplit(form.submit(status=302).location).query)["next"][0]
    page = shopper.log_in("shopper", next=way).follow(status=200)
    again = forms(page, r"/resume/.*")[0]
    seen = page.html.select("input[id^=kept-]")
    assert [field["value"] for field in seen] == ["Sam Shore", "Harbour Lane 4", "26121", "Oldenburg"]
    again["city"] = "Emden"
    answer = shopper.post(again.submit(status=307).location, again.submit_fields(), status=303)
    assert "26121 Emden" in answer.follow().text


NO_ADDRESS = [
    ("name", ""),
    ("name", "   "),
    ("name", "x" * 101),
    ("street", ""),
    ("postal_code", "26<121"),
    ("postal_code", "xx"),
    ("postal_code", "1010"),
    ("postal_code", "\u0662\u0666\u0661\u0662\u0661"),
    ("postal_code", "1" * 13),
    ("city", "\u3000"),
]


def test_an_address_that_does_not_pass_comes_back_filled(shopper, stocked):
    asked = shopper.get("/checkout")
    for field, value in NO_ADDRESS:
        page = filled(asked, **{field: value}).submit(status=422)
        assert page.html.select_one(f"#{field}").get("aria-invalid") == "true", (field, value)
        assert page.html.title.text.startswith("Error:"), (field, value)
        other = "street" if field != "street" else "city"
        assert forms(page, "/checkout")[0][other].value == ADDRESS[other], (field, value)
    assert stocked.count("orders") == 0


def test_a_country_that_is_not_offered(shopper):
    form = filled(shopper.get("/checkout"))
    for country in ("XX", "", "DE\n", "d" * 5000):
        form["country"].force_value(country)
        assert form.submit(expect_errors=True).status_int == 422, country


def test_a_forged_cart_is_no_order(shopper, stocked):
    page = shopper.get("/checkout")
    for cart in ("", "x", "-1", "0", "9" * 18, "9" * 40, "²"):
        for seen in ("", "0" * 64):
            answer = filled(page, cart=cart, seen=seen).submit(expect_errors=True)
            assert answer.status_int == 409, (cart, seen)
    assert stocked.count("orders") == 0


def test_nobody_elses_orders(shopper, browser):
    path = order(shopper).location.partition("?")[0]
    other = browser("store")
    other.log_in("member")
    other.get(path, status=404)
    assert "No orders yet" in other.get("/orders").text
    unknown = other.get("/orders/H-22222-22222", status=404)
    assert unknown.status_int == 404
    browser("store").get(path, status=302)


def test_nobody_elses_cart(shopper, browser, stocked):
    cart = forms(shopper.get("/checkout"), "/checkout")[0]["cart"].value
    other = browser("store")
    other.log_in("member")
    put(other, "fountain-pen")
    filled(other.get("/checkout"), cart=cart).submit(status=409)
    assert stocked.count("orders") == 0


@pytest.mark.parametrize("path", ["/checkout", "/orders", "/orders/H-22222-22222"])
def test_visitors_are_asked_to_log_in(store, path):
    answer = store.get(path, status=302)
    assert "/login?next=" in answer.location


def test_orders_are_paged(shopper, stocked):
    order(shopper)
    stocked.sql(
        "INSERT INTO carts (user_id, closed_at, closed_as) "
        "SELECT user_id, now(), 'ordered' FROM carts, generate_series(1, 30)"
    )
    stocked.sql(
        "INSERT INTO orders (number, user_id, cart_id, name, street, postal_code, city, country, subtotal_minor, "
        "shipping_minor, total_minor, tax_minor) SELECT 'H-' || c.id, o.user_id, c.id, 'a', 'b', 'c', 'd', 'DE', "
        "1, 0, 1, '[]' FROM orders o, carts c WHERE c.id <> o.cart_id"
    )
    page = shopper.get("/orders")
    first = [link.text for link in page.html.select("tbody th a")]
    rest = [link.text for link in page.click("Older orders").html.select("tbody th a")]
    assert (len(first), len(rest)) == (20, 11)
    assert not set(first) & set(rest)


def test_pages_cost_few_statements(shopper, count_sql):
    path = order(shopper).location.partition("?")[0]
    put(shopper, "fountain-pen")
    for page, most in (("/checkout", 3), ("/orders", 2), (path, 2)):
        with count_sql(shopper) as statements:
            shopper.get(page, status=200)
        assert len(statements) == most, page
