"""A topic of ten thousand posts: what the planner makes of its pages, and that they take no more than a short one's."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from forums.forum_actions import in_topic
from sqlalchemy import event, text
from support import Browser

from shopforum.core.database import Database
from shopforum.forums.person import Person
from shopforum.forums.writing import Placed

MANY = 10_000

# Those that grow with what people write; read from end to end by a page, they would make it slower every day.
GROWING = {"forum_posts", "forum_edits", "forum_inbox", "forum_mentions", "audit_log"}


# Each hundredth post is Mia's, who has read a third of it, and has much in her inbox. Two hundred people wrote the others.
GROWTH = """
INSERT INTO forum_members (user_id, handle, post_count) VALUES (:mia, 'mia-marsh', 100);
INSERT INTO forum_members (user_id, handle, post_count)
  SELECT CAST(md5('m' || n) AS uuid), 'm-' || n, 50 FROM generate_series(0, 199) n;
INSERT INTO forum_posts (topic_id, number, author_id, author_name, body)
  SELECT :topic, n, CASE WHEN n % 100 = 0 THEN CAST(:mia AS uuid) ELSE CAST(md5('m' || n % 199) AS uuid) END, 'Somebody', 'Word ' || n
  FROM generate_series(2, :many) n;
UPDATE forum_topics SET post_count = :many, last_post_id = (SELECT max(id) FROM forum_posts);
UPDATE forum_topic_reads SET number = :many / 3;
INSERT INTO forum_edits (post_id, body) SELECT id, 'before' FROM forum_posts;
INSERT INTO forum_inbox (user_id, kind, topic_id, post_id, actor_name, read_at)
  SELECT CASE WHEN number % 20 = 0 THEN CAST(:mia AS uuid) ELSE gen_random_uuid() END, 'mention', :topic, id, 'Ann',
    CASE WHEN number % 40 > 0 THEN now() END FROM forum_posts;
INSERT INTO forum_mentions (post_id, user_id) SELECT id, :mia FROM forum_posts WHERE number % 5 = 0;
INSERT INTO audit_log (event, site, initiating_entity, user_id)
  SELECT 'session_renewed', 'forums', 'system', gen_random_uuid() FROM generate_series(1, 5000);
INSERT INTO forum_topics (category_id, title, author_id, author_name)
  SELECT category_id, title, author_id, author_name FROM forum_topics, generate_series(1, 300)
"""


def grow(db: Database, topic: Placed, mia: Person) -> None:
    with db.transaction() as connection:
        # As a replica: what refers to what is clear here, and checking it takes most of the time.
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        values = {"topic": topic.topic_id, "mia": str(mia.id), "many": MANY}
        for statement in GROWTH.split(";"):
            connection.execute(
                text(statement), {k: v for k, v in values.items() if re.search(rf":{k}\b", statement)}
            )
    for table in (*GROWING, "forum_topics"):
        db.all(text(f"ANALYZE {table}"))


@contextmanager
def plans(client: Browser) -> Iterator[list[tuple[str, Any]]]:
    """The plan of every statement of the forums that runs meanwhile, as it ran, with how many rows each step gave."""
    engine = client.app.services.db.engine
    run: list[tuple[str, Any]] = []
    found: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.startswith("EXECUTE shopforum_forum_"):
            run.append((statement, parameters))

    # One connection from here on: it has prepared what is explained below.
    engine.dispose()
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(engine, "before_cursor_execute", note)
    with engine.connect() as connection, connection.connection.cursor() as cursor:
        for statement, parameters in run:
            cursor.execute(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {statement}", parameters)
            (answer,) = cursor.fetchone()
            found.append((statement, (answer if isinstance(answer, list) else json.loads(answer))[0]["Plan"]))


def steps(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from steps(child)


def rows(step: dict[str, Any]) -> float:
    """Return how many rows of its table a step has looked at, in all its rounds."""
    looked = (
        step["Actual Rows"]
        + step.get("Rows Removed by Filter", 0)
        + step.get("Rows Removed by Join Filter", 0)
    )
    return looked * step["Actual Loops"]


PAGES = ("?page=1", "?page=250", "?page=500", "?unread=1", "?post={last}", "?quote={last}&post={last}")
LISTS = (
    "/",
    "/categories/pans",
    "/posts",
    "/inbox",
    "/inbox?show=unread",
    "/search?author=%40mia-marsh",
    "/search?q=5000",
)


def test_ten_thousand_posts(
    member: Browser, db: Database, topic: Placed, mia: Person, count_sql: Callable[..., Any]
) -> None:
    def statements(path: str) -> int:
        member.get(path)
        with count_sql(member) as found:
            member.get(path)
        return len(found)

    short = statements(in_topic(topic))
    assert short == 3
    grow(db, topic, mia)
    row = db.one(text("SELECT max(id) AS id FROM forum_posts"))
    assert row is not None
    pages = [in_topic(topic) + query.format(last=row["id"]) for query in PAGES]
    with plans(member) as found:
        for path in pages:
            assert member.get(path, status=200).html.select("article.post")
    assert len(found) >= 2 * len(pages)
    for statement, step in looked_at(found):
        assert "Seq Scan" not in step["Node Type"], f"{step}\n{statement}"
        assert rows(step) <= 300, (statement, step)
    with plans(member) as found:
        for path in LISTS:
            member.get(path, status=200)
    for statement, step in looked_at(found):
        assert "Seq Scan" not in step["Node Type"], f"{step}\n{statement}"
    assert {statements(path) for path in pages if "page=" in path} == {short}


def looked_at(plans: list[tuple[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The steps that read a growing table, each with its statement."""
    for statement, plan in plans:
        for step in steps(plan):
            if step.get("Relation Name") in GROWING:
                yield statement, step
