"""Shopping as people do it, with JavaScript and without: from a guest's cart to an order, past a session that ends."""

import re

import pytest
from browser.page_checks import fill_in_login, log_in
from playwright.sync_api import expect
from support import person

ADDRESS = {"Street and number": "Harbour Lane 4", "Postal code": "26121", "Town or city": "Oldenburg"}


@pytest.fixture(params=[True, False], ids=["javascript", "plain"])
def page(request, somebody):
    return somebody(java_script_enabled=request.param)


@pytest.fixture
def goods(sites):
    """The slugs and names of two things of which there are plenty."""
    rows = sites.sql("SELECT slug, name FROM products WHERE stock > 20 ORDER BY slug LIMIT 2")
    return [(row["slug"], row["name"]) for row in rows]


def put(page, store, slug):
    page.goto(f"{store}/products/{slug}")
    page.get_by_role("button", name="Add to cart").click()
    expect(page).to_have_url(re.compile("/shopping-cart"))


def quantity(page, name):
    return page.get_by_label(f"Quantity of {name}", exact=True)


def press(page, name):
    page.get_by_role("main").get_by_role("button", name=name).click()


def expect_order(page, *contents):
    expect(page).to_have_title(re.compile("^Order H-"))
    expect(page.get_by_role("status")).to_contain_text("Thank you, your order is placed")
    for content in contents:
        expect(page.get_by_role("main")).to_contain_text(content)


def test_from_a_guests_cart_to_an_order(sites, page, goods):
    store, (first, second) = sites.urls["store"], goods
    for slug, _ in goods:
        put(page, store, slug)
    press(page, f"One more of {second[1]}")
    expect(quantity(page, second[1])).to_have_value("2")

    # Straight from the field to the button, as one does: the number goes along.
    quantity(page, first[1]).fill("3")
    press(page, "Checkout")
    expect(page).to_have_title(re.compile("^Log in"))
    fill_in_login(page, "shopper")
    expect(page).to_have_title(re.compile("^Checkout"))
    expect(page.get_by_role("row", name=first[1]).locator("[data-label=Quantity]")).to_have_text("3")
    expect(page.get_by_role("status")).to_contain_text(f"we have kept: {first[1]}, {second[1]}")

    # While the address is typed the session idles out, which nobody sees.
    for label, value in ADDRESS.items():
        page.get_by_label(label).fill(value)
    sites.idle_out()
    press(page, "Place order")
    expect_order(page, first[1], second[1], "Harbour Lane 4", "26121 Oldenburg")
    [made] = sites.sql("SELECT count(*) AS n FROM orders WHERE user_id = :me", me=person("shopper").id)
    assert made["n"] == 1


def test_an_address_survives_a_session_that_ends_for_good(sites, page, goods):
    store, (first, _) = sites.urls["store"], goods
    log_in(page, store, "shopper")
    put(page, store, first[0])
    press(page, "Checkout")
    for label, value in ADDRESS.items():
        page.get_by_label(label).fill(value)
    sites.sql("UPDATE sessions SET ended_at = now(), end_reason = 'revoked'")
    press(page, "Place order")
    expect(page).to_have_title(re.compile("^Log in"))
    fill_in_login(page, "shopper")
    press(page, "Send")
    expect_order(page, first[1], "Harbour Lane 4")


def test_saving_for_later_and_changing_ones_mind(sites, page, goods):
    store, (first, second) = sites.urls["store"], goods
    log_in(page, store, "shopper")
    for slug, _ in goods:
        put(page, store, slug)
    quantity(page, first[1]).fill("4")
    press(page, f"Save for later: {second[1]}")
    expect(page.get_by_role("status")).to_have_text(f"{second[1]} is saved for later.")
    expect(quantity(page, first[1])).to_have_value("4")
    press(page, f"Move to cart: {second[1]}")
    expect(quantity(page, second[1])).to_have_value("1")
    press(page, f"Remove {first[1]}")
    expect(quantity(page, first[1])).to_have_count(0)
    press(page, "Undo")
    expect(quantity(page, first[1])).to_have_value("4")
    names = page.get_by_role("rowheader").get_by_role("link")
    expect(names).to_have_text([first[1], second[1]])


def test_a_number_is_sent_by_itself_and_goes_along_with_any_button(sites, somebody, goods):
    """The script sends a changed quantity by itself; without it the button does."""
    page, store, (first, second) = somebody(), sites.urls["store"], goods
    for slug, _ in goods:
        put(page, store, slug)
    quantity(page, first[1]).fill("5")
    quantity(page, first[1]).blur()
    expect(page.get_by_role("status")).to_have_text(f"Your cart holds 5 of {first[1]}.")
    quantity(page, first[1]).fill("6")
    press(page, f"Remove {second[1]}")
    expect(quantity(page, second[1])).to_have_count(0)
    expect(quantity(page, first[1])).to_have_value("6")
    quantity(page, first[1]).fill("100")
    assert quantity(page, first[1]).evaluate("field => field.scrollWidth <= field.clientWidth")
    quantity(page, first[1]).fill("7")
    press(page, "Undo")
    expect(quantity(page, second[1])).to_have_value("1")
    expect(quantity(page, first[1])).to_have_value("7")


def test_the_cart_changes_in_place(sites, somebody):
    """No jump to the top, no lost focus, no new page; and what was typed meanwhile goes along."""
    page, store = somebody(viewport={"width": 320, "height": 640}), sites.urls["store"]
    goods = sites.sql("SELECT slug, name FROM products WHERE stock > 20 ORDER BY slug LIMIT 5")
    for row in goods:
        put(page, store, row["slug"])
    status, total = page.get_by_role("status"), page.locator(".totals .grand dd")
    page.evaluate("globalThis.samePage = true")
    last, before = goods[-1]["name"], goods[-2]["name"]
    more = page.get_by_label(f"One more of {last}")
    more.scroll_into_view_if_needed()
    place, sum_before = more.bounding_box()["y"], total.text_content()
    more.click()
    more.click()
    expect(quantity(page, last)).to_have_value("3")
    expect(status).to_have_text(f"Your cart holds 3 of {last}.")
    expect(more).to_be_focused()
    assert abs(more.bounding_box()["y"] - place) <= 1
    assert total.text_content() != sum_before
    expect(page.locator(".site-nav .count")).to_have_text("7")

    page.get_by_label(f"Remove {before}").click()
    notice = page.locator("#notice")
    expect(notice).to_contain_text(f"{before} was removed from your cart.")
    expect(notice).to_be_focused()
    expect(notice).to_be_in_viewport(ratio=1)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(quantity(page, before)).to_have_value("1")
    assert page.evaluate("globalThis.samePage")

    page.context.set_offline(True)
    more.click()
    expect(status).to_have_text("That did not reach us. Check your connection, and try again.")
    expect(status).to_be_visible()
    page.context.set_offline(False)
    more.click()
    expect(status).to_have_text(f"Your cart holds 5 of {last}.")


def test_a_number_that_is_typed_while_another_is_sent_is_kept(sites, somebody, goods):
    page, store, (first, second) = somebody(), sites.urls["store"], goods
    for slug, _ in goods:
        put(page, store, slug)
    held = []

    def hold(route):
        held.append(route)

    page.route("**/shopping-cart", hold, times=1)
    quantity(page, first[1]).fill("4")
    with page.expect_request("**/shopping-cart"):
        quantity(page, first[1]).blur()
    quantity(page, second[1]).fill("6")
    held[0].continue_()
    expect(page.get_by_role("status")).to_have_text(f"Your cart holds 4 of {first[1]}.")
    expect(page.get_by_role("status")).to_have_text(f"Your cart holds 6 of {second[1]}.")
    page.reload()
    expect(quantity(page, first[1])).to_have_value("4")
    expect(quantity(page, second[1])).to_have_value("6")


def test_without_javascript_the_page_comes_back_at_the_changed_line(sites, somebody):
    page = somebody(java_script_enabled=False, viewport={"width": 320, "height": 640})
    goods = sites.sql("SELECT slug, name FROM products WHERE stock > 20 ORDER BY slug LIMIT 5")
    for row in goods:
        put(page, sites.urls["store"], row["slug"])
    last = goods[-1]["name"]
    press(page, f"One more of {last}")
    expect(quantity(page, last)).to_have_value("2")
    expect(quantity(page, last)).to_be_in_viewport(ratio=1)
    expect(page.get_by_role("status")).to_have_text(f"Your cart holds 2 of {last}.")
    expect(page.get_by_role("status")).to_be_in_viewport(ratio=1)


def test_a_session_that_ends_leads_to_the_login(sites, somebody, goods):
    page, store, ((_, name), _) = somebody(), sites.urls["store"], goods
    log_in(page, store, "shopper")
    put(page, store, goods[0][0])
    sites.sql("UPDATE sessions SET ended_at = now(), end_reason = 'revoked'")
    press(page, f"One more of {name}")
    expect(page).to_have_title(re.compile("^Log in"))


def test_an_order_on_paper(sites, somebody, goods):
    page, store = somebody(viewport={"width": 718, "height": 1000}), sites.urls["store"]
    log_in(page, store, "shopper")
    put(page, store, goods[0][0])
    press(page, "Checkout")
    for label, value in ADDRESS.items():
        page.get_by_label(label).fill(value)
    press(page, "Place order")
    expect_order(page)
    page.emulate_media(media="print")
    for shown in (
        page.get_by_role("heading", level=1),
        page.get_by_role("table"),
        page.get_by_text("Harbour Lane 4"),
    ):
        expect(shown).to_be_visible()
    for hidden in (
        page.get_by_role("navigation"),
        page.get_by_role("button"),
        page.get_by_role("contentinfo"),
    ):
        expect(hidden).to_have_count(0)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_two_products_opened_from_a_newsletter_can_both_be_bought(sites, page, goods):
    """The links come from another site. The second must not cost the first page's form. The session ends in the middle."""
    store = sites.urls["store"]
    links = "".join(
        f'<p><a target="_blank" href="{store}/products/{slug}">{slug}</a></p>' for slug, _ in goods
    )
    page.route("http://news.example/*", lambda route: route.fulfill(body=links, content_type="text/html"))
    page.goto("http://news.example/spring")
    tabs = []
    for slug, name in goods:
        with page.context.expect_page() as opened:
            page.get_by_role("link", name=slug).click()
        expect(opened.value.get_by_role("heading", name=name)).to_be_visible()
        tabs.append(opened.value)
    for tab, (_, name) in zip(tabs, goods, strict=True):
        tab.get_by_role("button", name="Add to cart").click()
        expect(quantity(tab, name)).to_have_value("1")
    expect(quantity(tabs[1], goods[0][1])).to_have_value("1")

    # The first tab orders what both have put into the cart. Meanwhile the session is ended for good.
    first = tabs[0]
    press(first, "Checkout")
    fill_in_login(first, "shopper")
    for label, value in ADDRESS.items():
        first.get_by_label(label).fill(value)
    sites.sql("UPDATE sessions SET ended_at = now(), end_reason = 'revoked'")
    press(first, "Place order")
    expect(first.get_by_role("status")).to_contain_text("Your text is safe: “Harbour Lane 4”")
    fill_in_login(first, "shopper")
    press(first, "Send")
    expect_order(first, goods[0][1], goods[1][1], "Harbour Lane 4")

    # The second tab, whose form is a guest's, is told so, and makes no second order.
    press(tabs[1], "Checkout")
    expect(tabs[1].get_by_role("main")).to_contain_text("You have logged in since")
    tabs[1].goto(f"{store}/shopping-cart")
    expect(tabs[1].get_by_role("main")).to_contain_text("Your cart is empty")
    assert len(sites.sql("SELECT 1 FROM orders WHERE user_id = :me", me=person("shopper").id)) == 1


def test_old_tabs_log_in_and_out(sites, somebody):
    """A second login tab takes the right password, and an old tab's "Log out" leaves nobody signed in."""
    first, store = somebody(), sites.urls["store"]
    second = first.context.new_page()
    for tab in (first, second):
        tab.goto(f"{store}/login?next=/orders")
    for tab in (first, second):
        fill_in_login(tab, "shopper")
        expect(tab).to_have_title(re.compile("^Your orders"))
    first.get_by_role("button", name="Log out").click()
    expect(first.get_by_role("status")).to_have_text("You are logged out.")
    first.reload()
    expect(first.get_by_role("link", name="Log in", exact=True)).to_be_visible()
    expect(first.get_by_role("status")).to_have_count(0)
    assert len(sites.sql("SELECT 1 FROM sessions WHERE ended_at IS NULL")) == 0
    log_in(first, store, "member")
    second.get_by_role("button", name="Log out").click()
    expect(second.get_by_role("status")).to_have_text("You are logged out.")
    assert len(sites.sql("SELECT 1 FROM sessions WHERE ended_at IS NULL")) == 0
