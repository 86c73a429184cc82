"""Buying without an account: the order, its letters and its link, what a link opens, and how an order comes into an account."""

import re
from dataclasses import replace

import pytest
from http_helpers import SESSION, give
from product_fixtures import SILENT, Catalogue, forms, notice, press, put
from session_fixtures import together
from support import person

from shopforum.core import purge
from shopforum.login.settings import LoginSettings
from shopforum.mail.outgoing import MailSettings
from shopforum.store import cart as carts
from shopforum.store import guest_orders, jobs, merging, order_links, orders
from shopforum.store.cart import Owner
from shopforum.store.orders import Address, CartNotFound, Holder

HOME = Address("Sam Shore", "Harbour Lane 4", "26121", "Oldenburg", "DE")
EMAIL = person("shopper").email
WRITING = replace(SILENT, on=True)
KEYRING = SILENT.keyring


@pytest.fixture
def mail(stocked, apps, monkeypatch):
    """A mail server for the store. `mail()` returns the letters that wait, oldest first."""
    services = apps["store"].services
    monkeypatch.setitem(services.objects, MailSettings, replace(services.get(MailSettings), host="mail.test"))
    return lambda: stocked.sql("SELECT * FROM outgoing_mail ORDER BY id")


def filled(page, **fields):
    form = forms(page, "/checkout/guest")[0]
    for name, value in {"email": EMAIL, **vars(HOME), **fields}.items():
        form[name] = value
    return form


def bought(client):
    """Buy two mugs as a guest, on the way that the pages show; return the order's page."""
    put(client, "stoneware-mug", 2)
    page = press(client.get("/shopping-cart"), "Buy as a guest", status=303).follow(status=200)
    return filled(page).submit(status=303).follow(status=200)


def link_in(letter):
    return re.search(r"https://store\.test(/guest-orders/\S+)", letter["plain"])[1]


def path_of(page):
    return page.request.path


def test_a_guest_buys_reads_the_letter_and_cancels(store, browser, stocked, mail):
    page = bought(store)
    assert "your order is placed" in notice(page)
    assert stocked.stock("stoneware-mug") == 8
    [letter] = mail()
    assert (letter["recipient"], letter["user_id"]) == (EMAIL, None)
    # The buyer has typed both the name and the address: no name goes to an address that may be somebody else's.
    assert "Sam" not in letter["plain"] + letter["html"]
    other = browser("store")
    opened = other.get(link_in(letter), status=303)
    assert "key" not in opened.location
    page = opened.follow(status=200)
    text = page.html.get_text(" ", strip=True)
    assert "Stoneware mug" in text
    assert "Oldenburg, Germany" in text
    for secret in ("Sam Shore", "Harbour Lane 4", "26121", EMAIL, link_in(letter).partition("=")[2]):
        assert secret not in page.text, secret
    assert page.headers["Cache-Control"] == "no-store"
    page = forms(page, ".*/cancel")[0].submit(status=303).follow(status=200)
    assert notice(page) == "Your order is cancelled."
    assert stocked.stock("stoneware-mug") == 10
    assert [one["subject"].partition(":")[0] for one in mail()] == [
        "We have your order",
        "Your order is cancelled",
    ]
    # Each letter has a link of its own, and the database has none of them.
    tokens = {link_in(one).partition("=")[2] for one in mail()}
    hashes = {bytes(row["hash"]) for row in stocked.sql("SELECT hash FROM order_links")}
    assert (len(tokens), len(hashes)) == (2, 3)
    assert not any(token.encode() in hashes for token in tokens)


def test_only_the_link_opens_an_order(store, browser, mail, stocked):
    number = path_of(bought(store)).rpartition("/")[2]
    put(store, "fountain-pen")
    page = press(store.get("/shopping-cart"), "Buy as a guest").follow()
    second = path_of(filled(page).submit(status=303).follow(status=200))
    # The browser's link is the second order's now: the page of the first one cancels neither.
    assert store.get(f"/guest-orders/{number}", status=303).location.endswith("/guest-orders?notice=no-link")
    # A link that a mail program has cut leaves the browser's own as it is.
    store.get(second, {"key": ""}, status=200)
    token = store.get(second).html.select_one("input[name=csrf_token]")["value"]
    answer = store.post(f"/guest-orders/{number}/cancel", {"csrf_token": token}, status=303)
    assert answer.location.endswith("/guest-orders?notice=no-link")
    assert {row["state"] for row in stocked.sql("SELECT state FROM orders")} == {"placed"}
    other = browser("store")
    for key in ("", "x", "A" * 43, "ä" * 43, link_in(mail()[1]).partition("=")[2]):
        answer = other.get(f"/guest-orders/{number}", {"key": key}, status=303)
        assert answer.location.endswith("/guest-orders?notice=no-link"), key
        assert "__Host-order" not in str(answer.headers), key
    assert "no longer good" in notice(answer.follow())
    other.get(f"/orders/{number}", status=302)
    stocked.sql("UPDATE order_links SET expires_at = now()")
    assert other.get(link_in(mail()[0]), status=303).location.endswith("?notice=no-link")
    purge.run(jobs.PURGES, stocked.db)
    assert stocked.count("order_links") == 0


def test_an_order_comes_into_the_account_of_its_address(store, browser, mail, stocked):
    page = bought(store)
    path, number = path_of(page), path_of(page).rpartition("/")[2]
    link = link_in(mail()[0])
    # The browser that has ordered has not shown that the address is its own, nor has somebody else's account.
    store.log_in("shopper")
    page = forms(store.get(path), ".*/keep")[0].submit(status=303).follow(status=200)
    assert "open it from one of our letters" in notice(page)
    member = browser("store")
    member.log_in("member")
    page = forms(member.get(link).follow(), ".*/keep")[0].submit(status=303).follow(status=200)
    assert "open it from one of our letters" in notice(page)
    page = forms(store.get(link).follow(), ".*/keep")[0].submit(status=303).follow(status=200)
    assert notice(page) == "The order is in your account now."
    assert "Harbour Lane 4" in page.text
    [row] = stocked.sql("SELECT user_id, number FROM orders")
    assert (str(row["user_id"]), row["number"]) == (person("shopper").id, number)
    assert [row["kind"] for row in stocked.sql("SELECT kind FROM session_acts")] == ["order_taken_over"]
    # No link opens it any more.
    assert stocked.count("order_links") == 0
    assert browser("store").get(link, status=303).location.endswith("?notice=no-link")
    orders.advance(stocked.db, WRITING, number)
    assert f"https://store.test/orders/{number}" in mail()[-1]["plain"]


def test_a_new_link_tells_nothing(store, mail, stocked, apps, monkeypatch):
    number = path_of(bought(store)).rpartition("/")[2]
    page = store.get("/guest-orders")

    def ask(number, email, status=303):
        form = forms(page, "/guest-orders")[0]
        form["number"], form["email"] = number, email
        return form.submit(status=status)

    told = {
        ask(*typed).follow().text for typed in ((number, "other@harbour.example"), ("H-22222-22222", EMAIL))
    }
    assert len(mail()) == 1
    told.add(ask(number.lower(), EMAIL.upper()).follow().text)
    assert len({re.sub(r'value="[^"]*"', "", text) for text in told}) == 1
    assert mail()[1]["subject"] == f"The link to your order: {number}"
    assert store.get(link_in(mail()[1]), status=303).follow(status=200)
    for wrong in (("", EMAIL), (number, ""), (number, "sam"), (number, "a@b\ufffe.example")):
        assert ask(*wrong, status=422).html.title.text.startswith("Error:"), wrong
    services = apps["store"].services
    few = replace(services.get(LoginSettings), account_failures=1, account_recovery=1e6)
    monkeypatch.setitem(services.objects, LoginSettings, few)
    refused = [ask(number, EMAIL, status="*") for _ in range(3)][-1]
    assert refused.status_int == 429
    assert int(refused.headers["Retry-After"]) > 0
    assert forms(refused, "/guest-orders")[0]["number"].value == number
    # The checkout has the same limit, and what was typed stays.
    put(store, "fountain-pen")
    page = press(store.get("/shopping-cart"), "Buy as a guest").follow()
    page = filled(page, city="Emden").submit(status=429)
    assert (forms(page, "/checkout/guest")[0]["city"].value, stocked.count("orders")) == ("Emden", 1)


def test_the_ways_to_it(store, browser, mail, stocked):
    assert "Buy as a guest" not in browser("store").get("/checkout", status=302).follow().text
    put(store, "stoneware-mug")
    page = press(store.get("/shopping-cart"), "Checkout", status=303).follow(status=302).follow(status=200)
    page = page.click("Buy as a guest")
    for field, value in (("email", ""), ("email", "sam"), ("name", ""), ("postal_code", "xx")):
        refused = filled(page, **{field: value}).submit(status=422)
        assert refused.html.select_one(f"#{field}").get("aria-invalid") == "true", (field, value)
        assert forms(refused, "/checkout/guest")[0]["city"].value == HOME.city
    form = filled(page)
    stocked.set("stoneware-mug", price_minor=1700)
    assert "a price has changed" in notice(form.submit(status=409))
    for seen, cart in (("", "x"), ("0" * 64, "1")):
        filled(page, seen=seen, cart=cart).submit(status=409)
    # A cart that a login has merged is a user's: neither the guest's form nor its page orders it.
    store.log_in("shopper", next="/checkout")
    assert store.get("/checkout/guest", status=302).location.endswith("/checkout")
    assert stocked.count("orders") == 0
    assert "Buy as a guest" not in store.get("/shopping-cart").text
    # A request with half of a session asks for a user's cart.
    half = give(browser("store"), {SESSION: "A" * 43})
    assert "/login?next=" in half.get("/checkout/guest", status=302).location


def test_a_login_in_another_tab_loses_nothing_that_was_typed(store, browser, mail, stocked):
    put(store, "stoneware-mug", 2)
    page = press(store.get("/shopping-cart"), "Buy as a guest").follow()
    form = filled(page, city="Emden", email="other@harbour.example")
    store.log_in("shopper")
    # The form is a visitor's, so it asks first whether to send it as the user.
    page = forms(form.submit(status=403), "/checkout/guest")[0].submit(status=409)
    assert notice(page) == (
        f"You are logged in now, so the order will be in your account. We write to {EMAIL} about it. Check it, then place it."
    )
    again = forms(page, "/checkout")[0]
    assert {name: again[name].value for name in vars(HOME)} == {**vars(HOME), "city": "Emden"}
    assert (stocked.count("orders"), stocked.stock("stoneware-mug")) == (0, 10)
    again.submit(status=303)
    assert [
        (str(row["user_id"]), row["city"], row["email"]) for row in stocked.sql("SELECT * FROM orders")
    ] == [(person("shopper").id, "Emden", EMAIL)]


def test_without_mail_nothing_is_offered(store, stocked):
    page = put(store, "stoneware-mug").follow()
    assert "Buy as a guest" not in page.text
    assert "Buy as a guest" not in store.get("/checkout", status=302).follow().text
    assert store.get("/checkout/guest", status=302).location.endswith("/checkout")


class TestOrders:
    """Below the pages."""

    def test_sent_twice_it_is_one_order(self, database, catalogue, guest):
        new = guest.guest_hashes[0]
        carts.add(database, guest, "stoneware-mug", 2, new_guest=new)
        cart = carts.load(database, guest)

        def place():
            return orders.place(
                database, guest, cart.id, orders.shown(cart), HOME, letters=WRITING, email=EMAIL
            )

        assert len(set(together(place, place, place))) == 1
        assert (catalogue.stock("stoneware-mug"), catalogue.count("outgoing_mail")) == (8, 1)
        # The purge takes the guest's cart, and the order stays.
        catalogue.sql("UPDATE carts SET changed_at = now() - interval '31 days'")
        purge.run(jobs.PURGES, database)
        assert (catalogue.count("carts"), catalogue.count("orders")) == (0, 1)

    def test_a_merged_cart_is_not_ordered(self, database, catalogue: Catalogue, guest, ann):
        carts.add(database, guest, "stoneware-mug", 2, new_guest=guest.guest_hashes[0])
        cart = carts.load(database, guest)
        merging.merge(database, guest.guest_hashes, ann.user_id)
        for buyer in (guest, Owner(guest_hashes=(b"x" * 32,)), Owner()):
            with pytest.raises(CartNotFound):
                orders.place(database, buyer, cart.id, orders.shown(cart), HOME, letters=WRITING, email=EMAIL)

    def test_it_is_cancelled_once(self, database, catalogue, guest):
        carts.add(database, guest, "stoneware-mug", 2, new_guest=guest.guest_hashes[0])
        cart = carts.load(database, guest)
        number = orders.place(
            database, guest, cart.id, orders.shown(cart), HOME, letters=WRITING, email=EMAIL
        )
        token = guest_orders.open_link(database, KEYRING, number)
        bearer = Holder(links=order_links.digests(KEYRING, token))
        together(*[lambda: orders.cancel(database, WRITING, bearer, number)] * 3)
        assert catalogue.stock("stoneware-mug") == 10
        assert orders.find(database, bearer, number).state == "cancelled"
        assert orders.find(database, Holder(), number) is None
