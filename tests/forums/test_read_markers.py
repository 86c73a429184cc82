"""Everybody can read lists, topics and their pages; members see which posts are new to them."""

import pytest
from forums.forum_actions import QUICK, fill, in_topic
from page_forms import form_of
from support import Browser

from shopforum.core.database import Database
from shopforum.forums import posts, writing
from shopforum.forums.person import Person
from shopforum.forums.writing import Placed


def test_everybody_can_read(visitor: Browser, topic: Placed) -> None:
    home = visitor.get("/", status=200)
    assert "1 topic" in home
    page = home.click("Pans", index=0).click("Which pan for eggs?")
    assert page.request.path == in_topic(topic)
    assert "<em>iron</em>" in page
    assert "Log in to reply" in page
    assert not [form for form in page.forms.values() if form.action not in ("/logout", "/search")]


@pytest.mark.parametrize(
    "path",
    [
        "/posts",
        "/posts/1",
        "/posts/1/flag",
        "/categories/pans/topics",
        "/moderation/flags",
        "/posts/1/moderate",
    ],
)
def test_visitors_are_sent_to_the_login(visitor: Browser, topic: Placed, path: str) -> None:
    response = visitor.get(path, status=302)
    assert response.location.startswith("/login?next=")


def test_addresses(visitor: Browser, db: Database, topic: Placed, ann: Person) -> None:
    number = topic.topic_id
    for wrong in (
        f"/topics/{number}-",
        f"/topics/{number}-other",
        f"/topics/{number}-%C3%A9",
    ):
        response = visitor.get(f"{wrong}?page=1", status=301)
        assert response.location == f"{in_topic(topic)}?page=1"
    for nowhere in (
        *(
            "/topics/999-x",
            "/topics/1",
            "/topics/999999999999999999-x",
            "/topics/9999999999999999999-x",
            "/topics/-1-x",
        ),
        *(
            "/topics/1x-y",
            "/categories/none",
            "/categories/Pans",
            "/posts/999/history",
            "/topics/%00",
            "/topics/1/x",
        ),
        f"{in_topic(topic)}?post=999",
    ):
        assert visitor.get(nowhere, expect_errors=True).status_int in (400, 404), nowhere
    for junk in (
        "page=x",
        "page=-1",
        "page=0",
        "page=99999999999999999999",
        "post=x",
        "quote=x",
        "cursor=x",
        "unread",
    ):
        visitor.get(f"{in_topic(topic)}?{junk}", status=200)
        visitor.get(f"/?{junk}", status=200)


def test_pages_of_a_topic(visitor: Browser, db: Database, topic: Placed, ann: Person) -> None:
    placed = fill(db, topic, ann, 45)
    first = visitor.get(in_topic(topic))
    assert "Answer 18" in first
    assert "Answer 19" not in first
    second = first.click("^Next$")
    assert "Answer 19" in second
    assert "Answer 38" in second
    third = second.click("^Next$")
    assert "Answer 44" in third
    assert third.html.select("a[rel=next]") == []
    assert "Answer 19" in third.click("^Previous$")
    assert "Answer 44" in visitor.get(f"{in_topic(topic)}?page=77")
    at_post = visitor.get(placed[29].url.partition("#")[0])
    assert f'id="post-{placed[29].post_id}"' in at_post
    assert "page 2 of 3" in at_post


def test_unread_topics_lead_to_the_first_new_post(
    member: Browser, db: Database, topic: Placed, ann: Person
) -> None:
    assert "New topic" in member.get("/categories/pans").html.find("ul", "topics").text
    member.get(in_topic(topic))
    assert "New topic" not in member.get("/categories/pans").html.find("ul", "topics").text
    placed = fill(db, topic, ann, 22)
    page = member.get("/categories/pans").click("22 new posts")
    assert "page 1 of 2" in page
    assert page.text.index('id="new"') < page.text.index(f'id="post-{placed[0].post_id}"')
    page = member.get("/categories/pans").click("3 new posts")
    assert "page 2 of 2" in page
    assert "new post" not in member.get("/categories/pans")
    fill(db, topic, ann, 1)
    listed = member.get("/categories/pans")
    assert "is-unread" in listed
    assert "is-unread" not in form_of(listed, "/categories/pans/read").submit(status=303).follow()


def test_a_removed_post_is_not_new(
    member: Browser, db: Database, topic: Placed, ann: Person, mia: Person
) -> None:
    writing.reply(db, topic.topic_id, mia, "mine", QUICK)
    member.get(in_topic(topic))
    one, other = fill(db, topic, ann, 2)

    def new() -> list[str]:
        return [
            a.text for page in ("/", "/posts") for a in member.get(page).html.select("a[href*='unread=1']")
        ]

    assert new() == ["2 new posts", "2 new replies"]
    posts.remove(db, one.post_id, ann)
    assert new() == ["1 new post", "1 new reply"]
    page = member.get(in_topic(topic) + "?unread=1")
    assert page.html.select_one(".new-line").find_next("article")["id"] == f"post-{other.post_id}"


def test_a_page_that_was_fetched_in_advance_is_not_read(member: Browser, topic: Placed) -> None:
    for header in ({"Sec-Purpose": "prefetch"}, {"Purpose": "prefetch"}, {"X-Moz": "prefetch"}):
        member.get(in_topic(topic), headers=header, status=200)
    assert "New topic" in member.get("/categories/pans")
