"""The inbox: what it tells, what it counts, and when something counts as read."""

from collections.abc import Callable
from typing import Any

from forums.forum_actions import QUICK, fill, in_topic, moderate
from page_forms import form_of
from sqlalchemy import text
from support import Browser
from webtest import TestResponse

from shopforum.core.database import Database
from shopforum.forums import inbox, moderation, topics, writing
from shopforum.forums.person import Person
from shopforum.forums.writing import Placed


def unread(page: TestResponse) -> int | None:
    """The number beside the navigation's link, None where there is none."""
    count = page.html.select_one("nav a[href='/inbox'] .count")
    return int(count.text) if count else None


def lines(page: TestResponse) -> list[str]:
    return [" ".join(heading.text.split()) for heading in page.html.select("ul.topics h3")]


def own_topic(db: Database, mia: Person) -> Placed:
    return writing.start_topic(db, "pens", mia, "Blue or black?", "text", QUICK)


def test_an_empty_inbox_says_what_comes_there(member: Browser) -> None:
    page = member.get("/").click("Inbox")
    assert "No messages yet" in page
    assert unread(page) is None
    assert not [form for form in page.forms.values() if form.action.startswith("/inbox")]
    assert "Nothing unread" in member.get("/inbox?show=unread")


def test_an_answer_is_counted_on_every_page(
    member: Browser, db: Database, topic: Placed, mia: Person, ann: Person
) -> None:
    own = own_topic(db, mia)
    fill(db, own, ann, 3)
    for path in (
        "/",
        "/posts",
        "/categories/pans",
        "/search",
        in_topic(topic),
        f"/posts/{own.post_id}/history",
    ):
        assert unread(member.get(path)) == 1, path
    page = member.get("/inbox")
    assert lines(page) == ["Ann replied in your topic Blue or black?"]
    assert "Answer 0" in page
    page.click("Blue or black?", index=0)
    assert unread(member.get("/inbox")) is None
    fill(db, own, ann, 1)
    assert len(lines(member.get("/inbox?show=unread"))) == 1
    assert len(lines(member.get("/inbox"))) == 2


def test_one_and_all_are_marked_read(
    member: Browser, db: Database, topic: Placed, mia: Person, ann: Person
) -> None:
    own_topic(db, mia)
    for n in range(3):
        writing.reply(db, topic.topic_id, ann, f"@mia-marsh {n}", QUICK)
    page = member.get("/inbox")
    assert unread(page) == 3
    one = page.html.select_one("form[action$='/read']:not([action='/inbox/read'])")["action"]
    page = form_of(page, one).submit(status=303).follow()
    assert "The message is marked as read" in page
    assert unread(page) == 2
    # A notice that comes between the page and the click stays unread.
    writing.reply(db, topic.topic_id, ann, "@mia-marsh, one more", QUICK)
    page = form_of(page, "/inbox/read").submit(status=303).follow()
    assert unread(page) == 1
    assert len(lines(page)) == 4
    assert unread(form_of(page, "/inbox/read").submit(status=303).follow()) is None


def test_nobody_marks_what_is_told_to_others(
    member: Browser, db: Database, topic: Placed, bob: Person
) -> None:
    writing.reply(db, topic.topic_id, bob, "text", QUICK)
    row = db.one(text("SELECT id FROM forum_inbox"))
    assert row is not None
    token = form_of(member.get("/posts"), "/logout")["csrf_token"].value
    for path in (f"/inbox/{row['id']}/read", "/inbox/999999999999999999/read"):
        member.post(path, {"csrf_token": token}, status=404)
    junk = {"csrf_token": token, "newest": "9" * 30, "security": "x"}
    member.post("/inbox/read", junk, status=303)
    member.post("/inbox/read", {**junk, "newest": "9" * 18, "security": "9" * 18}, status=303)
    assert db.all(text("SELECT 1 FROM forum_inbox WHERE read_at IS NOT NULL")) == []


def test_moderation_is_told_with_its_reason(
    member: Browser, moderator: Browser, db: Database, mia: Person, ann: Person
) -> None:
    own = own_topic(db, mia)
    path = f"/topics/{own.topic_id}/moderate"
    moderate(moderator, path, "lock", reason="answered")
    moderate(moderator, path, "move", reason="fits better", category=str(topics.category(db, "pans").id))
    moderate(moderator, f"/posts/{own.post_id}/moderate", "hide", reason="no advertising")
    moderate(moderator, path, "hide", reason="nor here")
    page = member.get("/inbox")
    assert lines(page) == [
        "Moe Mooring hid your topic Blue or black?",
        "Moe Mooring removed your post in Blue or black?",
        "Moe Mooring moved your topic Blue or black?",
        "Moe Mooring locked your topic Blue or black?",
    ]
    assert "Reason: no advertising" in page
    assert not page.html.select("ul.topics h3 a")
    assert unread(page) == 4
    other = writing.start_topic(db, "pans", ann, "Of Ann", "text", QUICK)
    moe = Person(ann.id, "Ann", moderator=True)
    moderation.change_topic(db, other.topic_id, moe, "pin", "my own")
    assert db.all(text("SELECT 1 FROM forum_inbox WHERE user_id = :id"), id=ann.id) == []


def test_pages_of_the_inbox(member: Browser, db: Database, topic: Placed, mia: Person, ann: Person) -> None:
    own_topic(db, mia)
    for n in range(25):
        writing.reply(db, topic.topic_id, ann, f"@mia-marsh {n}", QUICK)
    first = member.get("/inbox")
    second = first.click("^Next$")
    assert (len(lines(first)), len(lines(second))) == (20, 5)
    assert "Mark all read" not in second
    assert unread(second) == 25
    db.all(text("UPDATE forum_inbox SET read_at = NULL"))
    for n in range(100):
        writing.reply(db, topic.topic_id, ann, f"@mia-marsh once more {n}", QUICK)
    assert unread(member.get("/inbox")) == inbox.MOST


def test_messages_about_the_account(
    member: Browser, browser: Callable[..., Browser], sql: Callable[..., list[Any]]
) -> None:
    assert "Your account" not in member.get("/inbox"), "a first login is no news"
    browser("forums").log_in("member")
    sql(
        "INSERT INTO audit_log (event, site, initiating_entity, user_id, detail) SELECT 'authn_token_revoked', 'forums',"
        " who, user_id, '{}' FROM unnest(ARRAY['admin', 'user']) who, (SELECT user_id FROM audit_log"
        " WHERE event = 'authn_login_success' LIMIT 1) somebody"
    )
    page = member.get("/inbox")
    assert "Somebody logged in to your account from a new device" in page
    assert page.text.count("Support ended one or more of your sessions") == 1
    assert unread(page) == 2
    page = form_of(page, "/inbox/read").submit(status=303).follow()
    assert unread(page) is None
    assert "Somebody logged in" in page
    assert "Nothing unread" in member.get("/inbox?show=unread")


def test_the_count_costs_no_statement(
    member: Browser, db: Database, mia: Person, ann: Person, count_sql: Callable[..., Any]
) -> None:
    own = own_topic(db, mia)
    fill(db, own, ann, 1)
    for path, most in (("/posts", 2), ("/search", 2), ("/", 3), ("/categories/pens", 3), ("/inbox", 3)):
        with count_sql(member) as statements:
            assert unread(member.get(path)) == 1, path
        assert len(statements) == most, path
    with count_sql(member) as statements:
        member.get("/moderation")
    assert len(statements) == 2
