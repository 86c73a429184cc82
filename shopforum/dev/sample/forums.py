"""Sample data for the forums: four categories, some fifty topics over two months, traces of moderation, and what
people are told of it.
"""

import random
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection, text

from shopforum.forums import members
from shopforum.forums.person import Person

from .forums_replies import EDITS, NEW_THREADS, REPLIES, REPORTS, WITHDRAWN
from .forums_texts import CATEGORIES, DESKS, THREADS, Thread

_DAY = 86_400
_BUSY_TITLE = "Show your desk"
_BY_STARTER = "OP: "
_WELCOME_TITLE = "How the forums work: please read first"

_CATEGORY = text("""
    INSERT INTO forum_categories (slug, name, description, position) VALUES (:slug, :name, :description, :position)
    RETURNING id
    """)
_TOPIC = text("""
    INSERT INTO forum_topics (category_id, title, author_id, author_name, created_at)
    VALUES (:category_id, :title, :user_id, :user_name, now() - make_interval(secs => :age)) RETURNING id
    """)
_POST = text("""
    INSERT INTO forum_posts (topic_id, number, author_id, author_name, title, body, created_at)
    VALUES (:topic_id, :number, :user_id, :user_name, :title, :body, now() - make_interval(secs => :age)) RETURNING id
    """)
_EDIT = text("""
    INSERT INTO forum_edits (post_id, body, reason, edited_at)
    SELECT id, :before, :reason, least(created_at + interval '7 minutes', now()) FROM forum_posts WHERE id = :post_id
    """)
_EDITED = text("""
    UPDATE forum_posts SET edit_count = edit_count + 1, edited_at = least(created_at + interval '7 minutes', now())
    WHERE id = :post_id
    """)
_FLAG = text("""
    INSERT INTO forum_flags (post_id, user_id, user_name, reason, note, created_at, settled_at, outcome)
    SELECT id, :user_id, :user_name, :reason, :note, created_at + (now() - created_at) * :later,
      CASE WHEN :settled THEN now() - interval '2 hours' END, CASE WHEN :settled THEN 'removed' END
    FROM forum_posts WHERE id = :post_id
    """)
_REMOVE = text("""
    UPDATE forum_posts SET removed_at = now() - interval '2 hours', removed_by = :by, removed_reason = :reason
    WHERE id = :post_id
    """)
_ACT = text("""
    INSERT INTO forum_actions (at, actor_id, actor_name, action, topic_id, post_id, reason)
    VALUES (now() - interval '2 hours', :user_id, :user_name, :action, :topic_id, :post_id, :reason)
    """)
_COUNT_TOPICS = text("""
    UPDATE forum_topics t SET post_count = p.number, last_post_id = p.id, last_post_at = p.created_at,
      last_post_by = p.author_name
    FROM (SELECT DISTINCT ON (topic_id) * FROM forum_posts ORDER BY topic_id, number DESC) p WHERE p.topic_id = t.id
    """)
_COUNT_CATEGORIES = text("""
    UPDATE forum_categories c SET topic_count = t.topics, post_count = t.posts
    FROM (SELECT category_id, count(*) AS topics, sum(post_count) AS posts FROM forum_topics GROUP BY category_id) t
    WHERE t.category_id = c.id
    """)
_COUNT_MEMBERS = text("""
    UPDATE forum_members m SET post_count = p.posts, posted_at = p.last
    FROM (SELECT author_id, count(*) AS posts, max(created_at) AS last FROM forum_posts GROUP BY author_id) p
    WHERE p.author_id = m.user_id
    """)
# Two posts speak to whoever started their topic; everybody's last answer, and what moderators did, is told.
_ADDRESS = text("""
    WITH spoken AS (
      UPDATE forum_posts p SET body = '@' || m.handle || ' ' || p.body FROM forum_topics t, forum_members m
      WHERE t.id = p.topic_id AND t.author_id = :user_id AND m.user_id = t.author_id AND p.author_id <> t.author_id
        AND p.edit_count = 0 AND p.removed_at IS NULL AND p.id IN (
          SELECT max(o.id) FROM forum_posts o JOIN forum_topics s ON s.id = o.topic_id
          WHERE s.author_id = :user_id AND o.author_id <> :user_id GROUP BY s.id ORDER BY 1 DESC LIMIT 2)
      RETURNING p.id)
    INSERT INTO forum_mentions (post_id, user_id) SELECT id, :user_id FROM spoken
    """)
_TELL = text("""
    INSERT INTO forum_inbox (user_id, kind, topic_id, post_id, actor_name, act, reason, created_at, read_at)
    SELECT * FROM (
      SELECT t.author_id, CASE WHEN m.user_id IS NULL THEN 'reply' ELSE 'mention' END, t.id, p.id, p.author_name,
        '', '', p.created_at AS at, CASE WHEN p.created_at < now() - interval '7 days' THEN now() END
      FROM forum_topics t JOIN forum_posts p ON p.id = t.last_post_id AND p.author_id <> t.author_id
      LEFT JOIN forum_mentions m ON m.post_id = p.id AND m.user_id = t.author_id
      UNION ALL
      SELECT coalesce(p.author_id, t.author_id), 'moderation', t.id, p.id, a.actor_name, a.action, a.reason, a.at, NULL
      FROM forum_actions a JOIN forum_topics t ON t.id = a.topic_id LEFT JOIN forum_posts p ON p.id = a.post_id
      WHERE coalesce(p.author_id, t.author_id) <> a.actor_id
    ) told ORDER BY at
    """)
_READ = text("""
    INSERT INTO forum_topic_reads (user_id, topic_id, number)
    SELECT :user_id, t.id, greatest(1, w.number, t.post_count - CASE WHEN mod(t.id, 4) = 0 THEN 3 ELSE 0 END)
    FROM forum_topics t LEFT JOIN LATERAL (
      SELECT max(number) AS number FROM forum_posts WHERE topic_id = t.id AND author_id = :user_id) w ON true
    WHERE mod(t.id, 3) > 0 OR w.number IS NOT NULL
    """)


@dataclass
class _Post:
    """A post to come: who says what in which thread, and how many seconds ago."""

    age: int
    thread: Thread
    author: Person
    body: str


def seed(connection: Connection, users: list[tuple[UUID, str]], rng: random.Random) -> None:
    """Fill empty forums. `users` write, the first eight most; the second of them is the moderator.

    Needs four users or more. Instants are relative to the database's clock, in the past.
    """
    people = [Person(user_id, name) for user_id, name in users]
    moderator = people[1]
    for person in people:
        members.enrol(connection, person)
    categories = _categories(connection)
    planned = sorted(
        (post for thread in _threads() for post in _posts_of(thread, people, moderator, rng)),
        key=lambda post: -post.age,
    )
    topics: dict[str, int] = {}
    written: list[tuple[int, _Post]] = []
    numbers: dict[str, int] = {}
    for post in planned:
        title = post.thread.title
        values = {"user_id": post.author.id, "user_name": post.author.name, "age": post.age, "title": title}
        if title not in topics:
            values["category_id"] = categories[post.thread.category]
            topics[title] = connection.scalars(_TOPIC, values).one()
        number = numbers[title] = numbers.get(title, 0) + 1
        values |= {"topic_id": topics[title], "number": number, "title": title if number == 1 else ""}
        written.append((connection.scalars(_POST, {**values, "body": post.body}).one(), post))
    connection.execute(_COUNT_TOPICS)
    connection.execute(_COUNT_CATEGORIES)
    _edit(connection, written)
    _moderate(connection, topics, written, people, moderator)
    connection.execute(_COUNT_MEMBERS)
    connection.execute(_ADDRESS, {"user_id": people[0].id})
    connection.execute(_TELL)
    connection.execute(_READ, [{"user_id": person.id} for person in people[:8]])


def _categories(connection: Connection) -> dict[str, int]:
    values = [
        {"slug": slug, "name": name, "description": description, "position": position}
        for position, (slug, name, description) in enumerate(CATEGORIES, 1)
    ]
    return {str(row["slug"]): connection.scalars(_CATEGORY, row).one() for row in values}


def _threads() -> list[Thread]:
    """All threads, each with what is said later. A post that will be reported or withdrawn stands in the middle."""
    threads = [*THREADS, *(Thread(*thread) for thread in NEW_THREADS)]
    odd = [(report.title, report.text) for report in REPORTS] + [WITHDRAWN]
    whole = []
    for thread in threads:
        texts = [*thread.texts, *REPLIES.get(thread.title, ())]
        texts[2:2] = [text for title, text in odd if title == thread.title]
        whole.append(Thread(thread.category, thread.title, tuple(texts)))
    return whole


def _posts_of(thread: Thread, people: list[Person], moderator: Person, rng: random.Random) -> list[_Post]:
    """A thread's posts, by people who do not answer themselves. The starter says what begins with `OP: `."""
    if thread.title == _WELCOME_TITLE:
        return [_Post(70 * _DAY, thread, moderator, thread.texts[0])]
    busy = thread.title == _BUSY_TITLE
    starter = _somebody(people, [], rng)
    age = rng.randrange(2 * _DAY, 60 * _DAY)
    posts: list[_Post] = []
    for said in [*thread.texts, *(DESKS if busy else ())]:
        last = [posts[-1].author] if posts else []
        by_starter = not posts or said.startswith(_BY_STARTER)
        author = starter if by_starter else _somebody(people, [starter, *last], rng)
        posts.append(_Post(age, thread, author, said.removeprefix(_BY_STARTER)))
        age -= rng.randrange(age // 3 + 60) if not busy else rng.randrange(age // 20 + 60)
        age = max(age, 60)
    return posts


def _somebody(people: list[Person], other_than: list[Person], rng: random.Random) -> Person:
    """Anybody; half of the time one of the first eight, who are here most."""
    crowd = people[:8] if rng.random() < 0.5 else people
    return rng.choice([person for person in crowd if person not in other_than])


def _edit(connection: Connection, written: list[tuple[int, _Post]]) -> None:
    for edit in EDITS:
        post_id, _ = next(one for one in written if one[1].body.startswith(edit.begins))
        values = {"post_id": post_id, "before": edit.before, "reason": edit.reason}
        connection.execute(_EDIT, values)
        connection.execute(_EDITED, {"post_id": post_id})


def _moderate(
    connection: Connection,
    topics: dict[str, int],
    written: list[tuple[int, _Post]],
    people: list[Person],
    moderator: Person,
) -> None:
    """Pinned and locked topics, a removed advertisement, a post removed by its author, and open reports."""
    welcome, busy = topics[_WELCOME_TITLE], topics[_BUSY_TITLE]
    locked = topics["When will the felt desk mat be back?"]
    connection.execute(
        text("UPDATE forum_topics SET pinned = id IN (:a, :b), locked = id IN (:a, :c)"),
        {"a": welcome, "b": busy, "c": locked},
    )
    acts: list[tuple[str, int, int | None, str]] = [
        ("pin", welcome, None, "everybody should see it"),
        ("lock", welcome, None, "questions about the rules go to the moderators"),
        ("pin", busy, None, "the yearly round"),
        ("lock", locked, None, "answered: it will be back on the ninth"),
    ]
    posts = {post.body: (post_id, post.author) for post_id, post in written}
    post_id, _ = posts[WITHDRAWN[1]]
    connection.execute(_REMOVE, {"post_id": post_id, "by": "author", "reason": ""})
    for report in REPORTS:
        post_id, author = posts[report.text]
        reporters = [person for person in people if person not in (author, moderator)]
        for place, note in enumerate(report.notes):
            who = {"user_id": reporters[place].id, "user_name": reporters[place].name}
            what = {"post_id": post_id, "reason": report.reason, "note": note}
            state = {"settled": bool(report.removed), "later": 0.2 + 0.1 * place}
            connection.execute(_FLAG, {**who, **what, **state})
        if report.removed:
            connection.execute(_REMOVE, {"post_id": post_id, "by": "moderator", "reason": report.removed})
            acts.append(("hide_post", topics[report.title], post_id, report.removed))
    who = {"user_id": moderator.id, "user_name": moderator.name}
    for action, topic_id, acted_on, reason in acts:
        values = {"action": action, "topic_id": topic_id, "post_id": acted_on, "reason": reason}
        connection.execute(_ACT, {**who, **values})
