"""Enter in a field, or on a ticked box, presses the first submit button of its form. Each page is parsed for it: where a
form has several, the first one does what the form itself says, for all that was typed or ticked, and not for one row.
"""

import random
import uuid
from collections import Counter, defaultdict
from typing import Any
from urllib.parse import urlsplit

from bs4 import BeautifulSoup, SoupStrainer
from pyramid.interfaces import IRoutesMapper
from pyramid.request import Request
from support import person

from shopforum.dev.sample import forums as forums_sample
from shopforum.dev.sample import store as store_sample
from shopforum.dev.sample.crowd import crowd

# Links to a route that are followed, beside the addresses that a case names.
OF_A_ROUTE = 5
# Paths that following links must not reach, or that are no pages.
_NO_PAGES = ("/static/", "/api/", "/sessions/export", "/audit/export")


def parsed(html: str) -> BeautifulSoup:
    """The forms, buttons and links of a page."""
    return BeautifulSoup(html, "html.parser", parse_only=SoupStrainer(["form", "button", "input", "a"]))


def wrong(soup: BeautifulSoup) -> list[str]:
    """The first buttons that are another's than their form's, on a page."""
    by_form: dict[int, list[Any]] = defaultdict(list)
    owners = {form["id"]: form for form in soup.find_all("form", id=True)}
    for button in soup.find_all(["button", "input"]):
        if button.get("type", "submit" if button.name == "button" else "text") not in ("submit", "image"):
            continue
        form = owners.get(button["form"]) if button.has_attr("form") else button.find_parent("form")
        if form is not None:
            by_form[id(form)].append(button)
    several = [buttons for buttons in by_form.values() if len(buttons) > 1]
    return [
        str(first)
        for first, *_ in several
        if first.has_attr("name") or first.has_attr("formaction") or first.has_attr("disabled")
    ]


def people() -> list[tuple[uuid.UUID, str]]:
    logins = [(uuid.UUID(person(who).id), person(who).first_name) for who in ("member", "moderator")]
    return [*logins, *((one.id, one.name) for one in crowd(random.Random(3), 20))]


def test_the_checker_finds_what_is_wrong():
    right = (
        "<form id=a><button>x</button><button name=b>y</button></form><button form=a formaction=/z>z</button>"
    )
    assert wrong(parsed(right)) == []
    assert wrong(parsed("<button form=a formaction=/z>z</button><form id=a><button>x</button></form>"))
    assert wrong(parsed("<form><button name=only>x</button><button>y</button></form>"))
    assert wrong(parsed("<form><button disabled>x</button><button>y</button></form>"))
    assert (
        wrong(parsed("<form><button type=button name=q>q</button><button name=only>x</button></form>")) == []
    )


CASES = [
    ("store", None, ["/"]),
    ("store", "shopper", ["/", "/shopping-cart", "/account/sessions"]),
    ("forums", None, ["/"]),
    ("forums", "member", ["/", "/account/sessions", "/inbox"]),
    ("forums", "moderator", ["/"]),
    ("admin", "viewer", ["/"]),
    ("admin", "responder", ["/", "/sessions", "/sessions?flag=quarantined", "/rules"]),
    ("admin", "owner", ["/", "/sessions?site=store", "/rules", "/tokens", "/revoke-everyone"]),
]


def test_enter_presses_the_forms_own_button(apps, browser, sql):
    with apps["store"].services.db.transaction() as connection:
        store_sample.seed(connection, [uuid.uuid4()], random.Random(1))
        forums_sample.seed(connection, people(), random.Random(2))
    for name in ("shopper", "member"):
        for number in range(2):
            browser("store", f"192.0.2.{number + 1}").log_in(name)
            browser("forums", f"192.0.2.{number + 1}").log_in(name) if name == "member" else None
    sql(
        "UPDATE sessions SET quarantined_at = now(), quarantine_reason = 'test' WHERE last_address = '192.0.2.2'"
    )
    slugs = [row["slug"] for row in sql("SELECT slug FROM products WHERE stock > 2 ORDER BY slug LIMIT 2")]
    found: dict[str, list[str]] = {}
    for site, who, starts in CASES:
        client = browser(site)
        if who:
            client.log_in(who)
        if site == "store":
            for slug in slugs:
                pages = client.get(f"/products/{slug}").forms.values()
                next(form for form in pages if "product" in form.fields).submit(status=303)
        seen, wrongs = crawled(client, starts)
        found |= {f"{who or 'a visitor'} at {site}{address}": said for address, said in wrongs.items()}
        assert seen > 3, (site, who)
    assert found == {}


def crawled(client: Any, starts: list[str]) -> tuple[int, dict[str, list[str]]]:
    """Follow the links of the pages, a few of each route. Returns how many pages there were, and the wrong buttons by page."""
    route_of, visits = routes_of(client.app), Counter[str]()
    due, known = list(starts), set(starts)
    pages, found = 0, {}
    for address in due:
        route = route_of(address)
        visits[route] += 1
        if visits[route] > OF_A_ROUTE and address not in starts:
            continue
        page = client.get(address, expect_errors=True)
        if page.status_int != 200 or "html" not in page.content_type:
            continue
        pages += 1
        soup = parsed(page.text)
        if said := wrong(soup):
            found[address] = said
        for link in soup.find_all("a", href=True):
            parts = urlsplit(link["href"])
            to = parts.path + (f"?{parts.query}" if parts.query else "")
            if not parts.netloc and parts.path and not parts.path.startswith(_NO_PAGES) and to not in known:
                known.add(to)
                due.append(to)
    return pages, found


def routes_of(app: Any) -> Any:
    """`route_of(address)`: the name of the route that serves it."""
    mapper = app.registry.getUtility(IRoutesMapper)

    def route_of(address: str) -> str:
        route = mapper(Request.blank(address))["route"]
        return route.name if route else ""

    return route_of
