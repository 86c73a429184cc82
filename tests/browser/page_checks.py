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

TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
PEOPLE = [(p.id, p.name, p.email) for p in crowd(random.Random(3), 20)]

WIDE, NARROW = {"width": 1280, "height": 800}, {"width": 320, "height": 640}
# Width, scheme, and whether axe runs. What it reads depends on the width or on the scheme, never on both: twice will do.
# From one to the next, and from the last to the first, one of both changes.
GUISES = ((WIDE, "light", True), (WIDE, "dark", False), (NARROW, "dark", True), (NARROW, "light", False))

PAGE_LIMIT, STYLE_LIMIT, SCRIPT_LIMIT = 100_000, 20_000, 15_000

# One rule is experimental to axe, but level A: who speaks to a computer says what stands on the button. The rows of a long
# list are like the first ones, and the contrast of each of their words is most of what axe does.
_AXE = """async (runOnly) => {
  const rules = {"label-content-name-mismatch": {enabled: true}};
  const alike = {exclude: ["tbody tr:nth-child(n+9)", "main li:nth-child(n+9)", "main article:nth-of-type(n+9)"]};
  const options = {runOnly, rules, resultTypes: ["violations"], selectors: false, preload: false};
  const {violations} = await axe.run(alike, options);
  return violations.flatMap(v => v.nodes.map(n => `${v.id}: ${n.html} ${n.failureSummary.split("\\n").slice(1)}`));
}"""

# What axe does not check, or not everywhere.
_ONCE = """() => {
  const wrong = [], headings = document.querySelectorAll("h1").length;
  if (headings !== 1) wrong.push(`${headings} first headings`);
  for (const image of document.images) {
    if (!image.hasAttribute("width") || !image.hasAttribute("height")) wrong.push(`no size: ${image.outerHTML}`);
  }
  return wrong;
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
_WEIGHT = """() => Object.fromEntries([...performance.getEntriesByType("navigation"),
  ...performance.getEntriesByType("resource")].filter(e => e.initiatorType !== "img" && !/[.]svg/.test(e.name))
  .map(e => [e.name, e.encodedBodySize]))"""


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
    scheme: str = ""

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
        self._title(wrong)
        self._weight(wrong)
        wrong += self.page.evaluate(_ONCE)
        for size, scheme, with_axe in GUISES:
            self._dress(size, scheme)
            guise = f"{size['width']} {scheme}: "
            found = self.page.evaluate(_EACH) + (self.page.evaluate(_AXE, list(TAGS)) if with_axe else [])
            wrong += [guise + text for text in found]
        self._dress(WIDE, "light")
        if wrong:
            self.wrong.setdefault(where, []).extend(wrong)

    def _dress(self, size: Any, scheme: Any) -> None:
        if scheme != self.scheme:
            self.page.emulate_media(color_scheme=scheme)
            self.scheme = scheme
        if size != self.page.viewport_size:
            self.page.set_viewport_size(size)

    def _title(self, wrong: list[str]) -> None:
        if self.last.request.method != "GET":
            return
        title, path = self.page.title(), urlsplit(self.page.url).path
        other = self.titles.setdefault(title, path)
        if other != path:
            wrong.append(f"has the title of {other}: {title}")

    def _weight(self, wrong: list[str]) -> None:
        sizes = self.page.evaluate(_WEIGHT)
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
