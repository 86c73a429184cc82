"""A session bound to a device, in a Chromium that keeps the key, and a thief with its cookies in another browser."""

import shutil
from contextlib import contextmanager

import pytest
from browser.page_checks import fill_in_login, log_in
from playwright.sync_api import expect
from waiting import eventually

# The shell of the other browser tests knows nothing of bound sessions.
FULL = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
# Keys in software, for want of a TPM; and without the quota of signatures, of which a test needs more than a person.
FEATURES = "DeviceBoundSessions:RefreshQuota/false,EnableBoundSessionCredentialsSoftwareKeysForManualTesting"

pytestmark = pytest.mark.skipif(FULL is None, reason="no Chromium found that can bind sessions")


@pytest.fixture
def device(playwright, arguments, tmp_path):
    """`with device() as page:` opens the owner's browser, each time with the same profile."""

    @contextmanager
    def start():
        context = playwright.chromium.launch_persistent_context(
            tmp_path / "profile",
            executable_path=FULL,
            args=[*arguments, f"--enable-features={FEATURES}"],
        )
        context.set_default_timeout(60_000)
        try:
            yield context.pages[0]
        finally:
            context.close()

    return start


def run_out(sites, page):
    """The life of the bound cookies is over: for the server, and for the owner's browser, which throws its own away."""
    sites.sql("UPDATE session_bound_cookies SET expires_at = now()")
    page.context.clear_cookies(name="__Host-bound")


def proofs(sites):
    """Return how often the key of each session that is not over has signed."""
    rows = sites.sql(
        """SELECT k.proofs FROM session_keys k JOIN sessions s ON s.id = k.session_id
        WHERE s.site = 'store' AND s.ended_at IS NULL"""
    )
    return [row["proofs"] for row in rows]


def test_a_thief_with_all_cookies_is_refused_and_the_owner_notices_nothing(sites, somebody, device):
    store, console = sites.urls["store"], sites.urls["admin"]
    cart = f"{store}/shopping-cart"
    with device() as owner:
        # The login binds by itself.
        log_in(owner, store, "shopper")
        eventually(lambda: owner.evaluate("1") and proofs(sites) == [1])
        owner.reload()
        jar = owner.context.cookies(store)
        assert {"__Host-session", "__Host-refresh", "__Host-bound"} <= {cookie["name"] for cookie in jar}

        # Within the bound cookie's life the copy works, and no longer.
        thief = somebody()
        thief.context.add_cookies(jar)
        thief.goto(cart)
        expect(thief).to_have_url(cart)
        run_out(sites, owner)
        thief.goto(cart)
        expect(thief).to_have_url(f"{store}/login?next=%2Fshopping-cart&why=without_key")
        expect(thief.get_by_role("status")).to_contain_text("on the device where it began")

        # The owner's browser proves its key before the page, also after the session has idled out.
        owner.goto(cart)
        expect(owner).to_have_url(cart)
        assert proofs(sites) == [2]
        sites.idle_out()
        run_out(sites, owner)
        owner.goto(cart)
        expect(owner).to_have_url(cart)
        assert proofs(sites) == [3]

        # So it does where another site's page links here: that renewal comes without cookies.
        owner.goto(sites.urls["forums"])
        run_out(sites, owner)
        owner.evaluate("address => { location.href = address }", cart)
        owner.wait_for_url(cart)
        assert proofs(sites) == [4]

    with device() as owner:
        # Started anew, the browser still has its key.
        run_out(sites, owner)
        owner.goto(cart)
        expect(owner).to_have_url(cart)
        assert proofs(sites) == [5]

        # An admin sees who tried, and ends it: the key renews nothing any more.
        admin = somebody()
        log_in(admin, console, "responder")
        [row] = sites.sql("SELECT id FROM sessions WHERE site = 'store'")
        admin.goto(f"{console}/sessions/{row['id']}")
        expect(admin.get_by_role("main")).to_contain_text("Without its key")
        admin.get_by_label("Reason").first.select_option("suspected_theft")
        admin.get_by_role("button", name="End this session").click()
        admin.wait_for_url("**/revocations/*")
        run_out(sites, owner)
        owner.goto(cart)
        owner.wait_for_url(f"{store}/login?*")
        assert proofs(sites) == []

        # The next login binds anew.
        fill_in_login(owner, "shopper")
        expect(owner).to_have_url(cart)
        eventually(lambda: owner.evaluate("1") and proofs(sites) == [1])
