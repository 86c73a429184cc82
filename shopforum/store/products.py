"""The catalogue: products that are sold, by category, words and price, sorted by name, price or relevance."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Double, Label, Select, cast, func, literal, select, text
from sqlalchemy.dialects.postgresql import REGCONFIG

from ..core.database import Database, once_more
from ..core.rows import build, columns
from . import search
from .tables import products

# A count of products ends here: "more than 1,000".
MOST_COUNTED = 1000


@dataclass(frozen=True)
class ListedProduct:
    """A product in a list. `price_minor` is in cents, `stock` is the number of pieces."""

    id: int
    slug: str
    name: str
    category: str
    summary: str
    price_minor: int
    stock: int


@dataclass(frozen=True)
class Product(ListedProduct):
    """A product on its own page. `tax_rate` is in per cent; the price includes the tax."""

    description: str
    tax_rate: int


@dataclass(frozen=True)
class Criteria:
    """The criteria of a list of products. An empty or missing value means any.

    `words` are folded (`search.words`); `some`: products with some of the words, not only those with all of them. Prices
    are in cents.
    """

    category: str = ""
    words: tuple[str, ...] = ()
    some: bool = False
    price_from: int | None = None
    price_to: int | None = None


@dataclass(frozen=True)
class Found:
    """The result of a search: the criteria that found something, how many products, and the stems that they have.

    The criteria differ from the wanted ones if those find nothing: misspelt words are replaced, or some words are enough.
    `count` is at most MOST_COUNTED + 1.
    """

    criteria: Criteria
    count: int
    stems: tuple[str, ...]


@dataclass(frozen=True)
class Sort:
    """A way to sort the catalogue. `name` is its name in the address, `label` its name on the page.

    Without `columns` the products are sorted by relevance.
    """

    name: str
    label: str
    columns: tuple[ColumnElement[object], ...] = ()
    descending: bool = False


BEST = Sort("best", "Best match", descending=True)
SORTS = {
    sort.name: sort
    for sort in (
        Sort("name", "Name", (products.c.name, products.c.id)),
        Sort("price", "Price, lowest first", (products.c.price_minor, products.c.id)),
        Sort("-price", "Price, highest first", (products.c.price_minor, products.c.id), descending=True),
    )
}

_FEATURED = text("""
SELECT id, slug, name, category, summary, price_minor, stock FROM products
WHERE featured AND NOT withdrawn ORDER BY stock = 0, name, id LIMIT 8
""")
# The index leads from one category to the next, however many products there are.
_CATEGORIES = text("""
WITH RECURSIVE known (category) AS (
  (SELECT category FROM products WHERE NOT withdrawn ORDER BY category LIMIT 1)
  UNION ALL
  SELECT (SELECT p.category FROM products p WHERE NOT p.withdrawn AND p.category > known.category
          ORDER BY p.category LIMIT 1)
  FROM known WHERE known.category IS NOT NULL
)
SELECT category FROM known WHERE category IS NOT NULL
""")
_ONE = text("""
SELECT id, slug, name, category, summary, description, price_minor, tax_rate, stock FROM products
WHERE slug = :slug AND NOT withdrawn
""")
_SLUGS = text("SELECT slug FROM products WHERE NOT withdrawn ORDER BY name, id LIMIT 45000")
# The four products of the category whose prices are closest, read from the index in both directions.
_RELATED = text("""
SELECT id, slug, name, category, summary, price_minor, stock FROM (
  (SELECT * FROM products WHERE NOT withdrawn AND category = :category AND (price_minor, id) > (:price, :id)
   ORDER BY price_minor, id LIMIT 4)
  UNION ALL
  (SELECT * FROM products WHERE NOT withdrawn AND category = :category AND (price_minor, id) < (:price, :id)
   ORDER BY price_minor DESC, id DESC LIMIT 4)
) near ORDER BY stock = 0, abs(price_minor - :price), id LIMIT 4
""")
# Trigrams find the products; which of their words was meant is decided by letters (search.corrected).
_THRESHOLD = text("SELECT set_config('pg_trgm.word_similarity_threshold', '0.3', true)")
_SIMILAR = text("""
SELECT p.spelling FROM unnest(CAST(:words AS text[])) AS searched (word)
CROSS JOIN LATERAL (
  SELECT spelling FROM products WHERE NOT withdrawn AND spelling %> searched.word
  ORDER BY word_similarity(searched.word, spelling) DESC, id LIMIT 5
) p
""")
_SUGGESTED = text("""
SELECT name FROM products WHERE NOT withdrawn AND words @@ to_tsquery('english', :query)
ORDER BY ts_rank(words, to_tsquery('english', :query)) DESC, name LIMIT 6
""")


def featured(db: Database) -> list[ListedProduct]:
    """Return the products that the homepage features, at most 8."""
    return [build(ListedProduct, row) for row in db.all(_FEATURED)]


def categories(db: Database) -> list[str]:
    """Return the categories that have products, in alphabetical order."""
    return [row["category"] for row in db.all(_CATEGORIES)]


def find_all(db: Database, wanted: Criteria) -> Found:
    """Look for products, and if there are none, for what was probably meant.

    First misspelt words are replaced by the closest words of the catalogue; then products with some of the words will do.
    """
    found = _count(db, wanted)
    if found.count or not wanted.words:
        return found
    corrected = replace(wanted, words=tuple(search.corrected(wanted.words, _similar(db, wanted.words))))
    tries = [corrected] if corrected != wanted else []
    if len(wanted.words) > 1:
        tries.append(replace(corrected, some=True))
    others = (_count(db, criteria) for criteria in tries)
    return next((other for other in others if other.count), found)


def matching(criteria: Criteria) -> Select[tuple[object, ...]]:
    """Return the statement that selects the products that meet the criteria, as ListedProduct."""
    listed = [products.c[name] for name in columns(ListedProduct)]
    return _narrowed(select(*listed, *([_rank(criteria)] if criteria.words else [])), criteria)


def order(sort: Sort, criteria: Criteria) -> Sequence[ColumnElement[Any]]:
    """Return the order of the statement of `matching`, for paging."""
    return sort.columns or (_rank(criteria), products.c.id)


def suggested(db: Database, words: Sequence[str]) -> list[str]:
    """Return the names of at most 6 products with words that begin so, the best matches first."""
    return [row["name"] for row in db.all(_SUGGESTED, query=search.query(words))] if words else []


def slugs(db: Database) -> list[str]:
    """Return the slugs of all products that are sold, at most 45,000."""
    return [row["slug"] for row in db.all(_SLUGS)]


def find(db: Database, slug: str) -> Product | None:
    """Return the product with this slug if it is sold, or None."""
    row = db.one(_ONE, slug=slug)
    return build(Product, row) if row else None


def related(db: Database, product: Product) -> list[ListedProduct]:
    """Return at most 4 products of the same category, with similar prices; those in stock first."""
    rows = db.all(_RELATED, category=product.category, price=product.price_minor, id=product.id)
    return [build(ListedProduct, row) for row in rows]


def _count(db: Database, criteria: Criteria) -> Found:
    some = _narrowed(select(products.c.id), criteria).limit(MOST_COUNTED + 1).subquery()
    row = db.only(
        select(
            func.count().label("count"), cast(_query(criteria), products.c.spelling.type).label("query")
        ).select_from(some)
    )
    return Found(criteria, row["count"], search.stems(row["query"]))


@once_more
def _similar(db: Database, words: Sequence[str]) -> list[str]:
    with db.transaction() as connection:
        connection.execute(_THRESHOLD)
        return list(connection.execute(_SIMILAR, {"words": list(words)}).scalars())


def _narrowed(statement: Select[tuple[object, ...]], criteria: Criteria) -> Select[tuple[object, ...]]:
    statement = statement.where(~products.c.withdrawn)
    if criteria.category:
        statement = statement.where(products.c.category == criteria.category)
    if criteria.words:
        statement = statement.where(products.c.words.op("@@")(_query(criteria)))
    if criteria.price_from is not None:
        statement = statement.where(products.c.price_minor >= criteria.price_from)
    if criteria.price_to is not None:
        statement = statement.where(products.c.price_minor <= criteria.price_to)
    return statement


def _query(criteria: Criteria) -> ColumnElement[object]:
    return func.to_tsquery(
        cast(literal("english"), REGCONFIG), search.query(criteria.words, some=criteria.some)
    )


def _rank(criteria: Criteria) -> Label[float]:
    # In double precision: a cursor must meet the same number again.
    return cast(func.ts_rank(products.c.words, _query(criteria)), Double).label("rank")
