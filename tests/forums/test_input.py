"""Whose a form is, what odd input does, and how many statements a page takes."""

from collections.abc import Callable
from typing import Any

import pytest
from forums.forum_actions import QUICK, fill, in_topic
from page_forms import form_of
from support import Browser

from shopforum.core.database import Database
from shopforum.forums import writing
from shopforum.forums.person import Person
from shopforum.forums.writing import Placed


def test_posts_of_others_are_theirs(member: Browser, topic: Placed) -> None:
    page = member.get(in_topic(topic))
    token = form_of(page, "/logout")["csrf_token"].value
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
    "/posts/{post}/history/1",
    "/moderation/categories/pans",
    "/inbox/read",
    "/inbox/1/read",
)


@pytest.mark.parametrize("pattern", POSTS)
def test_every_form_needs_a_token(moderator: Browser, visitor: Browser, topic: Placed, pattern: str) -> None:
    path = pattern.format(topic=topic.topic_id, post=topic.post_id)
    assert moderator.post(path, {"body": "x", "act": "hide", "reason": "x"}, status=403)
    token = form_of(visitor.get("/login"), "/login")["csrf_token"].value
    assert visitor.post(path, {"csrf_token": token, "body": "x"}, status=302).location.startswith("/login")


ODD = ("\u0000", "\u001b[2J", "\ud7ff\uffff", "'; DROP TABLE forum_posts; --", "\u202e" * 50, "9" * 4000, "")


@pytest.mark.parametrize("text", ODD)
def test_odd_input_is_no_fault(member: Browser, topic: Placed, text: str) -> None:
    token = form_of(member.get("/posts"), "/logout")["csrf_token"].value
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
        "/search?author=Ann": 3,
        "/inbox": 3,
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
        writing.reply(db, topic.topic_id, mia, f"Answer of mine {n}", QUICK)
        writing.start_topic(db, "pans", ann, f"Topic {n}", "Answer", QUICK)
        writing.edit(db, topic.post_id, ann, f"Version {n}", "", None, QUICK)
    assert counts() == few
    assert all(few[path] <= most for path, most in pages.items()), few


def test_names_and_titles_are_text(member: Browser, db: Database, ann: Person) -> None:
    evil = Person(ann.id, "<b>Ann</b>[x](https://e.example)")
    placed = writing.start_topic(db, "pans", evil, "<script>alert(1)</script>", "text", QUICK)
    for path in ("/", "/categories/pans", placed.url.partition("#")[0], "/search?q=text"):
        page = member.get(path)
        assert "<script>alert" not in page
        assert "<b>Ann" not in page
    quoted = member.get(f"{placed.url.partition('#')[0]}&quote={placed.post_id}")
    body = form_of(quoted, f"/topics/{placed.topic_id}/posts")["body"].value
    assert body.startswith("@b-ann-b-x-https-e-example [wrote](https://forums.test/topics/")
