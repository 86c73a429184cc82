import random

import pytest

from shopforum.core.paging import decode, encode
from shopforum.dev.sample import store as sample
from shopforum.store import search

pytestmark = pytest.mark.usefixtures("stocked")


def names(page):
    return [card.text for card in page.html.select(".card h3")]


@pytest.fixture
def full(stocked):
    with stocked.db.transaction() as connection:
        sample.seed(connection, [], random.Random(1))
    return stocked


def test_the_homepage_shows_goods_and_a_login_link(store, full):
    page = store.get("/", status=200)
    assert page.html.select_one('a[href="/login"]')
    assert "Vacuum flask" in names(page)
    assert "Floor lamp" in names(page.click("Lighting"))


def test_goods_by_category_words_and_price(store):
    assert names(store.get("/products?category=desk")) == ["Desk clock", "Fountain pen", "Linen notebook"]
    assert names(store.get("/products?q=pens")) == ["Fountain pen"]
    assert names(store.get("/products?category=desk&q=mug")) == []
    assert names(store.get("/products?sort=price"))[0] == "Stoneware mug"
    assert names(store.get("/products?sort=-price"))[0] == "Wool blanket"


def test_nothing_found_says_so_and_leads_on(store):
    page = store.get("/products?q=submarine")
    assert page.html.select_one(".empty h2").text == "Nothing found"
    assert names(page.click("Lighting")) == ["Globe light"]


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("lam", "Desk lamp"),
        ("lamps", "Desk lamp"),
        ("DESK LAM", "Desk lamp"),
        ("cofee", "Pour-over coffee set"),
        ("knives", "Chef's knife"),
        ("notbook", "Linen notebook"),
        ("notbok linnen", "Linen notebook"),
        ("lámp désk", "Desk lamp"),
        ("flask submarine", "Vacuum flask"),
    ],
)
def test_a_search_forgives(store, full, words, name):
    page = store.get("/products", {"q": words})
    assert name in names(page)
    assert page.html.select_one(".lead").text.strip().endswith(("product", "products"))


def test_accents_in_the_catalogue_need_not_be_typed(store, stocked):
    stocked.sql("UPDATE products SET name = 'Crème brûlée dish' WHERE slug = 'stoneware-mug'")
    for words in ("creme brulee", "CRÈME", "brule"):
        assert names(store.get("/products", {"q": words})) == ["Crème brûlée dish"], words
    [marked] = store.get("/products?q=creme").html.select(".card h3 mark")
    assert marked.text == "Crème"


def test_a_search_says_what_it_has_corrected(store, full):
    lead = store.get("/products?q=cofee").html.select_one(".lead").text
    assert "Nothing has “cofee” in it. Showing coffee:" in " ".join(lead.split())
    # A word that is right stays as it was typed.
    lead = store.get("/products?q=linen+notbook").html.select_one(".lead").text
    assert "Showing linen notebook: 1 product" in " ".join(lead.split())


def test_the_best_match_comes_first_and_its_words_are_marked(store, full):
    page = store.get("/products?q=glass")
    assert names(page)[0] == "Glass storage jar"
    assert {mark.text.lower() for mark in page.html.select(".grid mark")} == {"glass", "glasses"}
    assert page.html.select_one("#sort option[selected]").text == "Best match"
    assert page.html.select_one(".site-search input")["value"] == "glass"


def test_a_mark_lets_no_markup_through():
    assert search.mark("<b>Lamp</b> & lamps", ("lamp",)) == (
        "&lt;b&gt;<mark>Lamp</mark>&lt;/b&gt; &amp; <mark>lamps</mark>"
    )


def test_goods_by_price(store):
    assert names(store.get("/products?price_from=30&price_to=60")) == ["Fountain pen", "Globe light"]
    assert names(store.get("/products?price_to=16,00")) == ["Stoneware mug"]
    assert names(store.get("/products?q=light&price_from=59.01")) == []
    assert "2 products" in store.get("/products?price_from=30&price_to=60").text


@pytest.mark.parametrize(
    "query", ["price_from=cheap", "price_to=-1", "price_from=60&price_to=30", "price_to=1e9"]
)
def test_a_price_that_is_none_is_said(store, query):
    page = store.get(f"/products?{query}", status=422)
    assert page.html.title.text.startswith("Error:")
    assert len(names(page)) == 6
    assert page.html.select_one("[aria-invalid]")


def test_suggestions_for_what_is_being_typed(store, full):
    assert store.get("/search-suggestions?q=lam").json[:3] == ["Desk lamp", "Floor lamp", "Pendant lamp"]
    for query in ("", "q=", "q=%21%21", "q=zzz", "q=%27%3A*%7C"):
        assert store.get(f"/search-suggestions?{query}").json == []


@pytest.mark.parametrize("path", ["/", "/products/stoneware-mug", "/shopping-cart", "/nothing", "/login"])
def test_every_page_of_the_store_has_the_search_box(store, full, path):
    page = store.get(path, status="*").maybe_follow()
    form = page.html.select_one('header form[action="/products"]')
    assert form.select_one("input[name=q]")["aria-label"] == "Search products"


@pytest.mark.parametrize("sort", ["name", "price", "-price"])
def test_every_product_is_on_exactly_one_page_there_and_back(store, full, sort):
    page = store.get(f"/products?sort={sort}")
    pages = [names(page)]
    while link := page.html.select_one(".pager [rel=next]"):
        page = store.get(link["href"])
        pages.append(names(page))
    assert len(pages) == 3
    assert len({name for page in pages for name in page}) == sum(map(len, pages)) == 28
    back = [names(page)]
    while link := page.html.select_one(".pager [rel=prev]"):
        page = store.get(link["href"])
        back.append(names(page))
    assert back == pages[::-1]


@pytest.mark.parametrize(
    "query",
    [
        "cursor=%%%",
        "cursor=" + "A" * 3000,
        "cursor=W10",
        "cursor=W1tbW1tb",
        "cursor=%C3%A9",
        "cursor=" + encode("older", ["\ud800".encode("utf-8", "replace").decode(), 10**30]),
        "cursor=" + encode("older", [1.5, 1]),
        "cursor=" + encode("sideways", ["a", 1]),
        "cursor=" + encode("older", ["Desk", 1, 2]),
        "cursor=" + encode("older", ["Desk", True]),
        "sort=stock",
        "sort=price%27%3B--",
        "category=submarines",
        "q=%22unbalanced+OR+%26%7C%21%28",
        "q=" + "x" * 5000,
    ],
)
def test_junk_in_the_address_does_no_harm(store, query):
    assert store.get(f"/products?{query}", status=200)


def test_a_cursor_of_another_sort_is_ignored(store):
    by_price = encode("older", [1600, 1])
    assert len(names(store.get(f"/products?sort=name&cursor={by_price}"))) == 6


def test_cursors_come_back_as_they_were():
    assert decode(encode("newer", ["Ä/?&", 7]), (str, int)) == ("newer", ("Ä/?&", 7))
    assert decode(encode("older", [2**63]), (int,)) is None
    assert decode(encode("older", [float("inf")]), (float,)) is None


@pytest.mark.parametrize(
    ("query", "heading"),
    [
        ("", "All products"),
        ("category=desk", "Desk"),
        ("q=mug", "Results for “mug”"),
        ("q=mug&category=desk", "Results for “mug” in Desk"),
        ("q=" + "w" * 200, f"Results for “{'w' * 59}…”"),
        ("q=%3Cb%3E", "Results for “<b>”"),
    ],
)
def test_the_heading_says_what_is_listed(store, full, query, heading):
    assert store.get(f"/products?{query}").html.h1.text == heading


def test_a_product(store, full):
    page = store.get("/products/stoneware-mug")
    assert "€16.00" in page.text
    assert page.html.select_one(".product-picture")["src"].startswith("/static/products/stoneware-mug.svg?v=")
    assert page.html.select_one("input[name=quantity]")["max"] == "84"
    assert "Sold out" in store.get("/products/felt-desk-mat").text
    assert not store.get("/products/felt-desk-mat").html.select("input[name=quantity]")


@pytest.mark.parametrize("slug", ["no-such-thing", "%00", "%FF", "..", "x" * 3000, "a/b"])
def test_an_unsold_product_is_not_there(store, slug):
    assert store.get(f"/products/{slug}", status="4*").status_int in (400, 404)


def test_a_withdrawn_product_is_gone(store, stocked):
    stocked.set("stoneware-mug", stock=0, withdrawn=True)
    store.get("/products/stoneware-mug", status=404)
    assert "Stoneware mug" not in names(store.get("/products"))


def test_public_pages_run_few_statements(store, full, count_sql):
    for path, most in (("/", 2), ("/products", 2), ("/products?q=lamp", 3), ("/products/stoneware-mug", 2)):
        with count_sql(store) as statements:
            store.get(path)
        assert len(statements) == most, path


@pytest.mark.parametrize("path", ["/", "/products", "/products/stoneware-mug"])
def test_the_catalogue_takes_no_posts(store, path):
    assert store.post(path, status="4*").status_int in (403, 405)
