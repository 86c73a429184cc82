"""Helpers that log in and check a page: in light and dark, wide and narrow, for everything that can be
told by a machine."""

import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page, Request, Response, expect
from support import person

from shopforum.dev.sample import forums as forums_sample
from shopforum.dev.sample.crowd import crowd

PEOPLE = [(p.id, p.name, p.email) for p in crowd(random.Random(3), 20)]

WIDE, NARROW = {"width": 1280, "height": 800}, {"width": 320, "height": 640}
# Axe's rules that judge what is painted, and all of them.
PAINTED = ("color-contrast", "link-in-text-block", "scrollable-region-focusable", "target-size")
EVERY = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
# Width, scheme, and the rules. Each result depends on the width or on the scheme, never on both, so two combinations
# show all of it. The text for a screen reader depends on neither.
GUISES = ((WIDE, "light", {"type": "rule", "values": list(PAINTED)}), (NARROW, "dark", EVERY))

PAGE_LIMIT, STYLE_LIMIT, SCRIPT_LIMIT = 100_000, 20_000, 15_000

# Three quarters of axe's work are contrast, and most of a page is painted like the one before: header, buttons, rows of a list.
# Of what is painted alike from the root of the page to the words, one is looked at in each scheme: contrast follows from that.
# The rows of a long list are like the first ones. A bar that sticks is judged where it stands in the page: it covers in part
# whatever the place of scrolling puts beneath it.
# One rule is experimental to axe, but level A: who speaks to a computer says what stands on the button.
_AXE = """async ({runOnly, known}) => {
  const alike = ["tbody tr:nth-child(n+9)", "main li:nth-child(n+9)", "main article:nth-of-type(n+9)"];
  const paints = new Map([[null, 0]]), seen = new Set(known), added = [];
  const paint = element => {
    if (!paints.has(element)) {
      const {color, backgroundColor, backgroundImage, opacity, fontSize, fontWeight, position} = getComputedStyle(element);
      const own = [element.localName, element.className, element.matches(":disabled, [aria-disabled=true]"), color,
        backgroundColor, backgroundImage, opacity, fontSize, fontWeight, position].join();
      let hash = paint(element.parentElement);
      for (let i = 0; i < own.length; i++) hash = Math.imul(hash ^ own.charCodeAt(i), 0x01000193);
      paints.set(element, hash);
    }
    return paints.get(element);
  };
  for (const element of document.body.querySelectorAll("*")) {
    const words = element.matches("input, select, textarea") || [...element.childNodes].some(n => n.nodeType === 3 && n.data.trim());
    const looked = words && element.checkVisibility() && !element.closest(alike.join()) && !seen.has(paint(element));
    element.toggleAttribute("data-new-paint", looked);
    if (looked) {
      seen.add(paint(element));
      added.push(paint(element));
    }
  }
  axe.configure({rules: [{id: "color-contrast", selector: "[data-new-paint]"}]});
  const rules = runOnly.type === "tag" ? {"label-content-name-mismatch": {enabled: true}} : {};
  const options = {runOnly, rules, resultTypes: ["violations"], selectors: false, preload: false};
  const sticky = [...document.body.querySelectorAll("*")].filter(e => getComputedStyle(e).position === "sticky");
  sticky.forEach(e => e.style.position = "static");
  const {violations} = await axe.run({exclude: alike}, options);
  sticky.forEach(e => e.style.position = "");
  const text = (v, n) => `${v.id}: ${n.html} ${n.failureSummary.split("\\n").slice(1)}`;
  return {added, wrong: violations.flatMap(v => v.nodes.map(n => text(v, n)))};
}"""

# Checks that axe does not make, or not everywhere.
_ONCE = """() => {
  const wrong = [], headings = document.querySelectorAll("h1").length;
  if (headings !== 1) wrong.push(`${headings} first headings`);
  for (const image of document.images) {
    if (!image.hasAttribute("width") || !image.hasAttribute("height")) wrong.push(`no size: ${image.outerHTML}`);
  }
  const loaded = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")];
  const weighed = loaded.filter(e => e.initiatorType !== "img" && !/[.]svg/.test(e.name));
  return {wrong, title: document.title, sizes: Object.fromEntries(weighed.map(e => [e.name, e.encodedBodySize]))};
}"""
_EACH = """() => {
  const wrong = [], root = document.documentElement;
  if (root.scrollWidth > root.clientWidth) {
    const out = [...document.body.querySelectorAll("*")].find(e => e.getBoundingClientRect().right > root.clientWidth);
    wrong.push(`scrolls sideways: ${root.scrollWidth} px, ${out?.outerHTML.slice(0, 120)}`);
  }
  for (const control of document.querySelectorAll("button, input, select, textarea, summary, .btn")) {
    const {width, height} = control.getBoundingClientRect();
    if (control.checkVisibility() && width * height && (width < 24 || height < 24)) {
      wrong.push(`${width} by ${height} px: ${control.outerHTML.slice(0, 120)}`);
    }
  }
  return wrong;
}"""


def log_in(page: Page, url: str, who: str) -> None:
    """Go to a site's login page and log in there."""
    page.goto(f"{url}/login")
    fill_in_login(page, who)


def fill_in_login(page: Page, who: str, password: str | None = None) -> None:
    """Fill in the login form that stands there, as a person would; wait for what comes."""
    page.get_by_label("E-mail address").fill(person(who).email)
    page.get_by_label("Password").fill(password or person(who).password)
    with page.expect_navigation():
        page.get_by_role("main").get_by_role("button", name="Log in").click()


def seed(sites: Any, site: str, module: Any, people: list[Any]) -> None:
    """Put a sample into the database."""
    with sites.apps[site].services.db.transaction() as connection:
        module.seed(connection, people, random.Random(5))


def seed_forums(sites: Any) -> None:
    """Topics and posts of the crowd, a member and a moderator among it."""
    logins = [
        (UUID(person(who).id), f"{person(who).first_name} {person(who).last_name}")
        for who in ("member", "moderator")
    ]
    seed(sites, "forums", forums_sample, [*logins, *((user_id, name) for user_id, name, _ in PEOPLE)])


def send(pages: "Inspector", selector: str, **fields: str) -> None:
    """Send a form with these values as they are, whatever its controls would make of them."""
    with pages.page.expect_navigation():
        pages.page.locator(selector).evaluate(
            """(form, fields) => {
                for (const [name, value] of Object.entries(fields)) {
                    for (const old of form.querySelectorAll(`[name=${name}]`)) old.remove();
                    form.append(Object.assign(document.createElement("input"), {type: "hidden", name, value}));
                }
                form.noValidate = true;
                form.submit();
            }""",
            fields,
        )


@dataclass
class Inspector:
    """Goes through the pages of a site and notes what is wrong with each: what axe finds, what scrolls sideways, what
    is too small or too heavy, and what comes from elsewhere.
    """

    page: Page
    url: str
    wrong: dict[str, list[str]] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)
    last: Response = field(init=False)
    painted: dict[str, list[int]] = field(default_factory=lambda: {scheme: [] for _, scheme, _ in GUISES})

    def __post_init__(self) -> None:
        self.page.add_init_script(AXE_SCRIPT)
        self.page.on("request", self._note_request)
        self.page.on("response", self._note_response)

    def visit(self, path: str, status: int = 200) -> None:
        """Go to an address of the site and look."""
        self.page.goto(self.url + path)
        self.look(status)

    def press(self, name: str) -> None:
        """Press a button of the page, by the beginning of its name, and wait for what comes."""
        with self.page.expect_navigation():
            self.page.get_by_role("main").get_by_role("button", name=re.compile(f"^{name}")).first.click()

    def in_place(self, act: Callable[[], Any]) -> None:
        """Do something that changes the page in place, and wait until it is said."""
        self.page.evaluate("document.getElementById('live')?.remove()")
        with self.page.expect_response(lambda response: response.status != 303) as answer:
            act()
        expect(self.page.locator("#live")).not_to_be_empty()
        self.last = answer.value

    def look(self, status: int = 200) -> None:
        """Look at the page that is there, in every guise."""
        where = f"{self.last.request.method} {self.page.url.removeprefix(self.url)} {self.last.status}"
        wrong = [] if self.last.status == status else [f"status {self.last.status}, not {status}"]
        once = self.page.evaluate(_ONCE)
        self._title(once["title"], wrong)
        self._weight(once["sizes"], wrong)
        wrong += once["wrong"]
        for size, scheme, rules in GUISES:
            self._dress(size, scheme)
            guise = f"{size['width']} {scheme}: "
            found = self.page.evaluate(_AXE, {"runOnly": rules, "known": self.painted[scheme]})
            self.painted[scheme] += found["added"]
            wrong += [guise + text for text in (*self.page.evaluate(_EACH), *found["wrong"])]
        self._dress(WIDE, "light")
        if wrong:
            self.wrong.setdefault(where, []).extend(wrong)

    def _dress(self, size: Any, scheme: Any) -> None:
        if size != self.page.viewport_size:
            self.page.emulate_media(color_scheme=scheme)
            self.page.set_viewport_size(size)

    def _title(self, title: str, wrong: list[str]) -> None:
        if self.last.request.method != "GET":
            return
        path = urlsplit(self.page.url).path
        other = self.titles.setdefault(title, path)
        if other != path:
            wrong.append(f"has the title of {other}: {title}")

    def _weight(self, sizes: dict[str, int], wrong: list[str]) -> None:
        for suffix, limit in ((".css", STYLE_LIMIT), (".js", SCRIPT_LIMIT), ("", PAGE_LIMIT)):
            size = sum(size for name, size in sizes.items() if urlsplit(name).path.endswith(suffix))
            if not 0 < size <= limit:
                wrong.append(f"{size:,} bytes of {suffix or 'everything'}")

    def _note_request(self, request: Request) -> None:
        if not request.url.startswith(f"{self.url}/"):
            self.wrong.setdefault(request.url, []).append("from another origin")

    def _note_response(self, response: Response) -> None:
        if response.request.is_navigation_request():
            self.last = response
        elif response.status >= 400 and response.request.method == "GET":
            self.wrong.setdefault(response.url, []).append(str(response.status))
