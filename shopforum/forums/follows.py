"""Followed topics: a person who follows a topic gets a message about its replies, as the topic's author does."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text

from ..core.database import Database, once_more
from ..core.rows import build
from .person import Person

# As many topics as one page lists.
MOST = 200

_FOLLOW = text(f"""
    INSERT INTO forum_follows (user_id, topic_id)
    SELECT :user_id, :topic_id WHERE (SELECT count(*) FROM forum_follows WHERE user_id = :user_id) < {MOST}
    ON CONFLICT DO NOTHING
    """)
_FOLLOWS = text("SELECT 1 FROM forum_follows WHERE user_id = :user_id AND topic_id = :topic_id")
_STOP = text("DELETE FROM forum_follows WHERE user_id = :user_id AND topic_id = :topic_id")
_FOLLOWED = text(f"""
    SELECT t.id, t.title FROM forum_follows f JOIN forum_topics t ON t.id = f.topic_id
    WHERE f.user_id = :user_id AND NOT t.hidden ORDER BY f.created_at DESC LIMIT {MOST}
    """)


@dataclass(frozen=True)
class FollowedTopic:
    """A topic that a person follows."""

    id: int
    title: str


@once_more
def follow(db: Database, person: Person, topic_id: int) -> bool:
    """Follow a topic that exists. Return False, and change nothing, for a person who follows MOST others."""
    with db.transaction() as connection:
        values = {"user_id": person.id, "topic_id": topic_id}
        connection.execute(_FOLLOW, values)
        return connection.execute(_FOLLOWS, values).first() is not None


@once_more
def stop(db: Database, person: Person, topic_id: int) -> None:
    """Follow a topic no longer."""
    with db.transaction() as connection:
        connection.execute(_STOP, {"user_id": person.id, "topic_id": topic_id})


def followed(db: Database, person: Person) -> Sequence[FollowedTopic]:
    """Return the topics that a person follows, the latest one first. A hidden topic is left out."""
    return [build(FollowedTopic, row) for row in db.all(_FOLLOWED, user_id=person.id)]
