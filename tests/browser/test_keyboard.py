"""Buying and revoking by keyboard alone: every stop can be seen, and nothing lies over it."""

import re

from browser.page_checks import log_in
from playwright.sync_api import expect
from support import person

_STOP = """() => {
  const it = document.activeElement, style = getComputedStyle(it), box = it.getBoundingClientRect();
  const over = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
  const name = it.getAttribute("aria-label") || it.labels?.[0]?.textContent || it.textContent;
  return {
    name: name.trim().replace(/\\s+/g, " "),
    // A time has stops of its own inside, which the browser outlines.
    outlined: it.type === "datetime-local" || (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2),
    free: over !== null && (it.contains(over) || over.contains(it)),
  };
}"""


def tab_to(page, name):
    """Press Tab until the focus is on what is called so."""
    passed = []
    while len(passed) < 60:
        page.keyboard.press("Tab")
        stop = page.evaluate(_STOP)
        passed.append(stop["name"])
        assert stop["outlined"], stop["name"]
        assert stop["free"], stop["name"]
        if re.match(name, stop["name"]):
            return
    raise AssertionError(f"no stop is called {name}: {passed}")


def press_enter(page):
    with page.expect_navigation():
        page.keyboard.press("Enter")


def skip_to_content(page):
    page.keyboard.press("Tab")
    link = page.get_by_role("link", name="Skip to content")
    expect(link).to_be_focused()
    expect(link).to_be_in_viewport(ratio=1)
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()


def test_buying(sites, somebody):
    page = somebody()
    page.goto(f"{sites.urls['store']}/products")
    skip_to_content(page)
    name = sites.sql("SELECT name FROM products WHERE stock > 2 ORDER BY name LIMIT 1")[0]["name"]
    tab_to(page, name)
    press_enter(page)
    tab_to(page, "Quantity")
    page.keyboard.press("Control+A")
    page.keyboard.type("2")
    tab_to(page, f"Add to cart: {name}")
    press_enter(page)
    expect(page.get_by_role("status")).to_be_focused()
    expect(page.get_by_label(f"Quantity of {name}", exact=True)).to_have_value("2")
    tab_to(page, "Checkout")
    press_enter(page)

    tab_to(page, "E-mail address")
    page.keyboard.type(person("shopper").email)
    tab_to(page, "Password")
    page.keyboard.type(person("shopper").password)
    press_enter(page)

    expect(page).to_have_title(re.compile("^Checkout"))
    address = {"Street": "Harbour Lane 4", "Postal code": "26121", "Town or city": "Oldenburg"}
    for label, value in address.items():
        tab_to(page, label)
        page.keyboard.type(value)
    tab_to(page, "Place order")
    press_enter(page)
    expect(page.get_by_role("status")).to_contain_text("Thank you, your order is placed")
    expect(page.get_by_role("main")).to_contain_text(name)


def test_revoking(sites, somebody):
    shopper, page = somebody(), somebody()
    log_in(shopper, sites.urls["store"], "shopper")
    log_in(page, sites.urls["admin"], "responder")
    page.goto(f"{sites.urls['admin']}/sessions")
    skip_to_content(page)
    tab_to(page, "Select the session of Sam Shore")
    page.keyboard.press("Space")
    expect(page.locator("[data-selected]")).to_have_text("1 of 1 selected")
    tab_to(page, "End the selected sessions")
    press_enter(page)
    tab_to(page, "Reason")
    page.keyboard.type("Sus")
    tab_to(page, "End 1 session")
    page.keyboard.press("Space")
    page.wait_for_url("**/revocations/*")
    expect(page.get_by_role("main")).to_contain_text("Sam Shore")
    shopper.goto(f"{sites.urls['store']}/shopping-cart")
    assert "why=suspected_theft" in shopper.url


def test_an_error_has_the_focus_and_leads_to_its_field(sites, somebody):
    page = somebody()
    page.goto(f"{sites.urls['store']}/login")
    tab_to(page, "Password")
    press_enter(page)
    expect(page.get_by_role("alert")).to_be_focused()
    tab_to(page, "Enter your password")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Password")).to_be_focused()
