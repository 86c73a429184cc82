"""Acts of members and moderators that several tests of the forums share: fill a topic, moderate, act at the same time."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from page_forms import form_of
from sqlalchemy import text
from support import Browser
from webtest import TestResponse

from shopforum.core.database import Database
from shopforum.forums import links, writing
from shopforum.forums.person import Person
from shopforum.forums.settings import ForumSettings
from shopforum.forums.writing import Placed

QUICK = ForumSettings(post_delay=0, newcomer_delay=0)
SLOW = ForumSettings(post_delay=60, newcomer_delay=60)


def in_topic(topic: Placed) -> str:
    return links.topic(topic.topic_id, topic.title)


def fill(db: Database, topic: Placed, author: Person, count: int) -> list[Placed]:
    """Add so many replies to a topic."""
    return [writing.reply(db, topic.topic_id, author, f"Answer {n}", QUICK) for n in range(count)]


def moderate(client: Browser, path: str, act: str, **fields: str) -> TestResponse:
    form = form_of(client.get(path), path)
    form["act"], form["reason"] = act, "because"
    for name, value in fields.items():
        form[name] = value
    return form.submit(status=303)


def count_again(db: Database) -> None:
    """Assert that every stored counter equals a fresh count."""
    wrong = db.all(
        text("""
        SELECT t.id FROM forum_topics t JOIN LATERAL
          (SELECT count(*) AS n, max(number) AS top, max(id) AS last FROM forum_posts WHERE topic_id = t.id) p ON true
        WHERE t.post_count <> p.n OR p.top <> p.n OR t.last_post_id <> p.last
        """)
    )
    assert wrong == []
    wrong = db.all(
        text("""
        SELECT c.slug FROM forum_categories c LEFT JOIN
          (SELECT category_id, count(*) AS topics, sum(post_count) AS posts FROM forum_topics WHERE NOT hidden
           GROUP BY category_id) t ON t.category_id = c.id
        WHERE c.topic_count <> coalesce(t.topics, 0) OR c.post_count <> coalesce(t.posts, 0)
        """)
    )
    assert wrong == []


def at_once(jobs: list[Callable[[], Any]]) -> list[Any]:
    """Run the jobs in parallel; return what each returned or raised."""

    def run(job: Callable[[], Any]) -> Any:
        try:
            return job()
        except Exception as error:  # noqa: BLE001 - the test looks at it
            return error

    with ThreadPoolExecutor(len(jobs)) as pool:
        return list(pool.map(run, jobs))
