"""Reading about one person: who they are, from where they came, and what was done by or to them."""

from uuid import UUID

from sqlalchemy import RowMapping, select, text

from ..sessions import tables
from . import trail
from .queries import s
from .reading import Reading

_ADDRESSES = text(
    """
WITH own AS (
  SELECT p.address, min(p.first_at) AS first_at, max(p.last_at) AS last_at, count(DISTINCT p.session_id) AS sessions
  FROM (SELECT id FROM sessions WHERE user_id = :user_id ORDER BY created_at DESC LIMIT 500) mine
    -- OFFSET keeps the planner from reading a whole table instead of these few rows by their key.
    CROSS JOIN LATERAL (SELECT * FROM session_places p WHERE p.session_id = mine.id OFFSET 0) p
  GROUP BY p.address ORDER BY max(p.last_at) DESC LIMIT 20
)
SELECT own.*, others.people FROM own CROSS JOIN LATERAL (
  SELECT array_agg(DISTINCT jsonb_build_object('id', o.user_id, 'name', o.user_name)) AS people FROM (
    SELECT x.user_id, x.user_name FROM (
      SELECT session_id FROM session_places WHERE address = own.address LIMIT 1000) p
    CROSS JOIN LATERAL (SELECT * FROM sessions x WHERE x.id = p.session_id AND x.user_id <> :user_id OFFSET 0) x
  ) o
) others ORDER BY own.last_at DESC"""
)


def name(db: Reading, user_id: UUID) -> RowMapping | None:
    """What the user was called at the last login (`user_id`, `user_name`, `user_email`), or None if there was none."""
    statement = select(s.c.user_id, s.c.user_name, s.c.user_email).where(s.c.user_id == user_id)
    return db.one(statement.order_by(s.c.created_at.desc()).limit(1))


def addresses(db: Reading, user_id: UUID) -> list[RowMapping]:
    """The latest 20 addresses of the user's latest sessions, each with `people` who came from there as well."""
    return db.all(_ADDRESSES, user_id=user_id)


def history(db: Reading, user_id: UUID) -> list[RowMapping]:
    """The latest 50 rows of the trail about the user."""
    about = trail.rows().where(tables.audit_log.c.user_id == user_id)
    return db.all(about.order_by(trail.AUDIT_ID.desc()).limit(50))
