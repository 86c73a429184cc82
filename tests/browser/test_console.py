"""The console's pages about flags, quarantine, rules and forks in a real browser, and what its script adds."""

import pytest
from browser.page_checks import NARROW, WIDE, log_in
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
        pages.visit("/authenticator")
        pages.press("Set up an authenticator")
        pages.look()
        pages.press("Confirm")
        pages.look(422)
        sites.sql("UPDATE console_authenticators SET confirmed_at = now() RETURNING 1 AS one")
        pages.visit("/authenticator")
        pages.visit("/break-glass")
        pages.press("Use the code")
        pages.look(422)


def test_views_approvals_drift_and_honey_in_every_guise(inspect, sites):
    with inspect("admin", "owner") as pages:
        [asked] = sites.sql(
            """INSERT INTO approvals (expires_at, kind, target, sessions, matched, people, exact, digest, actor, agent, request_id,
            reason_code, reason_admin, reason_user) VALUES (now() + interval '1 hour', 'revoke', '{"site": "store"}', '{}', 101, 101,
            true, '', 'ann@harbour.example', 'curl/8', 'r', 'incident', 'INC-7', 'Sign in again.') RETURNING id"""
        )
        pages.visit("/drift")
        pages.visit("/honey")
        pages.page.get_by_label("Place").fill("nightly backup on host b2")
        pages.press("Make a honey token")
        pages.look()
        pages.page.goto(f"{pages.url}/views?query=site%3Dstore%26hide%3Dends")
        pages.press("Save the view")
        pages.look(422)
        pages.page.get_by_label("Name").fill("Store")
        pages.press("Save the view")
        pages.visit("/sessions?site=store&hide=ends")
        pages.visit("/views")
        pages.visit("/approvals")
        pages.visit(f"/approvals/{asked['id']}")


def test_new_sessions_are_announced_and_ticks_stay(sites, somebody):
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


def test_a_link_from_another_site_finds_its_admin_signed_in(sites, somebody):
    page = somebody()
    log_in(page, sites.urls["admin"], "viewer")
    link = f"{sites.urls['admin']}/sessions?ip=203.0.113.9"
    page.goto(sites.urls["store"])
    page.evaluate("address => { location.href = address }", link)
    expect(page.get_by_role("heading", level=1)).to_have_text("Sessions")
    # Signed out, the second request leads to the login, and there it ends.
    page.get_by_role("button", name="Log out").click()
    page.goto(sites.urls["store"])
    page.evaluate("address => { location.href = address }", link)
    expect(page.get_by_label("Password")).to_be_visible()


MANY = """INSERT INTO sessions (site, user_id, user_name, roles, created_at, authenticated_at, absolute_end, idle_end,
    last_seen_at)
  SELECT 'store', gen_random_uuid(), 'Ann' || n, '{}', now() - n * interval '1 second', now(), now() + interval '1 day',
    now() + interval '1 hour', now() FROM generate_series(1, 70) n"""


def test_shortcuts_are_off_until_they_are_turned_on_and_never_act_in_a_field(sites, inspect):
    sites.sql(MANY)
    with inspect("admin", "responder") as pages:
        page = pages.page
        page.goto(f"{pages.url}/sessions?site=store")
        page.keyboard.press("a")
        expect(page.get_by_role("heading", level=1)).to_have_text("Sessions")
        pages.visit("/help")
        page.get_by_role("button", name="Turn shortcuts on").click()
        expect(page.get_by_text("Shortcuts are on")).to_be_visible()
        page.keyboard.press("s")
        expect(page.get_by_role("heading", level=1)).to_have_text("Sessions")
        page.keyboard.press("/")
        page.keyboard.type("sea")
        expect(page.get_by_role("searchbox")).to_have_value("sea")
        page.get_by_role("link", name="Details").first.focus()
        page.keyboard.press("j")
        page.keyboard.press("j")
        page.keyboard.press("k")
        page.keyboard.press("Space")
        expect(page.get_by_text("1 of 29 selected")).to_be_visible()
        page.keyboard.press("e")
        expect(page.get_by_role("heading", level=1)).to_have_text("End 1 session?")
    assert sites.sql("SELECT 1 FROM revocations") == []


# Rows of the list that are seen whole: above the bar with the acts, which stays in front of them.
SEEN = """() => {
  const bar = document.querySelector("#actions").getBoundingClientRect().top;
  return [...document.querySelectorAll("tbody tr")].filter(row => row.getBoundingClientRect().bottom <= bar + 1).length;
}"""


def scroll_one_screen(page):
    page.evaluate("scrollTo(0, innerHeight)")


def test_ticks_stay_over_pages_and_back_and_the_acts_are_near(sites, somebody):
    sites.sql(MANY)
    page = somebody(viewport=WIDE)
    log_in(page, sites.urls["admin"], "responder")
    page.goto(f"{sites.urls['admin']}/sessions?site=store")
    assert page.evaluate(SEEN) >= 20
    page.set_viewport_size(NARROW)
    scroll_one_screen(page)
    for name in ("End the selected sessions…", "Quarantine…", "End all that match…"):
        expect(page.get_by_role("button", name=name)).to_be_in_viewport(ratio=1)
    page.set_viewport_size(WIDE)
    page.get_by_role("checkbox", name="Select the session of Ann3,").check()
    page.get_by_role("button", name="Older").click()
    expect(page.get_by_text("1 on other pages")).to_be_visible()
    last = page.get_by_role("checkbox", name="Select the session of Ann60,")
    last.check()
    expect(page.get_by_role("button", name="Quarantine…")).to_be_in_viewport()
    page.go_back()
    expect(page.get_by_role("checkbox", name="Select the session of Ann3,")).to_be_checked()
    page.go_forward()
    expect(last).to_be_checked()
    page.reload()
    expect(last).to_be_checked()
    # From any stop in the list the acts are twelve keys away at most; Back brings the ticks.
    page.get_by_role("link", name="Details of the session of Ann45,").focus()
    passed = 0
    while page.evaluate("document.activeElement.textContent") != "To the actions":
        page.keyboard.press("Tab")
        passed += 1
    page.keyboard.press("Enter")
    while page.evaluate("document.activeElement.textContent") != "Quarantine…":
        page.keyboard.press("Tab")
        passed += 1
    assert passed <= 10
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Quarantine 2 sessions of 2 people?")
    page.set_viewport_size(NARROW)
    scroll_one_screen(page)
    expect(page.get_by_label("Reason")).to_be_in_viewport(ratio=1)
    expect(page.get_by_role("button", name="Quarantine 2 sessions")).to_be_in_viewport(ratio=1)
    page.set_viewport_size(WIDE)
    page.go_back()
    expect(last).to_be_checked()


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


def test_each_act_is_on_the_screen_or_one_further(sites, somebody):
    """The sessions that an act reaches stand below it: with fifty of them it would be many screens away."""
    sites.sql(MANY)
    page = somebody(viewport=WIDE)
    log_in(page, sites.urls["admin"], "owner")
    [session] = sites.sql("SELECT id FROM sessions WHERE user_name = 'Ann1'")
    [rule] = sites.sql(
        """INSERT INTO standing_rules (until, site, device, actor, reason_code, reason_admin, reason_user)
        VALUES (now() + interval '1 hour', 'store', 'unknown', 'somebody', 'incident', '', '') RETURNING id"""
    )
    [incident] = sites.sql(
        """INSERT INTO incidents (name, ticket, actor, filter, reason_code, user_text)
        VALUES ('Anns', '', 'somebody', 'user=Ann', 'incident', '') RETURNING id"""
    )
    for path, act in (
        (f"/sessions/{session['id']}#revoke", "End this session"),
        ("/sessions/revoke?filter=user%3DAnn", "End 70 sessions"),
        ("/revoke-everyone", "End all these sessions"),
        (f"/rules/{rule['id']}/lift", "Lift the rule"),
        (f"/incidents/{incident['id']}/contain", "Contain"),
    ):
        page.set_viewport_size(WIDE)
        page.goto(sites.urls["admin"] + path)
        expect(page.get_by_role("button", name=act).first).to_be_in_viewport(ratio=1)
        page.set_viewport_size(NARROW)
        page.goto(f"{sites.urls['admin']}/help")
        page.goto(sites.urls["admin"] + path)
        if "#" not in path:
            scroll_one_screen(page)
        expect(page.get_by_role("button", name=act).first).to_be_in_viewport(ratio=1)
    page.goto(f"{sites.urls['admin']}/sessions/{session['id']}")
    page.get_by_role("link", name="To the actions").click()
    expect(page.get_by_role("button", name="End this session")).to_be_in_viewport(ratio=1)
