"""The queue of reports: its number in the navigation, one act a button, and one act for many posts."""

from uuid import uuid4

import pytest
from clocks import age
from forums.forum_actions import fill
from page_forms import form_of
from sqlalchemy import text
from support import Browser

from shopforum.core.database import Database
from shopforum.forums import reports
from shopforum.forums.person import Person
from shopforum.forums.writing import Placed


@pytest.fixture
def reported(db: Database, topic: Placed, ann: Person) -> list[Placed]:
    """Three posts, one report of each."""
    placed = fill(db, topic, ann, 3)
    for post, reason in zip(placed, ("spam", "rude", "other"), strict=True):
        reports.report(db, post.post_id, Person(uuid4(), "Eve"), reason, "")
    return placed


def removed(db: Database) -> list[int]:
    return [
        row["id"]
        for row in db.all(text("SELECT id FROM forum_posts WHERE removed_by = 'moderator' ORDER BY id"))
    ]


def reports_in_navigation(client: Browser, path: str) -> str | None:
    link = client.get(path).html.select_one(".site-nav a[href='/moderation/flags']")
    return link and " ".join(link.text.split())


def test_the_navigation_counts_the_posts_that_wait(
    moderator: Browser, member: Browser, visitor: Browser, db: Database, reported: list[Placed]
) -> None:
    reports.report(db, reported[0].post_id, Person(uuid4(), "Eve"), "rude", "a second one of the same post")
    for path in ("/", "/categories/pans", "/posts", "/moderation/flags"):
        expected = "Reports" if path == "/posts" else "Reports 3"
        assert reports_in_navigation(moderator, path) == expected, path
    assert reports_in_navigation(member, "/") is None
    assert reports_in_navigation(visitor, "/") is None


def test_a_report_says_how_long_it_waits(moderator: Browser, db: Database, reported: list[Placed]) -> None:
    age(db, "forum_flags.created_at", 3 * 3600, "post_id = :id", id=reported[0].post_id)
    assert "1 report, the first" in moderator.get("/moderation/flags")
    assert "3 hours ago" in moderator.get("/moderation/flags").html.select_one("ul.topics li").text


def test_one_button_keeps_or_removes(moderator: Browser, db: Database, reported: list[Placed]) -> None:
    first, second, third = (post.post_id for post in reported)
    page = moderator.get("/moderation/flags")
    forms = [form for form in page.forms.values() if form.action.endswith("/moderate")]
    acts = [(form.action, form.fields["act"][0]._value) for form in forms]
    assert acts == [
        (f"/posts/{first}/moderate", "dismiss"),
        (f"/posts/{first}/moderate", "hide"),
        (f"/posts/{second}/moderate", "dismiss"),
        (f"/posts/{second}/moderate", "hide"),
        (f"/posts/{third}/moderate", "dismiss"),
    ], "a post that was reported for another reason is removed with a reason of the moderator's own"
    forms[1].submit("act", status=303)
    page = forms[2].submit("act", status=303).follow()
    assert removed(db) == [first]
    assert len(page.html.select("ul.topics > li")) == 1
    log = moderator.get("/moderation").text
    assert "It advertises something; see the rules." in log


def test_many_are_settled_at_once(
    moderator: Browser, db: Database, reported: list[Placed], ann: Person
) -> None:
    form = form_of(moderator.get("/moderation/flags"), "/moderation/flags")
    form["act"], form["reason"] = "hide", "a campaign"
    assert "Select the posts first." in form.submit(status=422)
    ids = [post.post_id for post in reported]
    ticked = [("csrf_token", form["csrf_token"].value), *(("post", str(one)) for one in [*ids[:2], 999_999])]
    answer = moderator.post("/moderation/flags", [*ticked, ("act", "hide"), ("reason", "")], status=422)
    assert [box["value"] for box in answer.html.select("[name=post][checked]")] == [
        str(one) for one in ids[:2]
    ]
    assert removed(db) == []
    moderator.post("/moderation/flags", [*ticked, ("act", "hide"), ("reason", "a campaign")], status=303)
    assert removed(db) == ids[:2]
    told = db.all(
        text("SELECT reason FROM forum_inbox WHERE user_id = :ann AND kind = 'moderation'"), ann=ann.id
    )
    assert [row["reason"] for row in told] == ["a campaign"] * 2
    moderator.post(
        "/moderation/flags",
        [ticked[0], ("post", "x"), ("post", str(ids[2])), ("act", "dismiss"), ("reason", "fine")],
        status=303,
    )
    assert "No open reports" in moderator.get("/moderation/flags")


def test_a_member_settles_nothing(member: Browser, db: Database, reported: list[Placed]) -> None:
    token = form_of(member.get("/"), "/logout")["csrf_token"].value
    fields = {"csrf_token": token, "post": str(reported[0].post_id), "act": "hide", "reason": "x"}
    member.post("/moderation/flags", fields, status=403)
    assert removed(db) == []
