"""Reports of posts: readers send them, moderators settle them."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from ..core.database import Database, ResultRow
from ..core.prepared_statements import Prepared
from ..core.rows import build
from . import posts
from .inbox import COUNTS
from .members import SUSPENDED
from .paging import NumberedList
from .person import Person, viewing
from .posts import Post
from .refusals import Missing

REASONS = {
    "spam": "It advertises something",
    "rude": "It is rude or hurtful",
    "off-topic": "It does not belong here",
    "private": "It tells something private",
    "other": "Something else",
}

# The suggested message to the author, by the reason of a report. The moderator can change it.
REMOVAL_REASONS = {
    "spam": "It advertises something; see the rules.",
    "rude": "It is hurtful to another member.",
    "off-topic": "It does not belong to this topic.",
    "private": "It tells something private about somebody.",
    "other": "",
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


_OF_POST = text("""
    SELECT user_name, reason, note, created_at FROM forum_flags
    WHERE post_id = :post_id AND settled_at IS NULL ORDER BY id LIMIT 100
    """)
_QUEUE = Prepared(
    "forum_reports",
    f"""
    SELECT p.id, p.author_name, p.created_at, p.topic_id, p.removed_by, t.title AS topic_title,
      left(p.body, 1000) AS beginning, w.reports, w.since, count(*) OVER () AS total,
      (SELECT count(DISTINCT o.id) FROM forum_posts o JOIN forum_flags f ON f.post_id = o.id
        WHERE o.author_id = p.author_id AND f.outcome = 'removed') AS earlier, {SUSPENDED}, {COUNTS}
    FROM (SELECT post_id, min(id) AS first, min(created_at) AS since,
            json_agg(json_build_object('user_name', user_name, 'reason', reason, 'note', note) ORDER BY id) AS reports
          FROM forum_flags WHERE settled_at IS NULL GROUP BY post_id) w
    JOIN forum_posts p ON p.id = w.post_id JOIN forum_topics t ON t.id = p.topic_id
    ORDER BY w.first LIMIT :rows OFFSET :skip
    """,
)


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
    """A post in the queue. `reports` are its open reports, `since` the instant of the first, `suspended` is about its author.

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
    since: datetime
    reports: tuple[ReportSummary, ...]


def reportable(db: Database, post_id: int, person: Person) -> Post:
    """Return a post that a person may report. Raises Missing, also for the person's own post."""
    found = posts.post(db, post_id, person)
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
    return [build(Report, row) for row in db.all(_OF_POST, post_id=post_id)]


def settle(connection: Connection, post_id: int, outcome: str) -> int | None:
    """Close all open reports of a post. Return the id of its topic, or None if no report was open."""
    return connection.execute(_SETTLE, {"post_id": post_id, "outcome": outcome}).scalars().first()


def queue(moderator: Person) -> NumberedList[ReportedPost]:
    """Return the list of the posts with open reports, the longest waiting first."""
    return NumberedList(_QUEUE, _reported_post, viewing(moderator))


def _reported_post(row: ResultRow) -> ReportedPost:
    reports = tuple(build(ReportSummary, report) for report in row["reports"])
    return build(ReportedPost, row, reports=reports)
