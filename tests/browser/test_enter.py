"""Enter in a field or on a ticked box, in a real browser: it does what the form is for, and nothing to one row."""

import re

from browser.page_checks import log_in
from playwright.sync_api import expect


def press_enter(page):
    with page.expect_navigation():
        page.keyboard.press("Enter")


def test_enter_on_a_ticked_box_asks_about_what_is_ticked(sites, somebody):
    for who in ("shopper", "member"):
        log_in(somebody(), sites.urls["store"], who)
    page = somebody()
    log_in(page, sites.urls["admin"], "responder")
    page.goto(f"{sites.urls['admin']}/sessions?site=store")
    rows = page.get_by_role("checkbox", name=re.compile("^Select the session of"))
    expect(rows).to_have_count(2)
    ticked = rows.nth(1)
    session_id = ticked.get_attribute("value")
    ticked.focus()
    page.keyboard.press("Space")
    page.wait_for_url("**picked=*")
    press_enter(page)
    assert page.url.endswith(f"/sessions/revoke?session={session_id}")
    expect(page.get_by_role("heading", level=1)).to_have_text("End 1 session?")
    page.go_back()
    expect(rows.nth(1)).to_be_checked()
    rows.nth(0).check()
    page.wait_for_url(lambda url: "." in url.partition("picked=")[2])
    rows.nth(0).focus()
    press_enter(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("End 2 sessions of 2 people?")
    assert sites.sql("SELECT 1 FROM revocations") == []


def test_enter_in_a_quantity_changes_the_quantity(sites, somebody):
    page = somebody()
    products = sites.sql("SELECT name, slug FROM products WHERE stock > 5 ORDER BY name LIMIT 2")
    for product in products:
        page.goto(f"{sites.urls['store']}/products/{product['slug']}")
        page.get_by_role("button", name=re.compile("^Add to cart")).click()
    for product in products:
        field = page.get_by_label(f"Quantity of {product['name']}", exact=True)
        field.fill("3")
        field.focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("status")).to_have_text(f"Your cart holds 3 of {product['name']}.")
    page.reload()
    for product in products:
        expect(page.get_by_label(f"Quantity of {product['name']}", exact=True)).to_have_value("3")
    assert "/shopping-cart" in page.url


def test_enter_in_a_rules_field_asks_first(sites, somebody):
    page = somebody()
    log_in(page, sites.urls["admin"], "responder")
    page.goto(f"{sites.urls['admin']}/rules")
    page.get_by_label("Reason").select_option("incident")
    page.get_by_label("Network").fill("203.0.113.0/24")
    press_enter(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("Refuse from now on?")
    assert sites.sql("SELECT 1 FROM standing_rules") == []
