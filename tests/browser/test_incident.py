"""Three in the morning: from the dashboard to the stolen session, its owner, the end of all that came from the thief's
network, and the receipt. By keyboard alone, and nobody else is signed out."""

import http.client
import ssl
from urllib.parse import urlsplit

from browser.page_checks import fill_in_login, log_in
from browser.test_keyboard import press_enter, skip_to_content, tab_to
from playwright.sync_api import expect

THIEF, NETWORK = "127.9.9.9", "127.9.9.0/24"


def steal(page):
    """The cookies of the browser that shows a page."""
    return {cookie["name"]: cookie["value"] for cookie in page.context.cookies()}


def use(url, cookies):
    """Return the status of the cart page for a thief elsewhere with copied cookies."""
    host = urlsplit(url).netloc
    connection = http.client.HTTPSConnection(
        "127.0.0.1",
        urlsplit(url).port,
        timeout=60,
        source_address=(THIEF, 0),
        # A thief does not ask whose certificate it is.
        context=ssl._create_unverified_context(),
    )
    sent = "; ".join(f"{name}={value}" for name, value in cookies.items())
    connection.request(
        "GET", "/shopping-cart", headers={"Host": host, "Cookie": sent, "User-Agent": "curl/8.14.1"}
    )
    status = connection.getresponse().status
    connection.close()
    return status


def fill_cart(page, sites):
    slug = sites.sql("SELECT slug FROM products WHERE stock > 2 ORDER BY slug LIMIT 1")[0]["slug"]
    page.goto(f"{sites.urls['store']}/products/{slug}")
    name = page.get_by_role("heading", level=1).inner_text()
    page.get_by_role("button", name="Add to cart").first.click()
    expect(page.get_by_role("main")).to_contain_text(name)
    return name


def test_an_incident_by_keyboard(sites, somebody):
    store, console = sites.urls["store"], sites.urls["admin"]
    laptop, phone, admin = somebody(), somebody(), somebody()
    for page in (laptop, phone):
        log_in(page, store, "shopper")
    bought = fill_cart(laptop, sites)
    cookies = steal(laptop)
    use(store, {"__Host-refresh": cookies["__Host-refresh"]})
    assert use(store, cookies) == 200, "both cookies open the cart, wherever they are"

    log_in(admin, console, "responder")
    admin.goto(f"{console}/")
    skip_to_content(admin)
    tab_to(admin, "Session of Sam Shore on store")
    press_enter(admin)
    expect(admin.get_by_role("main")).to_contain_text("Holders of its cookies")
    skip_to_content(admin)
    tab_to(admin, "Sam Shore")
    press_enter(admin)
    [owner] = sites.sql("SELECT DISTINCT user_id FROM sessions WHERE site = 'store'")
    expect(admin).to_have_url(f"{console}/users/{owner['user_id']}")
    skip_to_content(admin)
    tab_to(admin, f"End all from {NETWORK}")
    press_enter(admin)

    # A page that asks is an address like any other: reloading it sends nothing again.
    heading = admin.get_by_role("heading", level=1)
    expect(heading).to_have_text("End 1 session?")
    admin.reload()
    expect(heading).to_have_text("End 1 session?")
    skip_to_content(admin)
    tab_to(admin, "Reason")
    admin.keyboard.type("Sus")
    tab_to(admin, "Also refuse what matches")
    admin.keyboard.press("Space")
    tab_to(admin, "End 1 session")
    press_enter(admin)
    admin.wait_for_url("**/revocations/*")
    main = admin.get_by_role("main")
    expect(main).to_contain_text("✓ ended")
    expect(main).to_contain_text(f"Everybody from {NETWORK}")
    expect(main).to_contain_text("1 confirmed")

    assert use(store, cookies) == 302, "the thief is out"
    phone.goto(f"{store}/shopping-cart")
    expect(phone.get_by_role("main")).to_contain_text(bought)
    laptop.goto(f"{store}/shopping-cart")
    assert "why=suspected_theft" in laptop.url
    fill_in_login(laptop, "shopper")
    expect(laptop.get_by_role("main")).to_contain_text(bought)
    admin.reload()
    expect(main).to_contain_text("uses of")
