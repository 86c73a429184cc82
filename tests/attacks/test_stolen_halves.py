"""One cookie of the two, another person's, another site's: never a page, never a call to FusionAuth, never a cookie."""

import pytest
from http_helpers import REFRESH, SESSION, credentials, give, set_cookies

HOME = {"store": "/shopping-cart", "forums": "/posts", "admin": "/sessions"}
BEFORE = "SELECT id, idle_end, last_seen_at, issued, head, lease FROM sessions ORDER BY id"


@pytest.fixture
def mia(browser):
    """The same person, logged in at both sites."""
    clients = {site: browser(site) for site in ("store", "forums")}
    for client in clients.values():
        client.log_in("member")
    return {site: credentials(client) for site, client in clients.items()}


@pytest.fixture
def refused(browser, idp, sql):
    """`refused(site, cookies)`: a stranger sends them, and nothing at all comes of it."""

    def check(site, cookies):
        before = sql(BEFORE)
        idp.forget_calls()
        answer = give(browser(site, "203.0.113.66"), cookies).get(HOME[site], status=302)
        assert answer.headers["Location"].startswith("/login?next=")
        assert not {SESSION, REFRESH} & set_cookies(answer).keys()
        assert idp.calls() == []
        assert sql(BEFORE) == before

    return check


def test_the_owner_of_a_refresh_token_is_told_whatever_session_id_it_came_with(store, browser, refused, sql):
    """A1 by somebody who has an account: the thief's own session id beside the stolen refresh token."""
    store.log_in("shopper")
    thief = browser("store")
    thief.log_in("member")
    refused("store", {SESSION: credentials(thief)[SESSION], REFRESH: credentials(store)[REFRESH]})
    found = sql("SELECT s.user_name, f.kind FROM session_flags f JOIN sessions s ON s.id = f.session_id")
    assert {(row["user_name"], row["kind"]) for row in found} == {
        ("Sam Shore", "refresh_without_session"),
        ("Mia Marsh", "session_without_refresh_token"),
    }


@pytest.mark.parametrize("idle", [False, True], ids=["active", "dormant"])
def test_halves_of_a_pair(store, browser, sql, refused, idle, later):
    store.log_in("shopper")
    other = browser("store")
    other.log_in("member")
    mine, theirs = credentials(store), credentials(other)
    later(1801 if idle else 300)
    for cookies in (
        {SESSION: mine[SESSION]},
        {REFRESH: mine[REFRESH]},
        {SESSION: mine[SESSION], REFRESH: theirs[REFRESH]},
        {SESSION: theirs[SESSION], REFRESH: mine[REFRESH]},
        {SESSION: "C" * 43, REFRESH: mine[REFRESH]},
        {SESSION: mine[SESSION], REFRESH: "D" * 43},
        {SESSION: mine[SESSION], REFRESH: mine[REFRESH][:-1]},
        {SESSION: mine[SESSION], REFRESH: mine[REFRESH] + "x"},
        {SESSION: mine[SESSION].swapcase(), REFRESH: mine[REFRESH]},
        {SESSION: mine[REFRESH][:43], REFRESH: mine[SESSION]},
    ):
        refused("store", cookies)
    kinds = {row["kind"] for row in sql("SELECT kind FROM session_flags")}
    assert kinds == {"session_without_refresh_token", "refresh_without_session"}
    store.get(HOME["store"], status=200)
    other.get(HOME["store"], status=200)


def test_a_pair_of_one_site_is_nothing_at_another(mia, refused, sql):
    refused("forums", mia["store"])
    refused("store", mia["forums"])
    refused("forums", {SESSION: mia["forums"][SESSION], REFRESH: mia["store"][REFRESH]})
    refused("store", {SESSION: mia["forums"][SESSION], REFRESH: mia["store"][REFRESH]})
    for site in mia:
        refused("admin", mia[site])
        refused("admin", {SESSION: mia[site][SESSION]})
    assert sql("SELECT 1 FROM sessions WHERE ended_at IS NOT NULL") == []


def test_a_dormant_pair_of_one_site_does_not_refresh_at_another(mia, refused, idle_out):
    idle_out()
    refused("forums", mia["store"])
    refused("store", mia["forums"])


def test_an_admin_s_cookie_opens_no_other_site_and_no_refresh_token_renews_it(
    admin, browser, idp, idle_out, refused, mia
):
    admin.log_in("owner")
    held = credentials(admin)
    assert REFRESH not in held
    refused("store", held)
    refused("store", {SESSION: held[SESSION], REFRESH: mia["store"][REFRESH]})
    idle_out()
    idp.forget_calls()
    late = give(browser("admin"), {**held, REFRESH: mia["store"][REFRESH]}).get("/sessions", status=302)
    assert "why=expired" in late.headers["Location"]
    assert idp.calls() == []


def test_a_public_id_is_no_credential(store, sql, refused):
    """A session's id is shown in the console, a token's id in FusionAuth: neither opens anything."""
    store.log_in("shopper")
    [row] = sql("SELECT id, refresh_token_id, user_id FROM sessions")
    [digest] = sql("SELECT session_hash, refresh_hash FROM session_credentials")
    for session in (str(row["id"]), row["id"].hex.ljust(43, "A"), bytes(digest["session_hash"]).hex()[:43]):
        for refresh in (
            str(row["refresh_token_id"]),
            str(row["user_id"]),
            bytes(digest["refresh_hash"]).hex(),
        ):
            refused("store", {SESSION: session, REFRESH: refresh})
    store.get(HOME["store"], status=200)
