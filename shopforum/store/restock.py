"""Letters about sold-out products that are back: a user asks for one, and the worker queues it."""

from uuid import UUID

from sqlalchemy import text

from ..core.database import Database, once_more
from .letters import Letters, Recipient

_ASK = text("""
WITH product AS (SELECT id FROM products WHERE slug = :slug AND stock = 0 AND NOT withdrawn), asked AS (
  INSERT INTO restock_notices (product_id, user_id, email) SELECT id, :user_id, :email FROM product
  ON CONFLICT (product_id, user_id) DO UPDATE SET email = excluded.email
)
SELECT id FROM product
""")
# The index leads from one product that is asked for to the next, however many users wait for it.
_DUE = text("""
WITH RECURSIVE asked (product_id) AS (
  (SELECT product_id FROM restock_notices ORDER BY product_id LIMIT 1)
  UNION ALL
  SELECT (SELECT n.product_id FROM restock_notices n WHERE n.product_id > asked.product_id
          ORDER BY n.product_id LIMIT 1)
  FROM asked WHERE asked.product_id IS NOT NULL
), back AS MATERIALIZED (
  SELECT p.id, p.slug, p.name FROM asked JOIN products p ON p.id = asked.product_id
  WHERE p.stock > 0 AND NOT p.withdrawn LIMIT 1
), due AS MATERIALIZED (
  SELECT product_id, user_id FROM restock_notices WHERE product_id = (SELECT id FROM back)
  ORDER BY product_id, user_id LIMIT :step FOR UPDATE SKIP LOCKED
)
DELETE FROM restock_notices n USING due, back
WHERE n.product_id = due.product_id AND n.user_id = due.user_id
RETURNING n.user_id, n.email, back.slug, back.name
""")


def ask(db: Database, slug: str, user_id: UUID, email: str) -> bool:
    """Note that a user wants a letter when a product is back. Return False if it is not sold out, or not sold."""
    return bool(db.all(_ASK, slug=slug, user_id=user_id, email=email))


@once_more
def run_once(db: Database, letters: Letters, step: int = 20) -> int:
    """Queue the letters about one product that is back, at most `step`; return how many. Safe to run in several processes."""
    with db.transaction() as connection:
        rows = connection.execute(_DUE, {"step": step}).all()
        for row in rows:
            letters.back(connection, Recipient(row.user_id, "there", row.email), row.slug, row.name)
        return len(rows)
