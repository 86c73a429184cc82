"""Incidents played by keys alone, with FusionAuth up and away: what leaked ends within twelve acts, and nobody else's session does.

An act is a decision: a key that opens, presses or ticks something, or a field that is filled in. How far Tab has to go is
bounded by `tab_to`.
"""

from browser.page_checks import log_in
from browser.test_keyboard import press_enter, skip_to_content, tab_to
from playwright.sync_api import expect

MOST_ACTS = 12
# One whose cookies were copied, six from a network that guesses passwords, four from a thief's program, and eight honest ones.
LEAKED = """INSERT INTO sessions (site, user_id, user_name, roles, created_at, authenticated_at, absolute_end, idle_end, last_seen_at,
    address, agent, refresh_token_id)
  SELECT 'store', gen_random_uuid(), kind || n, '{}', now(), now(), now() + interval '1 day', now() + interval '1 hour', now(),
    CAST(network || n AS inet), agent, gen_random_uuid()
  FROM (VALUES ('Copied', 1, '192.0.2.1', 'Firefox'), ('Guessed', 6, '203.0.113.1', 'Firefox'),
    ('Stolen', 4, '192.0.2.2', 'ThiefKit/1.0'), ('Honest', 8, '192.0.2.3', 'Firefox')) k (kind, many, network, agent)
  CROSS JOIN LATERAL generate_series(1, many) n RETURNING 1"""
PLACES = """INSERT INTO session_places (session_id, address, agent)
  SELECT id, address, agent FROM sessions WHERE site = 'store' ON CONFLICT DO NOTHING RETURNING 1"""
FLAG = """INSERT INTO session_flags (session_id, kind, last_address)
  SELECT id, 'other_browser', '198.51.100.9' FROM sessions WHERE user_name = 'Copied1' AND ended_at IS NULL RETURNING 1"""
ALIVE = "SELECT user_name FROM sessions WHERE site = 'store' AND ended_at IS NULL ORDER BY user_name"


class Keys:
    """An admin at the keyboard, who counts the acts of an incident."""

    def __init__(self, page):
        self.page = page
        self.acts = 0

    def shortcut(self, key, heading):
        self.acts += 1
        self.page.keyboard.press(key)
        expect(self.page.get_by_role("heading", level=1)).to_have_text(heading)
        skip_to_content(self.page)

    def search(self, words):
        self.acts += 2
        self.page.keyboard.press("/")
        self.page.keyboard.type(words)
        press_enter(self.page)
        skip_to_content(self.page)

    def fill(self, label, words):
        self.acts += 1
        tab_to(self.page, label)
        self.page.keyboard.type(words)

    def tick(self, label):
        self.acts += 1
        tab_to(self.page, label)
        self.page.keyboard.press("Space")

    def press(self, name):
        self.acts += 1
        tab_to(self.page, name)
        press_enter(self.page)

    def jump(self, name):
        """Follow a link within the page, or open a part of it."""
        self.acts += 1
        tab_to(self.page, name)
        self.page.keyboard.press("Enter")

    def open(self, name):
        self.press(name)
        skip_to_content(self.page)


def end_copied_cookies(keys):
    """From the dashboard to the flagged session."""
    keys.shortcut("d", "Dashboard")
    keys.open("Session of Copied1 on store")
    keys.fill("Reason", "Sus")
    keys.press("End this session")


def end_a_network(keys):
    """All that came from a network, and no login from there."""
    keys.search("203.0.113.0/24")
    keys.jump("To the actions")
    keys.open("End all that match")
    keys.fill("Reason", "Inc")
    keys.tick("Also refuse what matches")
    keys.press("End 6 sessions")


def contain_a_browser(keys):
    """An incident about a thief's program, with a name and a ticket, contained."""
    keys.shortcut("i", "Incidents")
    keys.jump("Open an incident")
    keys.fill("Name", "ThiefKit")
    keys.fill("Ticket", "INC-7")
    keys.fill("Device", "ThiefKit")
    keys.fill("Reason", "Inc")
    keys.press("Open the incident")
    keys.open("Contain")
    keys.press("Contain")
    expect(keys.page.get_by_role("main")).to_contain_text("0 alive of 4, checked at")


PLAYS = {end_copied_cookies: "Copied", end_a_network: "Guessed", contain_a_browser: "Stolen"}


def test_incidents_within_twelve_acts_with_fusionauth_up_and_away(sites, somebody, idp):
    page = somebody()
    log_in(page, sites.urls["admin"], "owner")
    page.evaluate("localStorage.setItem('shortcuts', 'on')")
    for away in (False, True):
        sites.sql("DELETE FROM standing_rules RETURNING 1")
        sites.sql(LEAKED)
        sites.sql(PLACES)
        sites.sql(FLAG)
        if away:
            idp.hook("fail", path="/", times=10_000, status=503)
        left = [row["user_name"] for row in sites.sql(ALIVE)]
        for play, ended in PLAYS.items():
            keys = Keys(page)
            page.goto(f"{sites.urls['admin']}/")
            play(keys)
            assert keys.acts <= MOST_ACTS, play
            left = [name for name in left if not name.startswith(ended)]
            assert [row["user_name"] for row in sites.sql(ALIVE)] == left, play
        waiting = sites.sql("SELECT 1 FROM revocation_outbox WHERE done_at IS NULL")
        assert len(waiting) == (11 if away else 0)
