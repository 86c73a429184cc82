"""A bound session, as a browser and the sites play it: login, registration, pages, renewals, and the end."""

import pytest
from device_client import BOUND, DeviceClient
from http_helpers import set_cookies

PAGES = {"store": ("shopper", "/orders"), "forums": ("member", "/posts"), "admin": ("owner", "/sessions")}


@pytest.fixture
def bound(browser):
    """`bound(site)`: a signed-in browser whose session is bound."""

    def make(site="store"):
        client = DeviceClient(browser(site))
        client.log_in(PAGES[site][0])
        return client

    return make


def refused(answer):
    """Whether a page was not served, and the login page offered in its place."""
    return answer.status_int == 302 and "/login?" in answer.location


@pytest.mark.parametrize("site", PAGES)
def test_a_login_binds_the_session_and_the_pages_ask_for_its_cookie(bound, browser, sql, site):
    client = DeviceClient(browser(site))
    who, page = PAGES[site]
    answer = client.log_in(who)
    cookie = set_cookies(answer)[BOUND]
    same_site = "Strict" if site == "admin" else "Lax"
    attributes = f"Path=/; Secure; HttpOnly; SameSite={same_site}"
    assert answer.json == {
        "session_identifier": client.identifier,
        "refresh_url": "/dbsc/refresh",
        "scope": {"include_site": False},
        "credentials": [{"type": "cookie", "name": BOUND, "attributes": attributes}],
    }
    # The attributes that the browser is told are those that are set: otherwise it never renews the cookie.
    assert set(attributes.split("; ")) | {"Max-Age=600"} == set(cookie.split("; ")[1:])
    assert client.browser.get(page).status_int == 200
    [row] = sql(
        "SELECT s.bound_at, k.algorithm, k.proofs FROM sessions s JOIN session_keys k ON k.session_id = s.id"
    )
    assert row["bound_at"]
    assert (row["algorithm"], row["proofs"]) == ("ES256", 1)
    del client.browser.cookiejar._cookies[f"{site}.test"]["/"][BOUND]
    assert refused(client.browser.get(page, status="*"))
