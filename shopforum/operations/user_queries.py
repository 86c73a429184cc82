"""Reading about one person: who they are, from where and with what they came, and what was done by or to them."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, select, text

from ..core import user_agents
from ..core.read_only_database import ReadOnlyDatabase
from ..sessions import live, tables
from . import audit_queries
from .session_queries import s

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

_DEVICES = text(
    """SELECT agent, count(*) AS sessions, min(created_at) AS first_at, max(last_seen_at) AS last_at
    FROM (SELECT agent, created_at, last_seen_at FROM sessions WHERE user_id = :user_id
      ORDER BY created_at DESC LIMIT 500) mine
    GROUP BY agent ORDER BY max(last_seen_at) DESC LIMIT 50"""
)

# What the sites know them by. Counts stop at a thousand.
_ACTIVITY = text(
    f"""SELECT (SELECT count(*) FROM (SELECT 1 FROM orders WHERE user_id = :user_id LIMIT 1001) o) AS orders,
    (SELECT count(*) FROM (SELECT 1 FROM forum_posts WHERE author_id = :user_id LIMIT 1001) p) AS posts,
    EXISTS (SELECT 1 FROM api_tokens WHERE maker_id = :user_id AND revoked_at IS NULL) AS tokens,
    (SELECT count(*) FROM standing_rules r WHERE r.actor = :email AND {live.RULE_IN_FORCE}) AS rules"""
)

_LOGINS = (
    "session_created",
    "authn_login_fail",
    "authn_login_fail_max",
    "authn_login_lock",
    "session_logout",
)


@dataclass
class Device:
    """A browser by its name, over all its versions' names for themselves."""

    label: str
    agent: str
    sessions: int
    first_at: Any
    last_at: Any


def name(db: ReadOnlyDatabase, user_id: UUID) -> RowMapping | None:
    """What the user was called at the last login (`user_id`, `user_name`, `user_email`), or None if there was none."""
    statement = select(s.c.user_id, s.c.user_name, s.c.user_email).where(s.c.user_id == user_id)
    return db.one(statement.order_by(s.c.created_at.desc()).limit(1))


_OF_EMAIL = text("SELECT DISTINCT user_id FROM sessions WHERE lower(user_email) = lower(:email)")

_SEEN = text(
    """SELECT 1 WHERE EXISTS (SELECT 1 FROM sessions WHERE user_id = :id)
    OR EXISTS (SELECT 1 FROM audit_log WHERE user_id = :id)"""
)


def of_email(db: ReadOnlyDatabase, email: str) -> list[UUID]:
    """Return the users who have signed in under an e-mail address."""
    return [row["user_id"] for row in db.all(_OF_EMAIL, email=email)]


def seen(db: ReadOnlyDatabase, user_id: UUID) -> bool:
    """Return whether the sites have seen the user: a session, or a row of the audit log."""
    return db.one(_SEEN, id=user_id) is not None


def addresses(db: ReadOnlyDatabase, user_id: UUID) -> list[RowMapping]:
    """The latest 20 addresses of the user's latest sessions, each with `people` who came from there as well."""
    return db.all(_ADDRESSES, user_id=user_id)


def devices(db: ReadOnlyDatabase, user_id: UUID) -> list[Device]:
    """The browsers of the user's latest 500 sessions, the one last used first."""
    found: dict[str, Device] = {}
    for row in db.all(_DEVICES, user_id=user_id):
        label = user_agents.label(row["agent"])
        device = found.setdefault(label, Device(label, row["agent"], 0, row["first_at"], row["last_at"]))
        device.sessions += row["sessions"]
        device.first_at = min(device.first_at, row["first_at"])
    return list(found.values())


def activity(db: ReadOnlyDatabase, user_id: UUID, email: str) -> RowMapping:
    """How many `orders` and `posts` the user has, each at most 1,001; whether API `tokens` they made are not revoked, and
    how many deny `rules` they made are in force.
    """
    return db.only(_ACTIVITY, user_id=user_id, email=email)


def history(db: ReadOnlyDatabase, user_id: UUID, *, logins: bool = False) -> list[RowMapping]:
    """The latest 30 rows of the trail about the user, or 15 of their logins, tries and logouts alone."""
    a = tables.audit_log
    about = audit_queries.rows().where(a.c.user_id == user_id)
    if logins:
        # The latest thousand are looked through: somebody's rows have an index, somebody's logins have none.
        latest = select(a.c.id).where(a.c.user_id == user_id).order_by(a.c.id.desc()).limit(1000)
        about = audit_queries.rows().where(a.c.id.in_(latest), a.c.event.in_(_LOGINS))
    return db.all(about.order_by(audit_queries.AUDIT_ID.desc()).limit(15 if logins else 30))
