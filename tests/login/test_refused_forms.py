"""A refused form says why, to its sender and in the log, and comes back filled in; logins and logouts of old tabs work."""

import json
import random
import uuid

import pytest
from http_helpers import SESSION, credentials, give
from login.form_helpers import login_form
from page_forms import form_of
from support import person

from shopforum.dev.sample import store as store_sample
from shopforum.web.errors import REFUSED_FORMS

OWN = "https://store.test"
CART = "/shopping-cart"
SAME = {"Origin": OWN, "Sec-Fetch-Site": "same-origin"}


def token_of(page):
    return page.html.select_one("input[name=csrf_token]")["value"]


def logout_form(page):
    return form_of(page, "/logout")


def log_in_anew(client, who="shopper"):
    """A second session in the same browser."""
    form = login_form(client.get("/login?why=fresh"))
    form["email"], form["password"] = person(who).email, person(who).password
    form.submit(status=302)


def said(answer):
    return " ".join(answer.html.get_text().split())


@pytest.fixture
def refusal(logged):
    """`refusal()`: the one refusal in the log since it was last asked."""

    def find():
        lines = [json.loads(line) for line in logged().splitlines()]
        [found] = [line for line in lines if line["event"] in ("malicious_csrf", "form_refused")]
        return found

    return find


@pytest.mark.parametrize(
    ("headers", "why", "expected", "received"),
    [
        ({"Origin": "https://evil.test"}, "foreign_origin", OWN, "https://evil.test"),
        ({"Origin": "https://forums.test"}, "foreign_origin", OWN, "https://forums.test"),
        (
            {"Sec-Fetch-Site": "cross-site"},
            "foreign_origin",
            "Sec-Fetch-Site: same-origin",
            "Sec-Fetch-Site: cross-site",
        ),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "null"}, "foreign_origin", None, None),
        ({"Origin": "null"}, "null_origin", OWN, "null"),
        ({"Origin": "http://store.test"}, "scheme", OWN, "http://store.test"),
        (
            {"Origin": "http://store.test", "Sec-Fetch-Site": "same-origin"},
            "scheme",
            OWN,
            "http://store.test",
        ),
    ],
)
def test_a_stranger_s_form_is_told_from_a_proxy_s_doing(store, refusal, headers, why, expected, received):
    store.log_in("shopper")
    token = token_of(store.get(CART))
    answer = store.post("/logout", {"csrf_token": token, "text": "Theirs"}, headers=headers, status=403)
    found = refusal()
    assert found["why"] == why
    assert expected is None or (found["expected"], found["received"]) == (expected, received)
    assert REFUSED_FORMS[why][0] in said(answer)
    assert "Theirs" not in answer.text
    assert answer.html.select("input[name=csrf_token]") == []
    store.get(CART, status=200)


def test_every_reason_has_words_of_its_own():
    assert len({title for title, _ in REFUSED_FORMS.values()}) == len(REFUSED_FORMS) == 8
    assert len({text for _, text in REFUSED_FORMS.values()}) == len(REFUSED_FORMS)


def test_a_proxy_that_hides_the_origin_is_no_stranger(store, sql):
    """`Referrer-Policy: no-referrer` makes a browser send `Origin: null` with a page's own form."""
    headers = {"Origin": "null", "Sec-Fetch-Site": "same-origin"}
    form = login_form(store.get("/login"))
    form["email"], form["password"] = person("shopper").email, person("shopper").password
    form.submit(headers=headers, status=302)
    logout_form(store.get(CART)).submit(headers=headers, status=303)
    assert sql("SELECT end_reason FROM sessions") == [{"end_reason": "logout"}]


@pytest.mark.parametrize("headers", [{}, SAME], ids=["old", "new"])
def test_a_browser_without_cookies_is_told_so_at_the_login(store, idp, refusal, headers):
    page = store.get("/login?next=/orders")
    store.reset()
    form = login_form(page)
    form["email"], form["password"] = person("shopper").email, person("shopper").password
    idp.forget_calls()
    answer = form.submit(headers=headers, status=403)
    found = refusal()
    assert (found["why"], found["expected"]) == ("no_cookie", "the cookie __Host-csrf")
    assert "Safari" in said(answer)
    assert idp.calls() == []
    # Filled in, with a good token: the cookie may have run out only.
    again = login_form(answer)
    assert (again["email"].value, again["next"].value) == (person("shopper").email, "/orders")
    assert again["password"].value == ""
    again["password"] = person("shopper").password
    assert again.submit(headers=headers, status=302).location == "/orders"


@pytest.mark.parametrize("headers", [{}, SAME], ids=["old", "new"])
def test_a_second_login_tab_takes_the_right_password(store, sql, headers):
    tabs = [login_form(store.get("/login")), login_form(store.get("/login"))]
    for tab in tabs:
        tab["email"], tab["password"] = person("shopper").email, person("shopper").password
        tab.submit(headers=headers, status=302)
        store.get(CART, status=200)
    # One session, as from any second login in a browser.
    assert sql("SELECT count(*) AS n FROM sessions WHERE ended_at IS NULL") == [{"n": 1}]


@pytest.mark.parametrize("headers", [{}, SAME], ids=["old", "new"])
def test_two_tabs_that_ask_for_the_password_again_both_take_it(store, headers):
    store.log_in("shopper")
    tabs = [login_form(store.get("/login?why=fresh")), login_form(store.get("/login?why=fresh"))]
    for tab in tabs:
        tab["password"] = person("shopper").password
        tab.submit(headers=headers, status=302)
        store.get(CART, status=200)


def test_a_login_form_takes_the_password_though_its_session_is_over(store, sql):
    store.log_in("shopper")
    tab = login_form(store.get("/login?why=fresh"))
    sql("UPDATE sessions SET ended_at = now(), end_reason = 'revoked'")
    tab["password"] = person("shopper").password
    tab.submit(status=302)
    store.get(CART, status=200)


@pytest.mark.parametrize("headers", [{}, SAME], ids=["old", "new"])
def test_an_old_tab_s_logout_after_a_new_login_logs_out(store, sql, headers):
    store.log_in("shopper")
    old = logout_form(store.get(CART))
    logout_form(store.get(CART)).submit(headers=headers, status=303)
    store.log_in("shopper")
    old.submit(headers=headers, status=303)
    assert SESSION not in store.cookies
    assert sql("SELECT 1 FROM sessions WHERE ended_at IS NULL") == []


def test_an_old_tab_s_logout_ends_another_person_s_session_only_by_the_browser_s_word(store, sql):
    """Without it, the form may be anybody's: it comes back as a question, and the answer logs out."""
    store.log_in("member")
    old = logout_form(store.get(CART))
    old.submit(status=303)
    store.log_in("shopper")
    answer = old.submit(status=403)
    assert "another login" in said(answer)
    assert len(sql("SELECT 1 FROM sessions WHERE ended_at IS NULL")) == 1
    logout_form(answer).submit(status=303)
    assert sql("SELECT 1 FROM sessions WHERE ended_at IS NULL") == []
    store.log_in("shopper")
    old.submit(headers=SAME, status=303)
    assert sql("SELECT 1 FROM sessions WHERE ended_at IS NULL") == []


@pytest.mark.parametrize("sender", ["nobody", "mallory"])
def test_the_browser_s_word_does_not_stand_in_for_the_site_s_token(store, browser, sender):
    store.log_in("shopper")
    token = "" if sender == "nobody" else "x" + token_of(browser("store").get("/login"))
    store.post("/logout", {"csrf_token": token}, headers=SAME, status=403)
    store.get(CART, status=200)


@pytest.fixture
def goods(apps, sql):
    with apps["store"].services.db.transaction() as connection:
        store_sample.seed(connection, [uuid.uuid4()], random.Random(1))
    sql("DELETE FROM cart_lines")
    return sql("SELECT slug FROM products WHERE stock > 20 ORDER BY slug LIMIT 2")


def buy(form, **headers):
    form["quantity"] = "3"
    return form.submit(headers=headers, expect_errors=True)


def product_form(client, slug):
    return next(
        f for f in client.get(f"/products/{slug}").forms.values() if f.action == "/shopping-cart/items"
    )


@pytest.mark.parametrize("case", ["no_cookie", "other_visitor", "signed_in", "other_session"])
def test_the_cart_comes_back_filled_in_and_is_taken(store, goods, sql, refusal, case):
    if case == "other_session":
        store.log_in("shopper")
    form = product_form(store, goods[0]["slug"])
    if case == "no_cookie":
        store.reset()
    elif case == "other_visitor":
        store.reset()
        store.get("/login")
    elif case == "signed_in":
        store.log_in("shopper")
    else:
        log_in_anew(store)
    held = credentials(store)
    before = sql("SELECT id, last_seen_at, idle_end, issued FROM sessions")
    refused = buy(form)
    assert refused.status_int == 403
    found = refusal()
    assert found["why"] == case
    assert found["expected"]
    assert found["received"]
    assert REFUSED_FORMS[case][0] in said(refused)
    assert sql("SELECT 1 FROM cart_lines") == []
    # Its kind, its address, and all its fields.
    assert "Add to cart" in said(refused)
    assert f"{OWN}/shopping-cart/items" in said(refused)
    assert goods[0]["slug"] in said(refused)
    assert person("shopper").first_name not in refused.text
    assert sql("SELECT id, last_seen_at, idle_end, issued FROM sessions") == before
    assert credentials(store) == held
    again = next(f for f in refused.forms.values() if f.action == "/shopping-cart/items")
    assert again.submit(status=303)
    assert sql("SELECT quantity FROM cart_lines") == [{"quantity": 3}]


def test_the_text_of_another_form_comes_back_too(forums, browser):
    forums.log_in("member")
    old = token_of(forums.get("/posts"))
    log_in_anew(forums, "member")
    answer = forums.post("/topics/1/posts", {"csrf_token": old, "body": "Two\nlines"}, status=403)
    form = next(f for f in answer.forms.values() if f.action == "/topics/1/posts")
    assert form["body"].value.splitlines() == ["Two", "lines"]
    assert "Post reply" in said(answer)


def test_no_secret_is_logged(store, logged):
    store.log_in("shopper")
    token = token_of(store.get(CART))
    secrets = [token.rpartition(".")[2], *credentials(store).values()]
    log_in_anew(store)
    secrets += credentials(store).values()
    logged()
    store.post("/checkout", {"csrf_token": token}, status=403)
    visitor = give(store, {"__Host-csrf": "v" * 43})
    visitor.post("/checkout", {"csrf_token": token + "x"}, status=403)
    text = logged()
    assert "form_refused" in text
    assert [secret for secret in [*secrets, "v" * 43] if secret in text] == []
