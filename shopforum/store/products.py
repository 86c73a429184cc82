"""The catalogue as visitors see it: goods that are sold, found by category and words, in a choice of orders."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, RowMapping, Select, func, select, text

from ..core.database import Database
from .tables import products

_SHOWN = ("id", "slug", "name", "category", "summary", "price_minor", "stock")


@dataclass(frozen=True)
class Sort:
    """An order of the catalogue."""

    name: str
    label: str
    columns: tuple[ColumnElement[object], ...]
    descending: bool = False


SORTS = {
    sort.name: sort
    for sort in (
        Sort("name", "Name", (products.c.name, products.c.id)),
        Sort("price", "Price, lowest first", (products.c.price_minor, products.c.id)),
        Sort("-price", "Price, highest first", (products.c.price_minor, products.c.id), descending=True),
    )
}

_FEATURED = text("""
SELECT slug, name, summary, price_minor, stock FROM products
WHERE featured AND NOT withdrawn ORDER BY stock = 0, name, id LIMIT 8
""")
# From one category to the next by the index, however many goods there are.
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


def featured(db: Database) -> list[RowMapping]:
    """What the homepage shows off."""
    return db.all(_FEATURED)


def categories(db: Database) -> list[str]:
    """Every category that has something to sell, in order."""
    return [row["category"] for row in db.all(_CATEGORIES)]


def matching(category: str, words: str) -> Select[tuple[object, ...]]:
    """The statement of all goods of a category that hold the words; empty strings leave either open."""
    statement = select(*(products.c[name] for name in _SHOWN)).where(~products.c.withdrawn)
    if category:
        statement = statement.where(products.c.category == category)
    if words:
        query = func.websearch_to_tsquery(text("'english'::regconfig"), words)
        statement = statement.where(products.c.search.op("@@")(query))
    return statement


def find(db: Database, slug: str) -> RowMapping | None:
    """One product that is sold, or None."""
    return db.one(_ONE, slug=slug)
