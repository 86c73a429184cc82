"""The cookie behind a visitor's forms: a link from another site must not cost anybody the forms of the other tabs."""

import pytest
from http_helpers import give, set_cookies
from support import person

COOKIE = "__Host-csrf"
SITES = ["store", "forums", "admin"]


@pytest.mark.parametrize("site", SITES)
def test_comes_along_with_a_link_from_elsewhere_and_begins_anew_with_every_form(browser, site):
    client = browser(site)
    first = set_cookies(client.get("/login"))[COOKIE]
    again = set_cookies(client.get("/login"))[COOKIE]
    assert first == again
    for attribute in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/", f"Max-Age={30 * 86400}"):
        assert f"; {attribute}" in first
    assert "Domain" not in first


@pytest.mark.parametrize("site", SITES)
def test_a_page_without_a_form_sets_none(browser, site):
    assert COOKIE not in set_cookies(browser(site).get("/nothing", status=404))


def test_no_cookie_of_a_way_through_several_pages_is_strict(browser, idp):
    """The code's page, called up by a link in a mail, would find no login under way, and end it."""
    idp.hook("user", email=person("shopper").email, twoFactor=True)
    client = browser("store")
    answer = client.log_in("shopper", status=302)
    assert answer.location == "/login/two-factor?sent"
    assert "SameSite=Lax" in set_cookies(answer)["__Host-two-factor"]


def test_an_answer_without_a_form_leaves_the_value_as_it_was(browser):
    client = give(browser("store"), {COOKIE: "v" * 43})
    assert f"{COOKIE}={'v' * 43};" in set_cookies(client.get("/login"))[COOKIE]
