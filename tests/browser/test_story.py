"""The whole workflow as people meet it, in two browsers."""

import re

import pytest
from browser.page_checks import fill_in_login, log_in
from login.mails import link_of, mails
from playwright.sync_api import expect


@pytest.mark.parametrize("javascript", [True, False])
def test_a_shopper_is_refreshed_unnoticed_signed_out_by_an_admin_and_finds_the_cart_again(
    sites, somebody, javascript
):
    shopper = somebody(java_script_enabled=javascript)
    store = sites.urls["store"]
    log_in(shopper, store, "shopper")
    expect(shopper).to_have_url(f"{store}/shopping-cart")
    slug = sites.sql("SELECT slug FROM products WHERE stock > 2 ORDER BY slug LIMIT 1")[0]["slug"]
    shopper.goto(f"{store}/products/{slug}")
    name = shopper.get_by_role("heading", level=1).inner_text()
    shopper.get_by_role("button", name="Add to cart").first.click()
    expect(shopper.get_by_role("main")).to_contain_text(name)

    # The session idles out; the next page is the cart all the same, under a new session id.
    before = {c["name"]: c["value"] for c in shopper.context.cookies()}
    sites.idle_out()
    shopper.goto(f"{store}/shopping-cart")
    expect(shopper.get_by_role("main")).to_contain_text(name)
    after = {c["name"]: c["value"] for c in shopper.context.cookies()}
    assert after["__Host-session"] != before["__Host-session"]

    # In another browser an admin finds the session and ends it.
    admin = somebody(java_script_enabled=javascript)
    log_in(admin, sites.urls["admin"], "responder")
    expect(admin).to_have_url(f"{sites.urls['admin']}/sessions")
    [row] = sites.sql("SELECT id FROM sessions WHERE site = 'store'")
    admin.goto(f"{sites.urls['admin']}/sessions/{row['id']}")
    admin.get_by_label("Reason").first.select_option("suspected_theft")
    admin.get_by_label("Message to the user").fill("Somebody else had your cookies.")
    admin.get_by_role("button", name="End this session").click()
    if "/revocations/" not in admin.url:
        admin.get_by_role("button", name="End").last.click()
    admin.wait_for_url("**/revocations/*")

    # The shopper's next click leads to the login, which says why; after it the cart is as it was.
    shopper.get_by_role("link", name="Cart").click()
    shopper.wait_for_url("**/login?*")
    assert shopper.url.startswith(f"{store}/login?next=%2Fshopping-cart&why=suspected_theft")
    expect(shopper.get_by_role("status")).to_contain_text("A security admin ended this session")
    expect(shopper.get_by_role("status")).to_contain_text("Somebody else had your cookies.")
    fill_in_login(shopper, "shopper")
    expect(shopper).to_have_url(f"{store}/shopping-cart")
    expect(shopper.get_by_role("main")).to_contain_text(name)


@pytest.mark.parametrize("javascript", [True, False])
def test_a_visitor_signs_up_verifies_buys_forgets_the_password_and_is_back_at_both_sites(
    sites, somebody, idp, javascript
):
    mails(idp)
    page = somebody(java_script_enabled=javascript)
    for site, landing in (("store", "/shopping-cart"), ("forums", "/posts")):
        url, email = sites.urls[site], f"nora@{site}.new.example"
        page.goto(f"{url}/login")
        page.get_by_role("link", name="Create an account").click()
        fill(page, {"Name": "Nora Nebel", "E-mail address": email, "Password": "a good password"})
        press(page, "Create the account")
        expect(page.get_by_role("main")).to_contain_text("Follow its link, then log in.")
        page.goto(link_of(mails(idp)[0]))
        log_in_as(page, url, email, "a good password")
        expect(page).to_have_url(url + landing)
        if site == "store":
            buy(page, sites)

        # The password is forgotten, in a browser that is logged in no more.
        press(page, "Log out")
        page.goto(f"{url}/login")
        page.get_by_role("link", name="Forgot your password?").click()
        fill(page, {"E-mail address": email})
        press(page, "Send the mail")
        expect(page.get_by_role("main")).to_contain_text("we have sent it a mail")
        page.goto(f"{url}/password/reset?{link_of(mails(idp)[0]).partition('?')[2]}")
        fill(page, {"New password": "another good password"})
        press(page, "Set the password")
        fill(page, {"E-mail address": email, "Password": "another good password"})
        press(page, "Log in")
        if site == "store":
            page.goto(f"{url}/orders")
            expect(page.get_by_role("main")).to_contain_text("H-")
        else:
            expect(page).to_have_url(url + landing)


def log_in_as(page, url, email, password):
    page.goto(f"{url}/login")
    fill(page, {"E-mail address": email, "Password": password})
    press(page, "Log in")


def fill(page, fields):
    for label, value in fields.items():
        page.get_by_label(label, exact=True).fill(value)


def press(page, name):
    with page.expect_navigation():
        page.get_by_role("button", name=name, exact=True).first.click()


def buy(page, sites):
    [row] = sites.sql("SELECT slug FROM products WHERE stock > 2 ORDER BY slug LIMIT 1")
    page.goto(f"{sites.urls['store']}/products/{row['slug']}")
    page.get_by_role("button", name="Add to cart").first.click()
    expect(page).to_have_url(re.compile("/shopping-cart"))
    page.goto(f"{sites.urls['store']}/checkout")
    address = {"Street and number": "Harbour Lane 4", "Postal code": "26121", "Town or city": "Oldenburg"}
    fill(page, {"Full name": "Nora Nebel", **address})
    press(page, "Place order")
    expect(page).to_have_title(re.compile("^Order H-"))
