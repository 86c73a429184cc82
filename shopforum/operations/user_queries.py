"""Read about one user: the name, the addresses and browsers, and what the sites know of the user."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import Text, cast, func, select, text
from sqlalchemy.dialects.postgresql import ARRAY

from ..core import user_agents
from ..core.ids import parse_uuid
from ..core.read_only_database import ReadOnlyDatabase
from ..core.rows import columns
from ..sessions import live
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

# Counts stop at a thousand.
_ACTIVITY = text(
    f"""SELECT (SELECT count(*) FROM (SELECT 1 FROM orders WHERE user_id = :user_id LIMIT 1001) o) AS orders,
    (SELECT count(*) FROM (SELECT 1 FROM forum_posts WHERE author_id = :user_id LIMIT 1001) p) AS posts,
    EXISTS (SELECT 1 FROM api_tokens WHERE maker_id = :user_id AND revoked_at IS NULL) AS has_tokens,
    (SELECT count(*) FROM standing_rules r WHERE r.actor = :email AND {live.RULE_IN_FORCE}) AS rules"""
)

_SEEN = text(
    """SELECT 1 AS seen WHERE EXISTS (SELECT 1 FROM sessions WHERE user_id = :id)
    OR EXISTS (SELECT 1 FROM audit_log WHERE user_id = :id)"""
)


@dataclass(frozen=True)
class UserName:
    """The name and the e-mail address of a user at the last login."""

    user_id: UUID
    user_name: str
    user_email: str


@dataclass(frozen=True)
class OtherUser:
    """Another user who came from the same address."""

    id: str
    name: str


@dataclass(frozen=True)
class Address:
    """An address of a user, with how many sessions used it, and the other users who came from it."""

    address: str
    first_at: datetime
    last_at: datetime
    sessions: int
    people: list[OtherUser]


@dataclass(frozen=True)
class Device:
    """A browser by its name, all its versions together; `agent` is the user agent last seen."""

    label: str
    agent: str
    sessions: int
    first_at: datetime
    last_at: datetime


_DELETION = text(
    """SELECT site, asked_at, due_at, begun_at, done_at, last_error FROM account_deletions
    WHERE user_id = :user_id ORDER BY id DESC LIMIT 1"""
)


@dataclass(frozen=True)
class Deletion:
    """The deletion of an account: where and when its owner asked for it, when it is due, and how far the worker is.

    `begun_at` and `done_at` are None until then. `last_error`: why FusionAuth has not deleted the user yet.
    """

    site: str
    asked_at: datetime
    due_at: datetime
    begun_at: datetime | None
    done_at: datetime | None
    last_error: str | None


@dataclass(frozen=True)
class Activity:
    """The traces of a user: the numbers of orders and forum posts, 1,001 for more than a thousand; whether the user made API
    tokens that are not revoked; and the number of deny rules in force that the user made.
    """

    orders: int
    posts: int
    has_tokens: bool
    rules: int


def name(db: ReadOnlyDatabase, user_id: UUID) -> UserName | None:
    """Return the user's name at the last login, or None if there was no login."""
    statement = select(*(s.c[column] for column in columns(UserName))).where(s.c.user_id == user_id)
    row = db.one(statement.order_by(s.c.created_at.desc()).limit(1))
    return None if row is None else UserName(**row)


def holders(db: ReadOnlyDatabase, site: str, roles: Collection[str]) -> list[UserName]:
    """Return at most three people who have signed in to a site lately with one of some roles, the last one first."""
    held = s.c.roles.op("&&")(cast(sorted(roles), ARRAY(Text)))
    statement = select(*(s.c[column] for column in columns(UserName))).where(s.c.site == site, held)
    latest = db.all(statement.order_by(s.c.created_at.desc(), s.c.id.desc()).limit(50))
    return list({row["user_id"]: UserName(**row) for row in latest}.values())[:3]


def all_holders(db: ReadOnlyDatabase, site: str, roles: Collection[str]) -> list[UUID]:
    """Return everybody who has signed in to a site with one of some roles, by the sessions that are stored."""
    held = s.c.roles.op("&&")(cast(sorted(roles), ARRAY(Text)))
    return [row["user_id"] for row in db.all(select(s.c.user_id).where(s.c.site == site, held).distinct())]


def of_email(db: ReadOnlyDatabase, email: str) -> list[UUID]:
    """Return the users who have signed in under an e-mail address, whatever its case."""
    found = select(s.c.user_id).where(func.lower(s.c.user_email) == func.lower(email)).distinct()
    return [row["user_id"] for row in db.all(found)]


def named(db: ReadOnlyDatabase, text: str) -> list[UUID]:
    """Return the users who have signed in and whom a text names by id or whole e-mail address."""
    user_id = parse_uuid(text)
    if user_id is None:
        return of_email(db, text)
    return [user_id] if name(db, user_id) else []


def seen(db: ReadOnlyDatabase, user_id: UUID) -> bool:
    """Return whether the sites know a user: by a session, or by a row of the audit log."""
    return db.one(_SEEN, id=user_id) is not None


def addresses(db: ReadOnlyDatabase, user_id: UUID) -> list[Address]:
    """Return the latest 20 addresses of the user's latest sessions."""
    return [
        Address(**{**row, "people": [OtherUser(**other) for other in row["people"] or []]})
        for row in db.all(_ADDRESSES, user_id=user_id)
    ]


def devices(db: ReadOnlyDatabase, user_id: UUID) -> list[Device]:
    """Return the browsers of the user's latest 500 sessions, the one last used first."""
    found: dict[str, Device] = {}
    for row in db.all(_DEVICES, user_id=user_id):
        label = user_agents.label(row["agent"])
        known = found.get(label)
        found[label] = (
            Device(label, **row)
            if known is None
            else replace(
                known,
                sessions=known.sessions + row["sessions"],
                first_at=min(known.first_at, row["first_at"]),
                last_at=max(known.last_at, row["last_at"]),
            )
        )
    return list(found.values())


def deletion(db: ReadOnlyDatabase, user_id: UUID) -> Deletion | None:
    """Return the newest deletion of the user's account, or None. It is known for 90 days after it is done."""
    row = db.one(_DELETION, user_id=user_id)
    return None if row is None else Deletion(**row)


def activity(db: ReadOnlyDatabase, user_id: UUID, email: str) -> Activity:
    """Return what the user has on the sites. `email` is the address under which the audit log knows an admin."""
    return Activity(**db.only(_ACTIVITY, user_id=user_id, email=email))
