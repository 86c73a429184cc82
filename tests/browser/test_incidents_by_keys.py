"""Eight incidents played by keys alone, with FusionAuth up and away: what leaked ends within twelve acts, and nobody else's session
does. On the other side are clients with cookies: people, and thieves who have copied theirs or know a password.

An act is a decision: a key that opens, presses or ticks something, or a field that is filled in. How far Tab has to go is
bounded by `tab_to`.
"""

import json
from dataclasses import dataclass

from browser.page_checks import log_in
from browser.test_keyboard import press_enter, skip_to_content, tab_to
from playwright.sync_api import expect
from support import Browser, person

MOST_ACTS = 12
# Six from a network that guesses passwords, four from a thief's program, three on a list of leaked accounts, and eight honest ones.
LEAKED = """INSERT INTO sessions (site, user_id, user_name, roles, created_at, authenticated_at, absolute_end, idle_end, last_seen_at,
    address, agent, refresh_token_id, epoch)
  SELECT 'store', gen_random_uuid(), kind || i, '{}', now(), now(),
    now() + interval '1 day', now() + interval '1 hour', now(), CAST(network || i AS inet), agent, gen_random_uuid(), counter.n
  FROM (VALUES ('Guessed', 6, '203.0.113.1', 'Firefox'), ('Stolen', 4, '192.0.2.2', 'ThiefKit/1.0'), ('Leaked', 3, '192.0.2.4', 'Firefox'),
    ('Honest', 8, '192.0.2.3', 'Firefox')) k (kind, many, network, agent)
  CROSS JOIN LATERAL generate_series(1, many) i CROSS JOIN revocation_counter counter RETURNING 1"""
PLACES = """INSERT INTO session_places (session_id, address, agent)
  SELECT id, address, agent FROM sessions WHERE site = 'store' ON CONFLICT DO NOTHING RETURNING 1"""
# The admin is as fresh as somebody whom the incident has just called.
FRESH = "UPDATE sessions SET authenticated_at = clock_timestamp() WHERE site = 'admin' AND ended_at IS NULL RETURNING 1"
ALIVE = "SELECT user_name FROM sessions WHERE ended_at IS NULL AND user_name ~ '[0-9]$' ORDER BY user_name"
WAITING = "SELECT 1 FROM revocation_outbox WHERE done_at IS NULL"
INCIDENT = "SELECT id FROM incidents ORDER BY created_at DESC, id DESC LIMIT 1"


@dataclass
class Clients:
    """The clients of a round: people in their browsers, and thieves."""

    victim: Browser
    copier: Browser
    member: Browser
    guesser: Browser
    laptop: Browser
    phone: Browser
    bystander: Browser


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

    def tick_next(self):
        self.acts += 1
        self.page.keyboard.press("j")
        self.page.keyboard.press("Space")

    def end_ticked(self, asked):
        self.shortcut("e", asked)

    def submit(self):
        """Send the form of the field with Enter."""
        self.acts += 1
        press_enter(self.page)
        skip_to_content(self.page)

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
    keys.open("Session of Sam Shore on store")
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


def end_and_block_a_person(keys):
    """A person whose password is known: all sessions, and no login."""
    keys.search(person("member").id)
    keys.open("End all and block sign-in")
    keys.fill("Reason", "Inc")
    keys.press("End 2 sessions")


def end_all_but_one(keys):
    """A person at the telephone who names the session that is the right one: the newest."""
    keys.search(person("moderator").id)
    keys.open("All but this")
    keys.fill("Reason", "The")
    keys.press("End 1 session")


def quarantine_in_doubt(keys):
    """A person who cannot be reached: nothing is served, and nothing ends."""
    keys.search(person("moderator").id)
    keys.open("Quarantine")
    keys.fill("Reason", "Sus")
    keys.press("Quarantine 1 session")


def end_chosen_ones(keys):
    """Some of a list, ticked row by row."""
    keys.shortcut("s", "Sessions")
    keys.fill("User", "Leaked")
    keys.submit()
    for _ in range(3):
        keys.tick_next()
    keys.end_ticked("End 3 sessions of 3 people?")
    keys.fill("Reason", "Inc")
    keys.press("End 3 sessions")


def end_everyone(keys):
    """The database has leaked."""
    keys.shortcut("d", "Dashboard")
    keys.open("End everyone")
    keys.fill("Reason", "Inc")
    keys.fill("Type the word", "everyone")
    keys.press("End all these sessions")


PLAYS = {
    end_copied_cookies: "",
    end_a_network: "Guessed",
    contain_a_browser: "Stolen",
    end_and_block_a_person: "",
    end_all_but_one: "",
    quarantine_in_doubt: "",
    end_chosen_ones: "Leaked",
    end_everyone: "Honest",
}


def client(sites, site, who, address):
    made = Browser(sites.apps[site], sites.urls[site], address)
    made.log_in(who, status=302)
    return made


def arrive(sites):
    """Let the people sign in, and the thieves get hold of what they use."""
    victim = client(sites, "store", "shopper", "192.0.2.50")
    product = victim.get("/products/stoneware-mug")
    next(form for form in product.forms.values() if form.action == "/shopping-cart/items").submit(status=303)
    copier = Browser(sites.apps["store"], sites.urls["store"], "198.51.100.9")
    refresh = next(cookie for cookie in victim.cookiejar if cookie.name == "__Host-refresh")
    copier.get("/shopping-cart", headers={"Cookie": f"__Host-refresh={refresh.value}"}, status=302)
    for cookie in victim.cookiejar:
        copier.cookiejar.set_cookie(cookie)
    return Clients(
        victim,
        copier,
        client(sites, "forums", "member", "192.0.2.51"),
        client(sites, "forums", "member", "198.51.100.10"),
        client(sites, "forums", "moderator", "198.51.100.11"),
        client(sites, "forums", "moderator", "192.0.2.52"),
        client(sites, "store", "shopper", "192.0.2.53"),
    )


def lives(browser):
    path = "/shopping-cart" if "store" in browser.extra_environ["HTTP_HOST"] else "/posts"
    return browser.get(path, expect_errors=True).status_int == 200


def test_eight_incidents_within_twelve_acts_with_fusionauth_up_and_away(sites, somebody, idp):
    page = somebody()
    log_in(page, sites.urls["admin"], "owner")
    page.evaluate("localStorage.setItem('shortcuts', 'on')")
    for away in (False, True):
        sites.sql("DELETE FROM standing_rules RETURNING 1")
        sites.sql(LEAKED)
        sites.sql(PLACES)
        sites.sql(FRESH)
        people = arrive(sites)
        # For each incident with clients on the other side: those that it ends, and those that are served before and after.
        after = {
            end_copied_cookies: ((people.victim, people.copier), ()),
            end_and_block_a_person: ((people.member, people.guesser), ()),
            end_all_but_one: ((people.laptop,), (people.phone,)),
            quarantine_in_doubt: ((people.phone,), ()),
            end_everyone: ((people.bystander,), ()),
        }
        if away:
            idp.hook("fail", path="/", times=10_000, status=503)
        left = [row["user_name"] for row in sites.sql(ALIVE)]
        for play, ended in PLAYS.items():
            gone, stay = after.get(play, ((), (people.bystander,)))
            assert all(map(lives, (*gone, *stay))), play
            keys = Keys(page)
            page.goto(f"{sites.urls['admin']}/")
            play(keys)
            assert keys.acts <= MOST_ACTS, play
            if ended:
                left = [name for name in left if not name.startswith(ended)]
            assert [row["user_name"] for row in sites.sql(ALIVE)] == left, play
            assert not any(map(lives, gone)), play
            assert all(map(lives, stay)), play
        # The report names what was done, and the seal up to which the audit log proves it.
        report = f"/incidents/{sites.sql(INCIDENT)[0]['id']}/report"
        first = json.loads(page.evaluate("url => fetch(url).then(r => r.text())", report).splitlines()[0])
        assert (first["status"]["alive"], first["status"]["ended"]) == (0, 4)
        assert first["audit_head"]
        if away:
            assert sites.sql(WAITING), "FusionAuth will be told"
        else:
            assert people.guesser.log_in("member", status=422), "the password alone is of no use"
            people.victim.log_in("shopper", status=302)
            assert "Stoneware" in people.victim.get("/shopping-cart"), "nothing is lost"
            people.victim.reset()
