"""A page's message comes from the act that led to it: no address makes a page claim anything."""

import random
import uuid
from urllib.parse import parse_qsl, urlsplit

import pytest
from bs4 import BeautifulSoup, SoupStrainer
from http_helpers import give, set_cookies
from login.form_helpers import login_form
from support import person

from shopforum.dev.sample import store as store_sample
from shopforum.login import reasons

SITES = ["store", "forums", "admin"]
WHO = {"store": "shopper", "forums": "moderator", "admin": "owner"}
PAGES = {
    "store": [
        "/",
        "/products",
        "/shopping-cart",
        "/orders",
        "/account/sessions",
        "/login",
        "/login/two-factor",
    ],
    "forums": [
        "/",
        "/posts",
        "/inbox",
        "/search",
        "/moderation",
        "/moderation/flags",
        "/account/sessions",
        "/login",
    ],
    "admin": ["/", "/sessions", "/revocations", "/rules", "/tokens", "/webhooks", "/audit", "/login"],
}
MORE = [
    "",
    "&signed-out=99",
    "&line=1&removed=1",
    "&post=1",
    "&sent",
    "&ref=00000000-0000-4000-8000-000000000000",
]
# On pages but the login's each code is tried in one of so many turns.
TURNS = 6


def notices(page):
    # Of thousands of pages only this part is looked at, so only this part is made a tree of.
    found = BeautifulSoup(page.text, "html.parser", parse_only=SoupStrainer(id="notice"))
    return [notice.text.strip() for notice in found.select("#notice")]


def buttons(page, action):
    return [form for form in page.forms.values() if form.action == action]


@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize("signed_in", [True, False])
def test_no_address_makes_a_page_claim_anything(browser, site, signed_in):
    client = browser(site)
    if signed_in:
        client.log_in(WHO[site])
    codes = [f"notice={code}" for code in client.app.services.notices]
    whys = [f"why={code}" for code in reasons._NOTICES]
    queries = ["x=1", *(f"{one}{MORE[i % len(MORE)]}" for i, one in enumerate([*codes, *whys]))]
    for turn, path in enumerate(PAGES[site]):
        plain = client.get(path, status="*")
        if plain.status_int != 200:
            continue
        told = notices(plain)
        # The page of logins reads the most from its address, and so is asked with all; the others take turns.
        for query in queries if path == "/login" else queries[turn % TURNS :: TURNS]:
            if signed_in and query.startswith("why=fresh"):
                continue
            answer = client.get(f"{path}?{query}", status="*")
            assert answer.status_int in (200, 302), query
            if answer.status_int == 200:
                assert notices(answer) == told, (path, query)
                assert "Now change your password" not in answer.text


@pytest.mark.parametrize("site", SITES)
def test_nothing_is_claimed_over_an_error(browser, site):
    client, visitor = browser(site), browser(site)
    client.log_in(WHO[site])
    for code in client.app.services.notices:
        for asking in (client, visitor):
            assert notices(asking.get(f"/nope?notice={code}", status=404)) == []


def test_an_act_s_note_is_not_read_over_an_error(store, logged_out):
    """The page it leads to may be gone by then."""
    with store.app.services.db.transaction() as connection:
        connection.exec_driver_sql("ALTER TABLE products RENAME TO products_gone")
    try:
        assert notices(logged_out.follow(status=500)) == []
    finally:
        with store.app.services.db.transaction() as connection:
            connection.exec_driver_sql("ALTER TABLE products_gone RENAME TO products")


@pytest.fixture
def logged_out(store):
    """The answer to a logout, and its page not yet asked for."""
    store.log_in("shopper")
    return buttons(store.get("/account/sessions"), "/logout")[0].submit(status=303)


def test_is_said_once_in_the_browser_where_it_was_done(store, browser, logged_out):
    cookie = set_cookies(logged_out)["__Host-note"]
    for attribute in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=120"):
        assert f"; {attribute}" in cookie
    assert notices(browser("store").get(logged_out.location)) == []
    page = logged_out.follow()
    assert notices(page) == ["You are logged out."]
    assert "Max-Age=0" in set_cookies(page)["__Host-note"]
    assert notices(store.get(logged_out.location)) == []


@pytest.mark.parametrize(
    "address", ["/", "/?notice=added", "/?notice=goodbye&x=1", "/products?notice=goodbye"]
)
def test_stands_for_its_own_address_alone(store, logged_out, address):
    page = store.get(address)
    assert notices(page) == []
    assert "__Host-note" not in set_cookies(page)
    assert notices(logged_out.follow()) == ["You are logged out."]


def test_is_worth_nothing_to_somebody_else(store, browser, logged_out):
    other = give(browser("store"), {"__Host-note": store.cookies["__Host-note"]})
    assert notices(other.get(logged_out.location)) == []
    give(other, dict(store.cookies)).log_in("member")
    assert notices(other.get(logged_out.location)) == []


def test_a_prefetch_does_not_use_it_up(store, logged_out):
    assert notices(store.get(logged_out.location, headers={"Sec-Purpose": "prefetch"})) == []
    assert store.head(logged_out.location, status=200)
    assert notices(logged_out.follow()) == ["You are logged out."]


@pytest.mark.parametrize("value", ["x", "A" * 43, "A" * 4000, '"', "é"])
def test_an_invalid_note_is_ignored(store, value):
    headers = {"Cookie": f"__Host-note={value}".encode().decode("latin-1")}
    assert notices(store.get("/?notice=goodbye", headers=headers, status=200)) == []


def test_the_loser_of_two_acts_says_nothing_and_nothing_is_lost(store, browser, sql):
    """Two tabs act at once; both answers are there before either page is asked for."""
    store.log_in("member")
    for _ in range(2):
        browser("store").log_in("member")
    forms = {
        f.action: f for f in store.get("/account/sessions").forms.values() if f.action.endswith("/revoke")
    }
    first, second = (form.submit(status=303) for form in forms.values())
    assert [notices(first.follow()), notices(second.follow())] == [["That device is signed out."], []]
    assert len(sql("SELECT 1 FROM sessions WHERE end_reason = 'signed_out_elsewhere'")) == 2


def test_a_made_up_order_is_not_called_placed(store, apps, sql):
    with apps["store"].services.db.transaction() as connection:
        store_sample.seed(connection, [uuid.UUID(person("shopper").id)], random.Random(1))
    store.log_in("shopper")
    [row, *_] = sql(f"SELECT number FROM orders WHERE user_id = '{person('shopper').id}'")
    assert notices(store.get(f"/orders/{row['number']}?notice=placed")) == []


def test_why_a_session_has_ended_is_told_beside_its_own_cookies(store, sql):
    """The login page says each time that the cookies are kept, because the session is only withheld."""
    store.log_in("shopper")
    sql("UPDATE sessions SET quarantined_at = now(), quarantine_reason = 'test'")
    answer = store.get("/orders", status=302)
    assert "__Host-note" not in set_cookies(answer)
    for address in (answer.location, "/login", "/login?why=account_deleted"):
        assert "enter your password again" in notices(store.get(address))[0]


def test_costs_no_statement(store, count_sql, logged_out):
    with count_sql(store) as told:
        logged_out.follow()
    with count_sql(store) as plain:
        store.get("/")
    assert told == plain


def test_the_way_through_a_login_keeps_the_note(store, apps):
    """The message about a guest's cart is bound to the new session."""
    with apps["store"].services.db.transaction() as connection:
        store_sample.seed(connection, [uuid.uuid4()], random.Random(1))
    page = store.get("/products/bath-towel")
    form = next(f for f in page.forms.values() if f.action == "/shopping-cart/items")
    assert "Cotton bath towel is in your cart." in notices(form.submit(status=303).follow())[0]
    form = login_form(store.get("/login"))
    form["email"], form["password"] = person("shopper").email, person("shopper").password
    answer = form.submit(status=302)
    assert dict(parse_qsl(urlsplit(answer.location).query)) == {"notice": "merged"}
    assert "From your cart before the login" in notices(answer.follow())[0]
    assert notices(store.get(answer.location)) == []
