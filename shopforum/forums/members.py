"""Members: the people who have written. A member has a handle for mentions, a time of the last post, and a page.

A handle is made of the name (`links.handle`): Mia Marsh is @mia-marsh, the next one of that name @mia-marsh-2. It is
assigned with the first post and never changes, even if the name does.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, text

from ..core.database import Database
from ..core.prepared_statements import Prepared
from ..core.rows import build
from ..core.sites import FORUMS
from ..sessions import deny_rules
from . import links
from .inbox import COUNTS, WithCounts
from .person import Person, viewing
from .refusals import Missing, TooSoon
from .settings import ForumSettings

_SUSPENDED = text(f"""
    SELECT m.user_id FROM unnest(CAST(:user_ids AS uuid[])) AS m (user_id)
    WHERE {deny_rules.shuts_out("m.user_id", FORUMS)}
    """)
_KNOWN = text("SELECT 1 FROM forum_members WHERE user_id = :user_id")
# Handles are assigned one after the other.
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('forum_members.handle', 0))")
_ENROL = text("""
    INSERT INTO forum_members (user_id, posted_at, handle)
    SELECT :user_id, '-infinity', c.handle FROM (
      SELECT n, :handle || CASE n WHEN 1 THEN '' ELSE '-' || n END AS handle
      FROM generate_series(1, (SELECT count(*) + 1 FROM forum_members WHERE starts_with(handle, :handle))) n
    ) c
    WHERE NOT EXISTS (SELECT 1 FROM forum_members o WHERE o.handle = c.handle) ORDER BY c.n LIMIT 1
    ON CONFLICT (user_id) DO NOTHING
    """)
_PAUSE = "CASE WHEN post_count < :few THEN :slow ELSE :delay END"
_TAKE_TURN = text(f"""
    UPDATE forum_members SET posted_at = clock_timestamp(), post_count = post_count + 1
    WHERE user_id = :user_id AND posted_at <= clock_timestamp() - make_interval(secs => {_PAUSE}) RETURNING 1
    """)
_WAIT = text(f"""
    SELECT ceil(extract(epoch FROM posted_at - clock_timestamp()) + {_PAUSE})::int AS seconds, post_count < :few AS new
    FROM forum_members WHERE user_id = :user_id
    """)


# Removed and hidden posts are not counted.
_PROFILE = Prepared(
    "forum_member",
    f"""
    SELECT m.user_id, m.handle, p.author_name AS name, v.posts, v.topics, v.first_at, v.last_at, {COUNTS}
    FROM forum_members m
    JOIN LATERAL (
      SELECT count(*) AS posts, count(*) FILTER (WHERE o.number = 1) AS topics, min(o.created_at) AS first_at,
        max(o.created_at) AS last_at, max(o.id) AS last_id
      FROM forum_posts o JOIN forum_topics t ON t.id = o.topic_id
      WHERE o.author_id = m.user_id AND o.removed_at IS NULL AND NOT t.hidden) v ON v.posts > 0
    JOIN forum_posts p ON p.id = v.last_id
    WHERE m.handle = :handle
    """,
)


@dataclass(frozen=True, kw_only=True)
class Profile(WithCounts):
    """A member's page. `first_at` and `last_at` are the instants of the first and the last post that everybody can see."""

    user_id: UUID
    handle: str
    name: str
    posts: int
    topics: int
    first_at: datetime
    last_at: datetime


def profile(db: Database, handle: str, viewer: Person | None) -> Profile:
    """Return a member by the handle. Raises Missing, also for a member without any visible post."""
    row = db.one(_PROFILE, handle=handle, **viewing(viewer))
    if row is None:
        raise Missing
    return build(Profile, row)


def suspended(db: Database, viewer: Person | None, user_ids: Iterable[UUID]) -> frozenset[UUID]:
    """Return those of some members whom a deny rule keeps out of the forums from every network and with every browser; none unless a
    moderator asks. `db` is the database of the sessions.
    """
    asked = {*user_ids} if viewer is not None and viewer.moderator else set()
    rows = db.all(_SUSPENDED, user_ids=[str(user_id) for user_id in asked]) if asked else []
    return frozenset(row["user_id"] for row in rows)


def enrol(connection: Connection, person: Person) -> None:
    """Give a person a row and a handle, unless the person has them already."""
    if connection.scalar(_KNOWN, {"user_id": person.id}) is None:
        connection.execute(_LOCK)
        connection.execute(_ENROL, {"user_id": person.id, "handle": links.handle(person.name)})


def take_turn(connection: Connection, person: Person, settings: ForumSettings) -> bool:
    """Note that a person writes now, and lock the person's row. Return False, and note nothing, if it is too soon."""
    enrol(connection, person)
    return connection.scalar(_TAKE_TURN, {"user_id": person.id, **settings.pace(person)}) is not None


def too_soon(connection: Connection, person: Person, settings: ForumSettings) -> TooSoon:
    """Return the refusal with the seconds that a person must wait, after `take_turn` was False."""
    wait = connection.execute(_WAIT, {"user_id": person.id, **settings.pace(person)}).one()
    return TooSoon(max(wait.seconds, 1), newcomer=wait.new)
