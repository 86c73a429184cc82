"""Every kind of page of the store, of the login and of one's own devices, in light and dark, wide and narrow.

`Inspector` says what is checked.
"""

from uuid import UUID

import pyotp
from browser.page_checks import fill_in_login, seed, seed_forums, send
from support import person

from shopforum.dev.sample import store as store_sample


def test_store_for_visitors(sites, inspect):
    there, gone = (
        sites.sql(f"SELECT slug, name FROM products WHERE stock {how} ORDER BY slug LIMIT 1")[0]
        for how in ("> 2", "= 0")
    )
    with inspect("store") as pages:
        for path in ("/", "/products", "/products?q=steel", "/products?q=cofee", "/products?q=unheard-of"):
            pages.visit(path)
        pages.visit("/design")
        pages.visit("/products?price_from=cheap", 422)
        pages.visit(f"/products/{gone['slug']}")
        pages.visit(f"/products/{there['slug']}")
        send(pages, "form[action='/shopping-cart/items']", quantity="0")
        pages.look(422)
        pages.page.goto(f"{pages.url}/products/{there['slug']}")
        pages.press("Add to cart")
        pages.look()
        pages.visit("/nothing", 404)
        pages.visit("/account/sessions?next=seen")


def test_store_for_shoppers(sites, inspect, idp):
    seed(sites, "store", store_sample, [UUID(person("member").id)])
    with inspect("store", "shopper") as pages:
        pages.visit("/shopping-cart")
        pages.visit("/orders")
    with inspect("store", "member") as pages:
        pages.visit("/shopping-cart")
        pages.page.get_by_label("Quantity of").first.fill("")
        pages.in_place(lambda: pages.page.keyboard.press("Enter"))
        pages.look(422)
        [gone] = sites.sql(
            "SELECT p.name FROM cart_lines l JOIN carts c ON c.id = l.cart_id JOIN products p ON p.id = l.product_id"
            " WHERE p.stock = 0 AND c.user_id = :me",
            me=person("member").id,
        )
        pages.page.get_by_label("Quantity of").first.fill("1")
        pages.in_place(lambda: pages.page.get_by_label(f"Save for later: {gone['name']}").click())
        pages.look()
        pages.visit("/checkout")
        for name in ("Full name", "Street and number", "Postal code"):
            pages.page.get_by_label(name).fill("")
        pages.press("Place order")
        pages.look(422)
        for name, value in (
            ("Full name", "Mia Marsh"),
            ("Street and number", "Canal Street 17"),
            ("Postal code", "26121"),
        ):
            pages.page.get_by_label(name).fill(value)
        sites.sql("UPDATE products SET price_minor = price_minor + 100")
        pages.press("Place order")
        pages.look(409)
        pages.press("Place order")
        pages.look()
        order = pages.page.url.removeprefix(pages.url).partition("?")[0]
        pages.visit(f"{order}/invoice")
        pages.visit("/orders")
        sites.idle_out()
        idp.hook("fail", path="/api/jwt/refresh", times=1, status=503)
        pages.visit("/orders", 503)


def test_login_pages(sites, inspect, idp):
    idp.hook("user", email=person("owner").email, twoFactor=True)
    with inspect("admin") as pages:
        pages.visit("/login?next=/audit&why=expired")
        fill_in_login(pages.page, "owner")
        pages.look()
        pages.press("Log in")
        pages.look(422)
    idp.hook("user", email=person("shopper").email, twoFactorRequired=True)
    with inspect("store") as pages:
        pages.page.goto(f"{pages.url}/login")
        fill_in_login(pages.page, "shopper")
        pages.look()
        key = pages.page.locator("#secret").inner_text().replace(" ", "")
        pages.page.get_by_label("Code").fill(pyotp.TOTP(key).now())
        pages.press("Set it up and log in")
        pages.look()
    with inspect("store") as pages:
        pages.visit("/login")
        pages.press("Log in")
        pages.look(422)
        idp.hook("fail", path="/api/login", times=1, status=503)
        fill_in_login(pages.page, "member")
        pages.look(503)
        while pages.last.status != 429:
            fill_in_login(pages.page, "member", "wrong")
        pages.look(429)
        send(pages, "form.panel", csrf_token="")
        pages.look(403)
    with inspect("store") as pages:
        pages.visit("/login/code")
        pages.press("Send me a code")
        pages.look(422)
        pages.page.get_by_label("E-mail address").fill("nobody@new.example")
        pages.press("Send me a code")
        pages.look()
        pages.page.get_by_label("Code").fill("wrong")
        pages.press("Log in")
        pages.look(422)


def test_sign_up_and_new_password(sites, inspect, idp):
    idp.hook("user", email=person("member").email, passwordChangeRequired=True)
    with inspect("forums") as pages:
        pages.visit("/signup")
        pages.press("Create the account")
        pages.look(422)
        for name, value in (("Name", "Nora"), ("E-mail address", "nora@new.example"), ("Password", "short")):
            pages.page.get_by_label(name).fill(value)
        pages.press("Create the account")
        pages.look(422)
        pages.page.get_by_label("Password").fill("a good password")
        pages.press("Create the account")
        pages.look()
        pages.visit("/password/forgot")
        pages.press("Send the mail")
        pages.look(422)
        pages.page.get_by_label("E-mail address").fill("nora@new.example")
        pages.press("Send the mail")
        pages.look()
        pages.page.goto(f"{pages.url}/login")
        fill_in_login(pages.page, "member")
        pages.look()
        pages.press("Set the password")
        pages.look(422)


def test_refused_forms_and_own_devices(sites, inspect, somebody):
    seed_forums(sites)
    [topic] = sites.sql("SELECT id FROM forum_topics WHERE NOT locked ORDER BY id LIMIT 1")
    with inspect("forums", "member") as pages:
        pages.page.goto(f"{pages.url}/topics/{topic['id']}-")
        pages.page.get_by_label("Your reply").fill("Nothing of this is lost.")
        sites.sql("UPDATE sessions SET ended_at = now(), end_reason = 'revoked'")
        pages.press("Post reply")
        assert "/login?next=%2Fresume" in pages.page.url, pages.last.status
        fill_in_login(pages.page, "member")
        pages.look()
        pages.visit("/account/sessions")
        with inspect("forums", "member"):
            pages.visit("/account/sessions")
        pages.visit("/login?why=fresh")
        pages.visit("/account/delete")
        pages.visit("/account/delete/confirm")
        pages.press("Delete my account")
        pages.page.goto(f"{pages.url}/login")
        fill_in_login(pages.page, "member")
        pages.look()
        assert pages.page.get_by_role("heading", name="Keep your account?").is_visible()
