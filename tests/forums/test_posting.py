"""New topics and replies over HTTP: what comes of a form, and that no text is lost."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from forums.forum_actions import QUICK, SLOW, fill, in_topic, moderate
from page_forms import form_of
from support import Browser

from shopforum.core.database import Database
from shopforum.forums import topics, writing
from shopforum.forums.person import Person
from shopforum.forums.settings import ForumSettings
from shopforum.forums.writing import Placed


def test_a_topic_is_started(member: Browser) -> None:
    page = member.get("/categories/pens").click("New topic")
    form = form_of(page, "/categories/pens/topics")
    form["title"], form["body"] = "  Blue  or black?\u202e ", "    code\r\n\r\n**Well?**\r\n"
    response = form.submit(status=303)
    page = response.follow()
    assert page.request.path.endswith("-blue-or-black")
    assert page.html.h1.text == "Blue or black?"
    assert "<pre><code>code" in page
    assert "<strong>Well?</strong>" in page


@pytest.mark.parametrize(
    ("title", "body", "message"),
    [
        ("ab", "text", "3 to 120"),
        ("x" * 121, "text", "3 to 120"),
        ("\u200b\u2060\u202e  ", "text", "Give your topic a title"),
        ("\u200d\u200d\u200d", "text", "Give your topic a title"),
        ("A title", "\u200b\n\u2060", "Write something first"),
        ("A title", " \r\n ", "Write something first"),
        ("A title", "x" * 20_001, "at most 20,000"),
    ],
)
def test_a_refused_text_comes_back(member: Browser, title: str, body: str, message: str) -> None:
    form = form_of(member.get("/categories/pens/topics"), "/categories/pens/topics")
    form["title"], form["body"] = title, body
    page = form.submit(status=422)
    assert message in page
    assert "<title>Error: " in page
    kept = form_of(page, "/categories/pens/topics")
    assert kept["body"].value.strip() in (body.strip(), "")
    assert "No topics yet" in member.get("/categories/pens")


def test_a_preview_saves_nothing(member: Browser, db: Database, topic: Placed) -> None:
    form = form_of(member.get(in_topic(topic)), f"/topics/{topic.topic_id}/posts")
    form["body"] = "**Look** <script>alert(1)</script>"
    page = form.submit("preview", status=200)
    assert "<strong>Look</strong> &lt;script&gt;" in page
    assert form_of(page, f"/topics/{topic.topic_id}/posts")["body"].value == form["body"].value
    assert topics.topic(db, topic.topic_id, None).post_count == 1
    form = form_of(member.get("/categories/pens/topics"), "/categories/pens/topics")
    form["title"], form["body"] = "A title", "**Look**"
    page = form.submit("preview", status=200)
    assert "<strong>Look</strong>" in page
    assert form_of(page, "/categories/pens/topics")["title"].value == "A title"
    assert "No topics yet" in member.get("/categories/pens")


def test_a_reply_lands_at_its_place(member: Browser, db: Database, topic: Placed, ann: Person) -> None:
    fill(db, topic, ann, 24)
    form = form_of(member.get(in_topic(topic)), f"/topics/{topic.topic_id}/posts")
    form["body"] = "Mine"
    response = form.submit(status=303)
    assert re.search(r"\?post=(\d+)#post-\1$", response.location)
    page = response.follow()
    assert "page 2 of 2" in page
    assert "Post 26 by Mia Marsh" in page


def test_an_empty_reply_keeps_the_page(member: Browser, topic: Placed) -> None:
    page = form_of(member.get(in_topic(topic)), f"/topics/{topic.topic_id}/posts").submit(status=422)
    assert "Write something first" in page
    assert "Which pan for eggs?" in page


def test_too_soon_keeps_the_text(member: Browser, topic: Placed) -> None:
    member.app.services.objects[ForumSettings] = SLOW
    form = form_of(member.get(in_topic(topic)), f"/topics/{topic.topic_id}/posts")
    form["body"] = "first"
    first = form.submit(status=303).location
    assert form.submit(status=303).location == first
    form["body"] = "second"
    page = form.submit(status=429)
    assert 1 <= int(page.headers["Retry-After"]) <= 60
    assert form_of(page, f"/topics/{topic.topic_id}/posts")["body"].value == "second"
    form = form_of(member.get("/categories/pens/topics"), "/categories/pens/topics")
    form["title"], form["body"] = "A title", "third"
    page = form.submit(status=429)
    assert form_of(page, "/categories/pens/topics")["body"].value == "third"


def test_a_locked_topic_gives_the_text_back(member: Browser, moderator: Browser, topic: Placed) -> None:
    form = form_of(member.get(in_topic(topic)), f"/topics/{topic.topic_id}/posts")
    moderate(moderator, f"/topics/{topic.topic_id}/moderate", "lock")
    form["body"] = "I wrote a lot"
    page = form.submit(status=409)
    assert "I wrote a lot" in page
    page = member.get(in_topic(topic))
    assert "This topic is locked" in page
    assert not [f for f in page.forms.values() if f.action.endswith("/posts")]


def test_quoting_works_without_scripts(member: Browser, db: Database, topic: Placed) -> None:
    page = member.get(in_topic(topic)).click("Quote")
    body = form_of(page, f"/topics/{topic.topic_id}/posts")["body"].value
    address = f"https://forums.test{topic.url}"
    assert body == f"@ann [wrote]({address}):\n\n> An *iron* one, or not?\n\n"
    other = writing.start_topic(
        db, "pens", Person(topic_author(db, topic), "Ann"), "Other", "secret-ish", QUICK
    )
    page = member.get(f"{in_topic(topic)}?quote={other.post_id}")
    assert form_of(page, f"/topics/{topic.topic_id}/posts")["body"].value == ""


def topic_author(db: Database, topic: Placed) -> Any:
    return topics.topic(db, topic.topic_id, None).author_id


def test_a_reply_survives_the_end_of_the_session(
    member: Browser, db: Database, topic: Placed, idle_out: Callable[[], None]
) -> None:
    form = form_of(member.get(in_topic(topic)), f"/topics/{topic.topic_id}/posts")
    form["body"] = "Written slowly"
    idle_out()
    assert "Written slowly" in form.submit(status=303).follow()
