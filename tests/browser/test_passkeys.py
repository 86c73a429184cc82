"""Passkeys in a real Chromium, with an authenticator of its own that it believes to be the device's."""

import pytest
from browser.page_checks import WIDE, Inspector, log_in, person
from playwright.sync_api import Page, expect

AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


def with_authenticator(page: Page) -> None:
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})


@pytest.mark.parametrize(("site", "who"), [("store", "shopper"), ("forums", "moderator")])
def test_a_passkey_is_added_and_logs_in_by_a_button_and_by_the_browsers_offer(sites, somebody, site, who):
    url = sites.urls[site]
    page = somebody(reduced_motion="reduce", viewport=WIDE)
    with_authenticator(page)
    log_in(page, url, who)
    page.goto(f"{url}/account/sessions")
    page.get_by_role("link", name="Your passkeys").click()
    page.get_by_label("Name").fill("This laptop")
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.get_by_role("heading", name="This laptop")).to_be_visible()
    if site == "store":
        pages = Inspector(page, url)
        pages.visit("/account/passkeys")
        assert pages.wrong == {}

    # The owner of this browser's passkey need not type an address.
    page.context.clear_cookies(name="__Host-session")
    page.context.clear_cookies(name="__Host-refresh")
    page.goto(f"{url}/login?next=/account/sessions")
    expect(page).to_have_url(f"{url}/account/sessions")

    # In a browser that has forgotten it, the address is typed, and nobody else's is opened.
    page.context.clear_cookies()
    page.goto(f"{url}/login?next=/account/sessions")
    button = page.get_by_role("button", name="Use a passkey")
    button.click()
    expect(page.get_by_text("Enter your e-mail address first.")).to_be_visible()
    page.get_by_label("E-mail address").fill("nobody@new.example")
    button.click()
    expect(page.get_by_role("alert")).to_contain_text("This passkey does not open the account")
    page.get_by_label("E-mail address").fill(person(who).email)
    page.get_by_role("button", name="Use a passkey").click()
    expect(page).to_have_url(f"{url}/account/sessions")
