"""Members: a page for each, linked from what they wrote, and an avatar of their own."""

from uuid import UUID, uuid4

import pytest
from forums.forum_actions import QUICK, fill, in_topic
from sqlalchemy import text
from support import Browser

from shopforum.core.database import Database
from shopforum.forums import avatars, members, moderation, posts, writing
from shopforum.forums.person import Person
from shopforum.forums.refusals import Missing
from shopforum.forums.writing import Placed


def test_a_name_leads_to_the_person(visitor: Browser, db: Database, topic: Placed, ann: Person) -> None:
    writing.start_topic(db, "pens", ann, "Which nib?", "A *fine* one?", QUICK)
    page = visitor.get(in_topic(topic)).click("Ann")
    assert page.request.path == "/members/ann"
    assert page.html.h1.text.strip() == "Ann"
    assert "2 posts" in page
    assert "2 topics started" in page
    assert [link.text for link in page.html.select("ul.topics h3 a")] == ["Which nib?", "Which pan for eggs?"]


def test_a_mention_leads_to_the_person(
    visitor: Browser, db: Database, topic: Placed, ann: Person, bob: Person
) -> None:
    writing.reply(db, topic.topic_id, bob, "Ask @ann, @nobody", QUICK)
    found = visitor.get(in_topic(topic)).html.select(".prose a")
    assert [link["href"] for link in found] == ["/members/ann"]


def test_removed_and_hidden_posts_are_not_counted(
    visitor: Browser, db: Database, topic: Placed, ann: Person, bob: Person
) -> None:
    placed = fill(db, topic, ann, 2)
    posts.remove(db, placed[0].post_id, ann)
    assert "2 posts" in visitor.get("/members/ann")
    moe = Person(uuid4(), "Moe", moderator=True)
    moderation.change_topic(db, topic.topic_id, moe, "hide", "because")
    visitor.get("/members/ann", status=404)
    writing.reply(
        db, writing.start_topic(db, "pens", bob, "Nibs", "text", QUICK).topic_id, ann, "Fine", QUICK
    )
    assert "1 post<" in visitor.get("/members/ann")


def test_a_name_that_changed_is_the_newest(db: Database, topic: Placed, ann: Person) -> None:
    writing.reply(db, topic.topic_id, Person(ann.id, "Ann Archer"), "again", QUICK)
    assert members.profile(db, "ann", None).name == "Ann Archer"
    with pytest.raises(Missing):
        members.profile(db, "ann-archer", None)


def test_nobody_has_no_page(visitor: Browser, db: Database) -> None:
    for name in ("nobody", "-", "ann'--", "Ann", "x" * 61):
        visitor.get(f"/members/{name}", status=404)


def test_the_id_alone_leads_to_the_topic(visitor: Browser, topic: Placed) -> None:
    page = visitor.get(f"/topics/{topic.topic_id}?page=1", status=301)
    assert page.location.endswith(f"{in_topic(topic)}?page=1")
    visitor.get("/topics/999999", status=404)


def test_a_second_page_says_so(visitor: Browser, db: Database, topic: Placed, ann: Person) -> None:
    fill(db, topic, ann, 20)
    for number in range(21):
        writing.start_topic(db, "pans", ann, f"Pan {number}", "text", QUICK)
    for path, name in (
        ("/categories/pans", "Pans"),
        ("/members/ann", "Ann (@ann)"),
        (in_topic(topic), topic.title),
        ("/", "Latest topics"),
    ):
        first, second = visitor.get(path), visitor.get(f"{path}?page=2")
        assert second.html.title.text.startswith(f"{name} (page 2)")
        assert "(page" not in first.html.title.text
        assert second.html.select_one(".page-numbers [aria-current]").text == "2"
        assert [link["href"] for link in first.html.select("a[rel=next]")] == [f"{path}?page=2"]
        assert [link["href"] for link in second.html.select("a[rel=prev]")] == [path]


def test_a_page_beyond_the_last_is_the_last(
    visitor: Browser, db: Database, topic: Placed, ann: Person
) -> None:
    for number in range(25):
        writing.start_topic(db, "pans", ann, f"Pan {number}", "text", QUICK)
    page = visitor.get("/categories/pans?page=400")
    assert page.html.select_one(".page-numbers [aria-current]").text == "2"
    assert "Which pan for eggs?" in page


def test_avatars_are_the_same_everywhere_and_differ() -> None:
    one, other = UUID(int=1), UUID(int=2)
    assert avatars.svg(one, "Ann Archer") == avatars.svg(one, "Ann Archer")
    assert avatars.svg(one, "Ann Archer") != avatars.svg(other, "Ann Archer")


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("Mia Marsh", "MM"),
        ("mia", "M"),
        ("Ann van Dyck", "AD"),
        ("小明", "小"),
        ("!!", "?"),
        ("", "?"),
        ("ß x", "SS"),
    ],
)
def test_initials(name: str, letters: str) -> None:
    assert avatars.initials(name) == letters


def test_the_header_searches(member: Browser, topic: Placed) -> None:
    form = next(form for form in member.get("/").forms.values() if "q" in form.fields)
    form["q"] = "eggs"
    page = form.submit(status=200)
    assert "1 post" in page
    assert page.html.select_one(".site-head input[type=search]")["value"] == "eggs"


def test_the_sitemap_lists_categories_and_visible_topics(
    visitor: Browser, db: Database, topic: Placed, ann: Person
) -> None:
    hidden = writing.start_topic(db, "pens", ann, "Not to be seen", "text", QUICK)
    db.all(text("UPDATE forum_topics SET hidden = true WHERE id = :id RETURNING 1"), id=hidden.topic_id)
    listed = visitor.get("/sitemap.xml").text
    for path in ("/", "/categories/pans", in_topic(topic)):
        assert f"<loc>https://forums.test{path}</loc>" in listed
    assert "not-to-be-seen" not in listed
