"""The forums' pages over HTTP, through a real login."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from forums.helpers import form_to, in_topic, moderate
from support import Browser

from shopforum.forums import posts, topics, writing
from shopforum.forums.people import Person
from shopforum.forums.writing import Placed
from shopforum.sessions.database import Database


def fill(db: Database, topic: Placed, author: Person, count: int) -> list[Placed]:
    return [writing.reply(db, topic.topic_id, author, f"Answer {n}", 0) for n in range(count)]


def test_everybody_can_read(visitor: Browser, topic: Placed) -> None:
    home = visitor.get("/", status=200)
    assert "1 topic" in home
    page = home.click("Pans", index=0).click("Which pan for eggs?")
    assert page.request.path == in_topic(topic)
    assert "<em>iron</em>" in page
    assert "Log in to reply" in page
    assert not [form for form in page.forms.values() if form.action != "/logout"]


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


def test_a_login_leads_to_the_own_posts(forums: Browser, db: Database) -> None:
    page = forums.log_in("member").follow()
    assert page.request.path == "/posts"
    assert "You have not written anything here" in page
    assert "Start a topic" in page


def test_a_topic_is_started(member: Browser) -> None:
    page = member.get("/categories/pens").click("New topic")
    form = form_to(page, "/categories/pens/topics")
    form["title"], form["body"] = "  Blue  or black?\u202e ", "    code\r\n\r\n**Well?**\r\n"
    response = form.submit(status=303)
    page = response.follow()
    assert page.request.path.endswith("-blue-or-black")
    assert "<h1>Blue or black?</h1>" in page
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
def test_what_does_not_pass_comes_back(member: Browser, title: str, body: str, message: str) -> None:
    form = form_to(member.get("/categories/pens/topics"), "/categories/pens/topics")
    form["title"], form["body"] = title, body
    page = form.submit(status=422)
    assert message in page
    assert "<title>Error: " in page
    kept = form_to(page, "/categories/pens/topics")
    assert kept["body"].value.strip() in (body.strip(), "")
    assert "No topics here" in member.get("/categories/pens")


def test_a_preview_saves_nothing(member: Browser, db: Database, topic: Placed) -> None:
    form = form_to(member.get(in_topic(topic)), f"/topics/{topic.topic_id}/posts")
    form["body"] = "**Look** <script>alert(1)</script>"
    page = form.submit("preview", status=200)
    assert "<strong>Look</strong> &lt;script&gt;" in page
    assert form_to(page, f"/topics/{topic.topic_id}/posts")["body"].value == form["body"].value
    assert topics.topic(db, topic.topic_id, None)["post_count"] == 1
    form = form_to(member.get("/categories/pens/topics"), "/categories/pens/topics")
    form["title"], form["body"] = "A title", "**Look**"
    page = form.submit("preview", status=200)
    assert "<strong>Look</strong>" in page
    assert form_to(page, "/categories/pens/topics")["title"].value == "A title"
    assert "No topics here" in member.get("/categories/pens")


def test_a_reply_lands_at_its_place(member: Browser, db: Database, topic: Placed, ann: Person) -> None:
    fill(db, topic, ann, 24)
    form = form_to(member.get(in_topic(topic)), f"/topics/{topic.topic_id}/posts")
    form["body"] = "Mine"
    response = form.submit(status=303)
    assert re.search(r"\?post=(\d+)#post-\1$", response.location)
    page = response.follow()
    assert "page 2 of 2" in page
    assert "Post 26 by Mia Marsh" in page


def test_an_empty_reply_keeps_the_page(member: Browser, topic: Placed) -> None:
    page = form_to(member.get(in_topic(topic)), f"/topics/{topic.topic_id}/posts").submit(status=422)
    assert "Write something first" in page
    assert "Which pan for eggs?" in page


def test_too_soon_keeps_the_text(member: Browser, topic: Placed) -> None:
    member.app.registry.post_delay = 60
    form = form_to(member.get(in_topic(topic)), f"/topics/{topic.topic_id}/posts")
    form["body"] = "first"
    first = form.submit(status=303).location
    assert form.submit(status=303).location == first
    form["body"] = "second"
    page = form.submit(status=429)
    assert 1 <= int(page.headers["Retry-After"]) <= 60
    assert form_to(page, f"/topics/{topic.topic_id}/posts")["body"].value == "second"
    form = form_to(member.get("/categories/pens/topics"), "/categories/pens/topics")
    form["title"], form["body"] = "A title", "third"
    page = form.submit(status=429)
    assert form_to(page, "/categories/pens/topics")["body"].value == "third"


def test_a_locked_topic_gives_the_text_back(member: Browser, moderator: Browser, topic: Placed) -> None:
    form = form_to(member.get(in_topic(topic)), f"/topics/{topic.topic_id}/posts")
    moderate(moderator, f"/topics/{topic.topic_id}/moderate", "lock")
    form["body"] = "I wrote a lot"
    page = form.submit(status=409)
    assert "I wrote a lot" in page
    page = member.get(in_topic(topic))
    assert "This topic is locked" in page
    assert not [f for f in page.forms.values() if f.action.startswith("/topics")]


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
    second = first.click("Next page")
    assert "Answer 19" in second
    assert "Answer 38" in second
    third = second.click("Next page")
    assert "Answer 44" in third
    assert "Next page" not in third
    assert "Answer 19" in third.click("Previous page")
    assert "Answer 44" in visitor.get(f"{in_topic(topic)}?page=77")
    at_post = visitor.get(placed[29].url.partition("#")[0])
    assert f'id="post-{placed[29].post_id}"' in at_post
    assert "page 2 of 3" in at_post


def test_quoting_works_without_scripts(member: Browser, db: Database, topic: Placed) -> None:
    page = member.get(in_topic(topic)).click("Quote")
    body = form_to(page, f"/topics/{topic.topic_id}/posts")["body"].value
    address = f"https://forums.test{topic.url}"
    assert body == f"[Ann wrote]({address}):\n\n> An *iron* one, or not?\n\n"
    other = writing.start_topic(db, "pens", Person(topic_author(db, topic), "Ann"), "Other", "secret-ish", 0)
    page = member.get(f"{in_topic(topic)}?quote={other.post_id}")
    assert form_to(page, f"/topics/{topic.topic_id}/posts")["body"].value == ""


def topic_author(db: Database, topic: Placed) -> Any:
    return topics.topic(db, topic.topic_id, None)["author_id"]


def test_own_posts_say_what_came_after(
    member: Browser, db: Database, topic: Placed, ann: Person, mia: Person
) -> None:
    reply = writing.reply(db, topic.topic_id, mia, "> quoted\n\nMy **own** words", 0)
    member.get(in_topic(topic))
    fill(db, topic, ann, 3)
    page = member.get("/posts")
    assert "My own words" in page
    assert "3 replies since" in page
    assert "3 new replies" in page
    unread = page.click("3 new replies")
    assert unread.text.index("New since your last visit") > unread.text.index("own</strong> words")
    assert "new repl" not in member.get("/posts")
    form_to(member.get(in_topic(topic)), f"/posts/{reply.post_id}/delete").submit(status=303)
    assert "Removed by you" in member.get("/posts")


def test_own_posts_are_paged(member: Browser, db: Database, topic: Placed, mia: Person) -> None:
    for n in range(25):
        writing.reply(db, topic.topic_id, mia, f"Thought number {n}.", 0)
    first = member.get("/posts")
    assert "Thought number 24." in first
    assert "Thought number 4." not in first
    assert "Thought number 4." in first.click("Older")


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
    assert "is-unread" not in form_to(listed, "/categories/pans/read").submit(status=303).follow()


def test_editing_and_history(
    member: Browser, visitor: Browser, db: Database, topic: Placed, mia: Person
) -> None:
    reply = writing.reply(db, topic.topic_id, mia, "The quick brown fox", 0)
    path = f"/posts/{reply.post_id}"
    form = form_to(member.get(path), path)
    form["body"], form["reason"] = "The slow brown fox", "it was not quick"
    assert "slow" in form.submit("preview", status=200)
    page = form.submit(status=303).follow()
    assert "edited 1 time" in page
    history = visitor.get(f"{path}/history")
    assert [e.text for e in history.html.find("p", "diff").find_all("del")] == ["removed: quick"]
    assert [e.text for e in history.html.find("p", "diff").find_all("ins")] == ["added: slow"]
    assert "it was not quick" in history
    form["body"] = "From another window"
    stale = form.submit(status=409)
    assert form_to(stale, path)["body"].value == "From another window"
    form["body"] = ""
    form.submit(status=422)


def test_removing_and_undoing(
    member: Browser, visitor: Browser, db: Database, topic: Placed, mia: Person
) -> None:
    reply = writing.reply(db, topic.topic_id, mia, "Regrettable words", 0)
    page = form_to(member.get(in_topic(topic)), f"/posts/{reply.post_id}/delete").submit(status=303).follow()
    assert "Your post is removed." in page
    assert "Regrettable" not in page
    for path in (in_topic(topic), "/", "/categories/pans", "/search?q=regrettable"):
        assert "Regrettable words" not in visitor.get(path)
    assert "Mia Marsh removed this post" in visitor.get(in_topic(topic))
    visitor.get(f"/posts/{reply.post_id}/history", status=404)
    member.get(f"/posts/{reply.post_id}", status=404)
    undo = page.html.find(id="notice").find("form")
    assert undo["action"] == f"/posts/{reply.post_id}/restore"
    page = form_to(page, undo["action"]).submit(status=303).follow()
    assert "Regrettable words" in page


def test_posts_of_others_are_theirs(member: Browser, topic: Placed) -> None:
    page = member.get(in_topic(topic))
    token = form_to(page, "/logout")["csrf_token"].value
    member.get(f"/posts/{topic.post_id}", status=404)
    for act in ("", "/delete", "/restore"):
        member.post(f"/posts/{topic.post_id}{act}", {"csrf_token": token, "body": "mine"}, status=404)
    for path in (f"/posts/{topic.post_id}/moderate", f"/topics/{topic.topic_id}/moderate"):
        member.get(path, status=403)
        member.post(path, {"csrf_token": token, "act": "hide", "reason": "x"}, status=403)
    member.get("/moderation/flags", status=403)
    assert "<em>iron</em>" in member.get(in_topic(topic))


POSTS = (
    "/categories/pans/topics",
    "/categories/pans/read",
    "/topics/{topic}/posts",
    "/topics/{topic}/moderate",
    "/posts/{post}",
    "/posts/{post}/delete",
    "/posts/{post}/restore",
    "/posts/{post}/flag",
    "/posts/{post}/moderate",
)


@pytest.mark.parametrize("pattern", POSTS)
def test_every_form_needs_a_token(moderator: Browser, visitor: Browser, topic: Placed, pattern: str) -> None:
    path = pattern.format(topic=topic.topic_id, post=topic.post_id)
    assert moderator.post(path, {"body": "x", "act": "hide", "reason": "x"}, status=403)
    token = form_to(visitor.get("/login"), "/login")["csrf_token"].value
    assert visitor.post(path, {"csrf_token": token, "body": "x"}, status=302).location.startswith("/login")


ODD = ("\u0000", "\u001b[2J", "\ud7ff\uffff", "'; DROP TABLE forum_posts; --", "\u202e" * 50, "9" * 4000, "")


@pytest.mark.parametrize("text", ODD)
def test_odd_input_is_no_fault(member: Browser, topic: Placed, text: str) -> None:
    token = form_to(member.get("/posts"), "/logout")["csrf_token"].value
    for path in (
        "/categories/pans/topics",
        f"/topics/{topic.topic_id}/posts",
        f"/posts/{topic.post_id}/flag",
    ):
        for name in ("title", "body", "reason", "text", "seen"):
            fields = {"title": "A title", "body": "text", "reason": "spam", "csrf_token": token, name: text}
            assert member.post(path, fields, expect_errors=True).status_int < 500
    for query in ({"q": text}, {"q": "pan", "author": text}, {"q": "pan", "within": text, "category": text}):
        assert member.get("/search", query, expect_errors=True).status_int < 500
    upload = [("body", "x.txt", b"text")]
    answer = member.post(
        f"/topics/{topic.topic_id}/posts", {"csrf_token": token}, upload_files=upload, expect_errors=True
    )
    assert answer.status_int in (400, 422)


def test_statements_a_page_do_not_grow(
    member: Browser,
    db: Database,
    topic: Placed,
    ann: Person,
    mia: Person,
    count_sql: Callable[..., Any],
) -> None:
    pages = {
        "/": 3,
        "/categories/pans": 3,
        in_topic(topic): 3,
        "/posts": 2,
        "/search?q=answer": 3,
        f"/posts/{topic.post_id}/history": 3,
    }

    def counts() -> dict[str, int]:
        found = {}
        for path in pages:
            member.get(path)
            with count_sql(member) as statements:
                member.get(path)
            found[path] = len(statements)
        return found

    few = counts()
    fill(db, topic, ann, 30)
    for n in range(15):
        writing.reply(db, topic.topic_id, mia, f"Answer of mine {n}", 0)
        writing.start_topic(db, "pans", ann, f"Topic {n}", "Answer", 0)
        writing.edit(db, topic.post_id, ann, f"Version {n}", "", None, 0)
    assert counts() == few
    assert all(few[path] <= most for path, most in pages.items()), few


def test_names_and_titles_are_text(member: Browser, db: Database, ann: Person) -> None:
    evil = Person(ann.id, "<b>Ann</b>[x](https://e.example)")
    placed = writing.start_topic(db, "pans", evil, "<script>alert(1)</script>", "text", 0)
    for path in ("/", "/categories/pans", placed.url.partition("#")[0], "/search?q=text"):
        page = member.get(path)
        assert "<script>alert" not in page
        assert "<b>Ann" not in page
    quoted = member.get(f"{placed.url.partition('#')[0]}&quote={placed.post_id}")
    assert "[\\<b\\>Ann\\</b\\>\\[x\\](https://e.example) wrote](" in quoted.forms[1]["body"].value
    assert posts.page_of(21) == 2


def test_a_reply_survives_the_end_of_the_session(
    member: Browser, db: Database, topic: Placed, idle_out: Callable[[], None]
) -> None:
    form = form_to(member.get(in_topic(topic)), f"/topics/{topic.topic_id}/posts")
    form["body"] = "Written slowly"
    idle_out()
    assert "Written slowly" in form.submit(status=303).follow()
