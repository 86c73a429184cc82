"""A large catalogue pages like a small one, and long lists take no more statements: by plans and counts, not by time."""

import json
import re

import pytest
from product_fixtures import GOODS, forms, press, put
from sqlalchemy import event

SIZE = 10_000
_FILL = """
INSERT INTO products (slug, name, category, summary, description, price_minor, tax_rate, stock, featured, withdrawn)
SELECT 'thing-' || n, 'Thing ' || md5(n::text), (ARRAY['attic', 'cellar', 'shed'])[n % 3 + 1],
       CASE WHEN n % 500 = 0 THEN 'A zephyr of a thing.' WHEN n = 7 THEN 'A hammock.' ELSE 'A thing.' END, 'Of use.',
       100 + n % 997, 19, CASE WHEN n % 10 = 0 THEN 0 ELSE 9 END, n % 2000 = 0, n % 10 = 0
FROM generate_series(1, :size) AS n
"""


@pytest.fixture
def large(stocked):
    stocked.sql(_FILL, size=SIZE)
    # New words wait in a list until the index of words is tidied, as autovacuum does.
    stocked.sql("VACUUM ANALYZE products")
    yield stocked
    # The next test starts with a small table again, and with what the planner knows of it.
    stocked.sql("TRUNCATE products CASCADE")
    stocked.sql("ANALYZE products")


def nodes(plan):
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)


@pytest.fixture
def plans_of(store, large):
    """The plans, as they were carried out, of all that a page asks of the products."""

    def ask(path):
        engine, found = store.app.services.db.engine, []
        with engine.connect() as connection:
            for statement, values in statements(store, path):
                row = connection.exec_driver_sql(
                    f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", values
                ).scalar()
                found.append((row if isinstance(row, list) else json.loads(row))[0]["Plan"])
        return found

    return ask


def statements(store, path):
    """Return the statements of a page over the products, with their values."""
    asked = []

    def note(_connection, _cursor, statement, values, *_rest):
        if "products" in statement:
            asked.append((statement, values))

    engine = store.app.services.db.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        store.get(path, status=200)
    finally:
        event.remove(engine, "before_cursor_execute", note)
    return asked


def deep(store, path, pages):
    """The address of a later page of a list."""
    for _ in range(pages):
        path = store.get(path).html.select_one(".pager [rel=next]")["href"]
    return path


def touched(plan):
    """Return how many rows a plan has read from tables and indexes, with those that it threw away."""
    return sum(
        (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
        for node in nodes(plan)
        if "Scan" in node["Node Type"] and "Relation Name" in node
    )


def test_every_page_reads_what_it_shows_from_an_index(store, plans_of):
    for query in ("", "sort=price", "sort=-price", "category=shed", "category=shed&sort=-price"):
        for pages in (0, 8):
            path = deep(store, f"/products?{query}", pages)
            asked = plans_of(path)
            assert len(asked) == 2, path
            assert [plan["Actual Rows"] for plan in asked].count(13) == 1, path
            for plan in asked:
                assert {"Seq Scan", "Sort"}.isdisjoint(node["Node Type"] for node in nodes(plan)), (
                    path,
                    plan,
                )
                assert touched(plan) <= 40, (path, plan)


def test_the_other_pages_read_no_more_either(plans_of):
    for path in ("/", "/products/thing-7", "/products?q=zephyr"):
        for plan in plans_of(path):
            assert "Seq Scan" not in {node["Node Type"] for node in nodes(plan)}, (path, plan)
            assert touched(plan) <= 60, (path, plan)


def test_a_search_finds_its_rows_by_an_index(plans_of):
    """Two hundred of the ten thousand things are zephyrs, one is a hammock: misspelt, too, they are read and no others."""
    for query in ("q=zeph", "q=hamock", "q=hammock+zephyr", "q=zephyr&category=shed&price_to=9"):
        for plan in plans_of(f"/products?{query}"):
            used = {node["Node Type"] for node in nodes(plan)}
            assert "Seq Scan" not in used, (query, plan)
            assert touched(plan) <= 60, (query, plan)
    for plan in plans_of("/search-suggestions?q=hamm"):
        assert "Bitmap Index Scan" in {node["Node Type"] for node in nodes(plan)}


class TestStatements:
    """Signed-in pages take the same few statements however long their lists are."""

    @pytest.fixture
    def shopper(self, store, stocked):
        stocked.set("desk-clock", stock=5)
        store.log_in("shopper")
        return store

    def count(self, shopper, count_sql, path):
        with count_sql(shopper) as asked:
            shopper.get(path, status=200)
        return len(asked)

    def test_cart_and_checkout(self, shopper, count_sql):
        seen = []
        for position, slug in enumerate(GOODS):
            put(shopper, slug)
            if position % 2 and position < 4:
                press(shopper.get("/shopping-cart"), "Save for later")
            counts = [self.count(shopper, count_sql, path) for path in ("/shopping-cart", "/checkout")]
            seen.append(counts)
        assert seen == [[2, 3]] * len(GOODS)

    def test_changing_many_lines_takes_no_more_than_changing_one(self, shopper, count_sql):
        for slug in GOODS:
            put(shopper, slug)
        taken = []
        for slugs in (["stoneware_mug"], ["stoneware_mug", "linen_notebook", "fountain_pen", "wool_blanket"]):
            page = shopper.get("/shopping-cart")
            with count_sql(shopper) as asked:
                press(page, "Update", **dict.fromkeys(slugs, len(slugs) + 1), status=303)
            taken.append(len(asked))
        assert taken[0] == taken[1] <= 5

    def test_orders(self, shopper, count_sql, sql):
        seen = []
        for slugs in (["stoneware-mug"], ["stoneware-mug", "fountain-pen", "wool-blanket"]):
            for slug in slugs:
                put(shopper, slug)
            form = forms(shopper.get("/checkout"), "/checkout")[0]
            for name in ("street", "postal_code", "city"):
                form[name] = "26121"
            order = re.sub(r"\?.*", "", form.submit(status=303).location)
            seen.append([self.count(shopper, count_sql, path) for path in ("/orders", order)])
        assert seen == [[2, 2], [2, 2]]
