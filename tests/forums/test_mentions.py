"""Mentions: who has which handle, what counts as a mention, and how many a post can make."""

from uuid import uuid4

import pytest
from forums.forum_actions import QUICK, at_once, in_topic
from page_forms import form_of
from sqlalchemy import text
from support import Browser

from shopforum.core import markdown
from shopforum.core.database import Database
from shopforum.forums import links, posts, writing
from shopforum.forums.person import Person
from shopforum.forums.settings import ForumSettings
from shopforum.forums.writing import Placed


def handles(db: Database) -> dict[str, str]:
    return {
        str(row["user_id"]): row["handle"]
        for row in db.all(text("SELECT user_id, handle FROM forum_members"))
    }


def told(db: Database, person: Person) -> list[str]:
    rows = db.all(text("SELECT kind FROM forum_inbox WHERE user_id = :id ORDER BY id"), id=person.id)
    return [row["kind"] for row in rows]


@pytest.mark.parametrize(
    ("name", "handle"),
    [
        ("Mia Marsh", "mia-marsh"),
        ("  Zoë   O'Hara ", "zoe-o-hara"),
        ("Анна", "member"),
        ("x" * 60, "x" * 40),
        ("", "member"),
    ],
)
def test_a_handle_is_made_of_the_name(name: str, handle: str) -> None:
    assert links.handle(name) == handle


def test_handles_are_given_once_and_stay(db: Database, topic: Placed, ann: Person) -> None:
    other = Person(uuid4(), "ANN")
    writing.reply(db, topic.topic_id, other, "text", QUICK)
    writing.reply(db, topic.topic_id, Person(ann.id, "Ann Archer"), "renamed", QUICK)
    assert handles(db) == {str(ann.id): "ann", str(other.id): "ann-2"}


def test_newcomers_of_one_name_at_once_get_different_handles(db: Database, topic: Placed) -> None:
    people = [Person(uuid4(), "Mia Marsh") for _ in range(6)]
    results = at_once([lambda p=p: writing.reply(db, topic.topic_id, p, "text", QUICK) for p in people])
    assert [error for error in results if isinstance(error, Exception)] == []
    given = handles(db)
    assert sorted(given[str(p.id)] for p in people) == ["mia-marsh", *(f"mia-marsh-{n}" for n in range(2, 7))]


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("@Ann, and @bob-2. (@eve)", ["ann", "bob-2", "eve"]),
        ("@ann @ANN", ["ann"]),
        ("`@ann`\n\n    @ann\n\n```\n@ann\n```", []),
        ("> @ann\n\n@bob", ["bob"]),
        ("[@ann](https://e.example) https://e.example/@ann", []),
        ("me@ann.example @ann@e.example a@ann /@ann", []),
        ("**@ann** | *@bob*", ["ann", "bob"]),
        ("@-ann @", []),
    ],
)
def test_the_forms_of_a_mention(body: str, found: list[str]) -> None:
    assert markdown.mentioned(body) == found


def test_only_those_who_are_there_become_links(member: Browser, db: Database, topic: Placed) -> None:
    form = form_of(member.get(in_topic(topic)), f"/topics/{topic.topic_id}/posts")
    form["body"] = "Dear @ann and @nobody, `@ann`"
    for page in (form.submit("preview", status=200), form.submit(status=303).follow()):
        [link] = page.html.select(".prose a[href^='/members/']")
        assert (link.text, link["href"]) == ("@ann", "/members/ann")
    found = member.get(link["href"], status=200)
    assert [item.h3.text for item in found.html.select("ul.topics li")] == ["Which pan for eggs?"]
    member.get("/members/nobody", status=404)


def test_a_post_is_news_once(db: Database, topic: Placed, ann: Person, bob: Person) -> None:
    eve = Person(uuid4(), "Eve")
    writing.start_topic(db, "pens", eve, "Of Eve", "text", QUICK)
    placed = writing.reply(db, topic.topic_id, bob, "@eve and @bob", QUICK)
    assert told(db, eve) == ["mention"]
    assert told(db, bob) == []
    assert told(db, ann) == ["reply"]
    writing.edit(db, placed.post_id, bob, "@eve, @ann", "", None, QUICK)
    writing.edit(db, placed.post_id, bob, "nobody", "", None, QUICK)
    writing.edit(db, placed.post_id, bob, "@eve again", "", None, QUICK)
    assert told(db, eve) == ["mention"]
    assert told(db, ann) == ["mention"]


def test_a_post_mentions_a_few_whatever_its_edits(db: Database, topic: Placed, bob: Person) -> None:
    people = [Person(uuid4(), f"P{n}") for n in range(6)]
    for person in people:
        writing.start_topic(db, "pens", person, "A title", "text", QUICK)
    settings = ForumSettings(post_delay=0, newcomer_delay=0, mentions=3)
    placed = writing.reply(db, topic.topic_id, bob, "@nobody @p4 @p1", settings)
    writing.edit(db, placed.post_id, bob, "@p0 @p2 @p3 @p4 @p5", "", None, settings)
    [*_, row] = posts.on_page(db, topic.topic_id, 1)
    assert sorted(row.mentions) == ["p0", "p1", "p4"]
    assert [len(told(db, person)) for person in people] == [1, 1, 0, 0, 1, 0]


def test_a_quoted_member_is_told(member: Browser, db: Database, topic: Placed, ann: Person) -> None:
    form = form_of(member.get(in_topic(topic)).click("Quote"), f"/topics/{topic.topic_id}/posts")
    form["body"] = form["body"].value + "Iron."
    assert "@ann" in form.submit(status=303).follow()
    assert told(db, ann) == ["mention"]
