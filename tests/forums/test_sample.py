"""The sample data: the same for the same seed, consistent, and fit to be shown."""

import random
import re
from collections import Counter
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from forums.forum_actions import count_again
from sqlalchemy import text
from support import Browser, person

from shopforum.core.database import Database
from shopforum.dev.sample import forums as sample
from shopforum.dev.sample.forums_replies import REPORTS


@pytest.fixture
def seeded(apps: dict[str, Any]) -> Database:
    db: Database = apps["forums"].services.db
    people = [(UUID(person(name).id), name.capitalize()) for name in ("member", "moderator")]
    others = [(UUID(int=n), f"Person {n}") for n in range(30)]
    with db.transaction() as connection:
        sample.seed(connection, [*people, *others], random.Random(7))
    return db


def test_it_is_consistent(seeded: Database) -> None:
    count_again(seeded)
    row = seeded.one(
        text("""
        SELECT (SELECT count(*) FROM forum_topics) AS topics, (SELECT count(*) FROM forum_posts) AS posts,
          (SELECT count(*) FROM forum_posts WHERE created_at > now()) AS future,
          (SELECT count(*) FROM forum_posts p JOIN forum_posts q ON q.topic_id = p.topic_id
            AND q.number = p.number + 1 AND (q.created_at < p.created_at OR q.id < p.id)) AS disordered,
          (SELECT count(*) FROM forum_posts WHERE edit_count > 0) AS edited,
          (SELECT count(*) FROM forum_posts WHERE removed_by IS NOT NULL) AS removed,
          (SELECT count(*) FROM forum_flags WHERE settled_at IS NULL) AS reports
        """)
    )
    assert row is not None
    assert 40 <= row["topics"] <= 60
    assert row["posts"] > 250
    assert (row["future"], row["disordered"], row["removed"]) == (0, 0, 2)
    assert row["edited"] == 6
    assert row["reports"] > 0


_SENTENCE = re.compile(r"[^.!?\n]+[.!?]?")


def test_no_sentence_is_said_twice(seeded: Database) -> None:
    bodies = [row["body"] for row in seeded.all(text("SELECT body FROM forum_posts"))]
    said = Counter(
        sentence
        for body in bodies
        for found in _SENTENCE.findall(body)
        if len((sentence := found.strip(" *\n:)").lower()).split()) > 2
    )
    assert [sentence for sentence, times in said.items() if times > 1] == []
    assert not [body for body in bodies if body.startswith("OP:")]


def test_nobody_finds_new_what_they_have_answered(seeded: Database) -> None:
    """A person who has written the last post of a topic has read it, and so has the person who wrote before."""
    rows = seeded.all(
        text("""
        SELECT t.title FROM forum_posts p JOIN forum_topics t ON t.id = p.topic_id
        LEFT JOIN forum_topic_reads r ON r.topic_id = t.id AND r.user_id = p.author_id
        WHERE p.author_id = :member AND coalesce(r.number, 0) < p.number
        """),
        member=person("member").id,
    )
    assert rows == []


def test_every_report_has_its_cause(seeded: Database) -> None:
    rows = seeded.all(
        text("SELECT DISTINCT p.body FROM forum_flags f JOIN forum_posts p ON p.id = f.post_id")
    )
    assert {row["body"] for row in rows} == {report.text for report in REPORTS}


def test_every_page_shows_it(seeded: Database, browser: Callable[..., Browser]) -> None:
    client = browser("forums")
    client.log_in("moderator")
    for path in ("/", "/posts", "/moderation", "/moderation/flags", "/search?q=knife"):
        assert client.get(path, status=200).html.select("ul.topics, ol.timeline")
    for row in seeded.all(text("SELECT id FROM forum_topics WHERE mod(id, 4) = 0 OR pinned")):
        client.get(f"/topics/{row['id']}-", status=301).follow(status=200)
    for row in seeded.all(text("SELECT id FROM forum_posts WHERE edit_count > 0")):
        client.get(f"/posts/{row['id']}/history", status=200)
