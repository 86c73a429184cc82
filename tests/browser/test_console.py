"""The console's pages about flags, quarantine, rules and forks in a real browser, and what its script adds."""

import pytest
from browser.page_checks import log_in
from playwright.sync_api import expect


@pytest.fixture
def two_places(sites, somebody):
    """A session of the shopper that was used from two places, flagged and in quarantine; returns its id."""
    log_in(somebody(), sites.urls["store"], "shopper")
    [row] = sites.sql("SELECT id FROM sessions WHERE site = 'store'")
    sites.sql(
        """INSERT INTO session_places (session_id, address, agent, first_at)
        VALUES (:id, '203.0.113.9', 'curl/8', now() + interval '1 second') RETURNING 1 AS one""",
        id=row["id"],
    )
    sites.sql(
        """INSERT INTO session_flags (session_id, kind, last_address) VALUES (:id, 'two_places', '203.0.113.9'),
        (:id, 'other_system', '203.0.113.9') RETURNING 1 AS one""",
        id=row["id"],
    )
    return row["id"]


def test_every_page_in_every_guise(inspect, sites, two_places):
    with inspect("admin", "owner") as pages:
        pages.visit(f"/sessions/{two_places}")
        pages.visit("/sessions/quarantine?filter=ip%3D203.0.113.0/24")
        pages.press("Quarantine 1 session")
        pages.look(422)
        pages.page.get_by_label("Reason").select_option("suspected_theft")
        pages.press("Quarantine 1 session")
        pages.look()
        pages.visit(f"/sessions/release?session={two_places}")
        pages.visit("/sessions/revoke?filter=ip%3D203.0.113.0/24")
        pages.page.get_by_label("Reason").select_option("incident")
        pages.page.get_by_label("Note for admins").fill("https://tickets.example/" + "x" * 250)
        pages.page.get_by_label("Message to the user").fill("Dampfschifffahrt" * 20)
        pages.page.get_by_label("Also refuse what matches").check()
        pages.press("End 1 session")
        pages.look()
        pages.visit("/rules")
        pages.press("Refuse from now on")
        pages.look(422)
        pages.page.get_by_label("Network").fill("203.0.113.0/24")
        pages.page.get_by_label("Reason").select_option("incident")
        pages.press("Refuse from now on")
        pages.look()
        pages.press("Refuse from now on")
        pages.look()
        pages.page.goto(f"{pages.url}/rules")
        pages.page.get_by_role("link", name="Lift").first.click()
        pages.look()
        pages.press("Lift the rule")
        pages.look(422)
        pages.page.get_by_label("What you found").fill("It was the office.")
        pages.press("Lift the rule")
        pages.look()
        for path in ("/audit", "/webhooks"):
            pages.visit(path)
        pages.visit("/sessions/revoke?filter=ip%3D198.51.100.1", 422)
        pages.visit("/tokens")


def test_what_is_new_is_told_and_what_is_ticked_stays(sites, somebody):
    log_in(somebody(), sites.urls["store"], "shopper")
    page = somebody()
    log_in(page, sites.urls["admin"], "responder")
    page.clock.install()
    page.goto(f"{sites.urls['admin']}/sessions?site=store")
    box = page.get_by_role("checkbox", name="Select the session of Sam Shore")
    box.check()
    log_in(somebody(), sites.urls["store"], "member")
    page.clock.fast_forward(16_000)
    expect(page.locator("[data-live-new]")).to_have_text("1 new")
    expect(page.get_by_text("Mia Marsh")).to_have_count(0)
    expect(box).to_be_checked()
    page.get_by_role("link", name="Refresh").click()
    expect(page.get_by_text("Mia Marsh").first).to_be_visible()
    expect(box).to_be_checked()
    expect(page.get_by_text("1 of 2 selected")).to_be_visible()


def test_a_pause_is_remembered(sites, somebody):
    page = somebody()
    log_in(page, sites.urls["admin"], "viewer")
    page.clock.install()
    page.goto(f"{sites.urls['admin']}/sessions?site=store")
    page.get_by_role("button", name="Pause").click()
    page.reload()
    expect(page.get_by_role("button", name="Go on")).to_be_visible()
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    log_in(somebody(), sites.urls["store"], "member")
    page.clock.fast_forward(31_000)
    page.get_by_role("button", name="Go on").click()
    page.clock.fast_forward(16_000)
    expect(page.locator("[data-live-new]")).to_have_text("1 new")
    assert len(asked) == 1, "nothing was asked while it was paused"
