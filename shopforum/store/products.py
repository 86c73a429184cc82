"""The catalogue: products that are sold, found by category and words, sorted by name or price."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, func, select, text

from ..core.database import Database
from ..core.rows import build, columns
from .tables import products


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
class Sort:
    """A way to sort the catalogue. `name` is its name in the address, `label` its name on the page."""

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


def featured(db: Database) -> list[ListedProduct]:
    """Return the products that the homepage features, at most 8."""
    return [build(ListedProduct, row) for row in db.all(_FEATURED)]


def categories(db: Database) -> list[str]:
    """Return the categories that have products, in alphabetical order."""
    return [row["category"] for row in db.all(_CATEGORIES)]


def matching(category: str, words: str) -> Select[tuple[object, ...]]:
    """Return the statement that selects the products of a category that contain the words, as ListedProduct.

    An empty string means any category, or any words.
    """
    statement = select(*(products.c[name] for name in columns(ListedProduct))).where(~products.c.withdrawn)
    if category:
        statement = statement.where(products.c.category == category)
    if words:
        query = func.websearch_to_tsquery(text("'english'::regconfig"), words)
        statement = statement.where(products.c.search.op("@@")(query))
    return statement


def find(db: Database, slug: str) -> Product | None:
    """Return the product with this slug if it is sold, or None."""
    row = db.one(_ONE, slug=slug)
    return build(Product, row) if row else None
