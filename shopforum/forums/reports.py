"""Reports of posts: readers send them, moderators settle them."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, RowMapping, func, select, text

from ..core.database import Database
from ..core.listing import Listing
from ..core.rows import build
from . import members
from . import posts as post_queries
from .person import Person
from .posts import Post
from .refusals import Missing
from .tables import flags, posts, topics

REASONS = {
    "spam": "It advertises something",
    "rude": "It is rude or hurtful",
    "off-topic": "It does not belong here",
    "private": "It tells something private",
    "other": "Something else",
}

# One person can have at most so many open reports, so that nobody floods the queue.
MOST_OPEN = 20

_ADD = text("""
    WITH theirs AS (SELECT count(*) AS open FROM forum_flags WHERE user_id = :user_id AND settled_at IS NULL),
    made AS (
      INSERT INTO forum_flags (post_id, user_id, user_name, reason, note)
      SELECT :post_id, :user_id, :user_name, :reason, :note FROM theirs WHERE open < :most
      ON CONFLICT (post_id, user_id) WHERE settled_at IS NULL DO NOTHING)
    SELECT open < :most AS accepted FROM theirs
    """)
_SETTLE = text("""
    UPDATE forum_flags f SET settled_at = clock_timestamp(), outcome = :outcome FROM forum_posts p
    WHERE f.post_id = :post_id AND f.settled_at IS NULL AND p.id = f.post_id RETURNING p.topic_id
    """)


@dataclass(frozen=True)
class Report:
    """A report of a post. `reason` is a key of REASONS."""

    user_name: str
    reason: str
    note: str
    created_at: datetime


@dataclass(frozen=True)
class ReportSummary:
    """A report in the queue. `reason` is a key of REASONS."""

    user_name: str
    reason: str
    note: str


@dataclass(frozen=True, kw_only=True)
class ReportedPost:
    """A post in the queue. `reports` are its open reports, `suspended` is about its author.

    `earlier` counts the author's posts that were removed after a report. `beginning` is enough of the text for an excerpt.
    """

    id: int
    author_name: str
    created_at: datetime
    topic_id: int
    topic_title: str
    removed_by: str | None
    beginning: str
    earlier: int
    suspended: bool
    reports: tuple[ReportSummary, ...]


def reportable(db: Database, post_id: int, person: Person) -> Post:
    """Return a post that a person may report. Raises Missing, also for the person's own post."""
    found = post_queries.post(db, post_id, person)
    if found.author_id == person.id or found.removed_at is not None:
        raise Missing
    return found


def report(db: Database, post_id: int, person: Person, reason: str, note: str) -> bool:
    """Report a `reportable` post. A second report of it by the same person changes nothing.

    Return False, and do nothing, if the person has MOST_OPEN open reports.
    """
    reporter = {"user_id": person.id, "user_name": person.name, "most": MOST_OPEN}
    return bool(db.only(_ADD, post_id=post_id, reason=reason, note=note, **reporter)["accepted"])


def of_post(db: Database, post_id: int) -> list[Report]:
    """Return the open reports of a post, oldest first, at most a hundred."""
    statement = select(flags).where(flags.c.post_id == post_id, flags.c.settled_at.is_(None))
    return [build(Report, row) for row in db.all(statement.order_by(flags.c.id).limit(100))]


def settle(connection: Connection, post_id: int, outcome: str) -> int | None:
    """Close all open reports of a post. Return the id of its topic, or None if no report was open."""
    return connection.execute(_SETTLE, {"post_id": post_id, "outcome": outcome}).scalars().first()


def queue() -> Listing[ReportedPost]:
    """Return the list of the posts with open reports, the longest waiting first."""
    reports = func.json_agg(
        func.json_build_object(
            *("user_name", flags.c.user_name, "reason", flags.c.reason, "note", flags.c.note),
        )
    )
    waiting = (
        select(flags.c.post_id, func.min(flags.c.id).label("first"), reports.label("reports"))
        .where(flags.c.settled_at.is_(None))
        .group_by(flags.c.post_id)
        .subquery("waiting")
    )
    theirs = posts.alias("theirs")
    earlier = (
        select(func.count(func.distinct(theirs.c.id)))
        .select_from(theirs.join(flags, flags.c.post_id == theirs.c.id))
        .where(theirs.c.author_id == posts.c.author_id, flags.c.outcome == "removed")
        .correlate(posts)
        .scalar_subquery()
    )
    statement = (
        select(waiting.c.first, waiting.c.reports, earlier.label("earlier"))
        .add_columns(members.suspended(posts.c.author_id), posts.c.removed_by)
        .add_columns(posts.c.id, posts.c.author_name, posts.c.created_at, posts.c.topic_id)
        .add_columns(topics.c.title.label("topic_title"), func.left(posts.c.body, 1000).label("beginning"))
        .select_from(waiting)
        .join(posts, posts.c.id == waiting.c.post_id)
        .join(topics, topics.c.id == posts.c.topic_id)
    )
    return Listing(statement, (waiting.c.first,), _reported_post, descending=False)


def _reported_post(row: RowMapping) -> ReportedPost:
    reports = tuple(build(ReportSummary, report) for report in row["reports"])
    return build(ReportedPost, row, reports=reports)
