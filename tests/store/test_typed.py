"""Each button sends the quantities that are typed into the cart, and none is lost."""

import pytest
from product_fixtures import forms, notice, press, put

pytestmark = pytest.mark.usefixtures("stocked")


def texts(page):
    """Return the quantities in the fields, by product."""
    rows = page.html.select("table.table tbody tr:has(input[type=number])")
    return {row.select_one("th a").text: row.select_one("input[type=number]")["value"] for row in rows}


@pytest.fixture
def page(store):
    put(store, "stoneware-mug", 2)
    put(store, "fountain-pen", 2)
    return put(store, "linen-notebook", 1).follow()


@pytest.fixture
def shopper(store):
    store.log_in("shopper")
    return store


def test_the_checkout_and_the_quantities_are_one_form(page):
    form = page.forms["cart"]
    button = page.html.find("button", string="Checkout")
    assert button["form"] == "cart"
    assert len([name for name in form.fields if (name or "").startswith("quantity-")]) == 3
    # Enter presses the first button of a form: it must be the one that only updates.
    first = page.html.select_one("#cart button, button[form=cart]")
    assert not {"name", "formaction"} & first.attrs.keys()


def test_the_checkout_takes_what_was_typed_along(shopper, page):
    answer = press(page, "Checkout", stoneware_mug=5, fountain_pen=1, status=303)
    assert answer.location.endswith("/checkout")
    quantities = [cell.text for cell in answer.follow().html.select("[data-label=Quantity]")]
    assert quantities == ["5", "1", "1"]


def test_a_guest_keeps_it_through_the_login(store, page):
    login = press(page, "Checkout", stoneware_mug=5, status=303).follow(status=302)
    assert login.location.endswith("/login?next=%2Fcheckout")
    answer = store.log_in("shopper", next="/checkout").follow(status=200)
    assert [cell.text for cell in answer.html.select("[data-label=Quantity]")] == ["5", "2", "1"]


def test_unexpected_changes_are_named_at_the_checkout(shopper, page):
    answer = press(page, "Checkout", fountain_pen=9, linen_notebook=0, status=303).follow(status=200)
    said = "Only 3 left of Fountain pen: your cart holds 3. Linen notebook was removed from your cart."
    assert notice(answer) == said
    cart = press(answer, "Undo", status=303).follow()
    assert texts(cart) == {"Stoneware mug": "2", "Fountain pen": "3", "Linen notebook": "1"}


def test_nothing_left_has_no_checkout_but_an_undo(shopper, page):
    answer = press(page, "Checkout", stoneware_mug=0, fountain_pen=0, linen_notebook=0, status=303)
    empty = answer.follow(status=302).follow(status=200)
    assert "Your cart is empty" in empty.text
    assert notice(empty) == "Stoneware mug, Fountain pen and Linen notebook were removed from your cart."
    cart = press(empty, "Undo").follow()
    assert texts(cart) == {"Stoneware mug": "2", "Fountain pen": "2", "Linen notebook": "1"}


@pytest.mark.parametrize(
    ("button", "expected"),
    [
        ("Update the quantity of Stoneware mug", {"Stoneware mug": "5", "Fountain pen": "2"}),
        ("One more of Stoneware mug", {"Stoneware mug": "6", "Fountain pen": "2"}),
        ("One less of Stoneware mug", {"Stoneware mug": "4", "Fountain pen": "2"}),
        ("One more of Fountain pen", {"Stoneware mug": "5", "Fountain pen": "3"}),
        ("Save for later: Fountain pen", {"Stoneware mug": "5"}),
    ],
)
def test_every_button_of_the_form_takes_it_along(shopper, page, button, expected):
    page = press(shopper.get("/shopping-cart"), button, stoneware_mug=5, status=303).follow()
    assert texts(page) == {**expected, "Linen notebook": "1"}


def test_typed_quantities_survive_removed_and_moved_lines(shopper, page):
    page = press(shopper.get("/shopping-cart"), "Remove Linen notebook", stoneware_mug=5, status=303).follow()
    assert texts(page) == {"Stoneware mug": "5", "Fountain pen": "2"}
    page = press(page, "Undo", stoneware_mug=6, status=303).follow()
    assert texts(page) == {"Stoneware mug": "6", "Fountain pen": "2", "Linen notebook": "1"}
    page = press(page, "Save for later: Fountain pen").follow()
    page = press(page, "Move to cart: Fountain pen", stoneware_mug=7, status=303).follow()
    assert texts(page) == {"Stoneware mug": "7", "Fountain pen": "2", "Linen notebook": "1"}


def test_the_quantity_of_a_removed_line_does_not_matter(page):
    page = press(page, "Remove Linen notebook", linen_notebook="many", status=303).follow()
    assert texts(page) == {"Stoneware mug": "2", "Fountain pen": "2"}


def test_an_undo_beside_something_wrong_waits_for_it(page):
    page = press(page, "Remove Linen notebook").follow()
    page = press(page, "Undo", stoneware_mug="eight", status=422)
    assert texts(page) == {"Stoneware mug": "eight", "Fountain pen": "2"}


def test_enter_only_updates_beside_an_undo(page):
    page = press(page, "Remove Linen notebook").follow()
    first = page.html.select_one("#cart button, button[form=cart]")
    assert not {"name", "formaction"} & first.attrs.keys()


def test_an_invalid_quantity_stays_in_its_field_and_nothing_changes(store, page):
    answer = press(page, "Checkout", stoneware_mug="many", fountain_pen=1, status=422)
    assert texts(answer) == {"Stoneware mug": "many", "Fountain pen": "1", "Linen notebook": "1"}
    field = answer.html.select_one('[aria-label="Quantity of Stoneware mug"]')
    assert field["aria-invalid"] == "true"
    assert "Enter a whole number." in answer.html.select_one(f"#{field['aria-describedby']}").text
    assert notice(answer) == "The quantity of Stoneware mug did not change. Enter a whole number."
    assert texts(store.get("/shopping-cart"))["Fountain pen"] == "2"
    again = press(answer, "Update", stoneware_mug=3, status=303).follow()
    assert texts(again) == {"Stoneware mug": "3", "Fountain pen": "1", "Linen notebook": "1"}


@pytest.mark.parametrize("quantity", ["", "many", "1.5"])
def test_a_text_that_is_no_number_is_not_called_too_small_as_well(store, quantity):
    page = put(store, "fountain-pen", quantity, status=422)
    [error] = page.html.select(".error-summary li")
    assert error.text == "Enter a whole number."


def test_an_unchanged_quantity_does_not_undo_another_window(store, page):
    press(store.get("/shopping-cart"), "Update", stoneware_mug=9)
    after = press(page, "Update", fountain_pen=1).follow()
    assert texts(after) == {"Stoneware mug": "9", "Fountain pen": "1", "Linen notebook": "1"}


def test_a_line_that_is_gone_is_said_and_the_others_stay(store, page, stocked):
    stocked.sql(
        "DELETE FROM cart_lines WHERE product_id = (SELECT id FROM products WHERE slug = 'fountain-pen')"
    )
    answer = press(page, "Update", stoneware_mug=7, fountain_pen=1, status=409)
    assert notice(answer) == "Your cart was changed in another window. Below is the current cart."
    assert texts(answer) == {"Stoneware mug": "2", "Linen notebook": "1"}


def test_nobody_elses_line(page, browser):
    other = browser("store")
    put(other, "wool-blanket")
    token = other.get("/shopping-cart").html.select_one("input[name=csrf_token]")["value"]
    names = [field["name"] for field in page.html.select("input[type=number]")]
    other.post("/shopping-cart", {"csrf_token": token, names[0]: "9"}, status=409)
    other.post("/shopping-cart", {"csrf_token": token, names[0]: "x"}, status=404)


@pytest.mark.parametrize(
    "fields",
    [
        {"quantity-": "1"},
        {"quantity-²": "1"},
        {"quantity-" + "9" * 40: "1"},
        {"more": "x"},
        {"less": "9" * 40},
        {"held-1": "x"},
        {"checkout": ""},
    ],
)
def test_odd_fields_change_nothing(store, page, fields):
    token = page.html.select_one("input[name=csrf_token]")["value"]
    store.post("/shopping-cart", {"csrf_token": token, **fields}, status=303)
    assert texts(store.get("/shopping-cart"))["Stoneware mug"] == "2"


def test_a_visitor_without_a_cart_is_asked_to_log_in(store):
    token = store.get("/products/fountain-pen").html.select_one("input[name=csrf_token]")["value"]
    answer = store.post("/shopping-cart", {"csrf_token": token}, status=302)
    assert "/login?next=" in answer.location


@pytest.mark.parametrize(
    "button", ["Update", "Remove Linen notebook", "Undo", "Save for later: Fountain pen"]
)
def test_after_a_logout_in_another_tab_every_button_leads_to_the_login(shopper, page, button):
    page = press(shopper.get("/shopping-cart"), "Remove Stoneware mug").follow()
    forms(shopper.get("/"), "/logout")[0].submit()
    assert press(page, button, status=302).location.startswith("/login?next=")


def test_typed_quantities_survive_a_session_that_ended(shopper, page, sql):
    page = shopper.get("/shopping-cart")
    sql("UPDATE sessions SET ended_at = now(), end_reason = 'revoked'")
    login = press(page, "Checkout", stoneware_mug=6, status=302)
    assert login.location.startswith("/login?next=%2Fresume%2F")
    resume = shopper.log_in(
        "shopper", next=login.location.partition("next=")[2].replace("%2F", "/").partition("&")[0]
    )
    form = forms(resume.follow(status=200), r"/resume/.*")[0]
    # A browser keeps the method and the body on a 307.
    answer = shopper.post(form.submit(status=307).location, form.submit_fields(), status=303)
    assert answer.location.endswith("/checkout")
    assert texts(shopper.get("/shopping-cart"))["Stoneware mug"] == "6"
