"""Nothing on a page moves while it loads, even where its script and its typeface come after the first paint."""

import re
from uuid import UUID

from browser.page_checks import NARROW, WIDE, log_in, seed, seed_forums
from support import person

from shopforum.dev.sample import store as store_sample

_WATCH = """
window.moved = [];
window.shifts = new PerformanceObserver(list => note(list.getEntries()));
window.note = entries => moved.push(...entries.map(entry =>
  `${entry.value.toFixed(4)} ${entry.sources.map(source => source.node && (source.node.className || source.node.nodeName))}`));
shifts.observe({type: "layout-shift", buffered: true});
"""
_PAINTED = """() => new Promise(done => new PerformanceObserver(
  list => list.getEntriesByName("first-contentful-paint").length && done()
).observe({type: "paint", buffered: true}))"""
# Two frames after everything has been loaded, whatever the script has done is drawn.
_MOVED = """() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => {
  note(shifts.takeRecords()); done(moved) })))"""


def test_nothing_moves_when_script_and_typeface_come_late(sites, somebody):
    seed(sites, "store", store_sample, [UUID(person("member").id)])
    seed_forums(sites)
    [product] = sites.sql("SELECT slug FROM products WHERE stock > 2 ORDER BY slug LIMIT 1")
    [topic] = sites.sql("SELECT min(id) AS id FROM forum_topics WHERE NOT hidden")
    page = somebody()
    held = []

    def hold(route):
        held.append(route)

    log_in(page, sites.urls["store"], "member")
    log_in(page, sites.urls["forums"], "member")
    page.add_init_script(_WATCH)
    page.route(re.compile(r"/static/(app\.js|figtree\.woff2)"), hold)
    moved = {}
    for site, path, size in (
        ("store", "/", NARROW),
        ("store", f"/products/{product['slug']}", NARROW),
        ("store", "/shopping-cart", WIDE),
        ("forums", "/", WIDE),
        ("forums", f"/topics/{topic['id']}", WIDE),
        ("forums", "/categories/kitchen/topics", NARROW),
        ("forums", "/categories/kitchen/topics", WIDE),
    ):
        page.set_viewport_size(size)
        page.goto(sites.urls[site] + path, wait_until="commit")
        page.evaluate(_PAINTED)
        assert held, path
        while held:
            held.pop().continue_()
        page.wait_for_load_state("load")
        page.evaluate("document.fonts.ready.then(() => 0)")
        if found := page.evaluate(_MOVED):
            moved[path, size["width"]] = found
    assert moved == {}
