"""Reports, and what moderators do about them: over HTTP, and in the database where it happens at once."""

from uuid import uuid4

import pytest
from forums.forum_actions import QUICK, at_once, count_again, in_topic, moderate
from page_forms import form_of
from sqlalchemy import text
from support import Browser

from shopforum.core.database import Database
from shopforum.forums import moderation, paging, posts, reports, topics, writing
from shopforum.forums.person import Person
from shopforum.forums.refusals import Missing
from shopforum.forums.writing import Placed


@pytest.fixture
def moe() -> Person:
    return Person(uuid4(), "Moe", moderator=True)


def report(client: Browser, post_id: int, reason: str = "spam", note: str = "look at it") -> None:
    form = form_of(client.get(f"/posts/{post_id}/flag"), f"/posts/{post_id}/flag")
    form["reason"], form["text"] = reason, note
    assert "A moderator will look at your report" in form.submit(status=303).follow()


def test_a_report_is_settled_by_removal(
    member: Browser, moderator: Browser, visitor: Browser, topic: Placed
) -> None:
    report(member, topic.post_id)
    report(member, topic.post_id)
    queue = moderator.get("/").click("Reports")
    assert "1 report" in queue
    assert "Mia Marsh: It advertises something (“look at it”)" in queue
    page = queue.click("Read and moderate")
    form = form_of(page, f"/posts/{topic.post_id}/moderate")
    form["act"] = "hide"
    assert "Give a reason" in form.submit(status=422)
    form["reason"] = "advertising"
    assert "No open reports" in form.submit(status=303).follow()
    shown = visitor.get(in_topic(topic))
    assert "was removed by a moderator: advertising" in shown
    assert "iron" not in shown
    visitor.get(f"/posts/{topic.post_id}/history", status=404)
    log = visitor.get("/moderation")
    assert "Moe Mooring" in log
    assert "advertising" in log
    member.get(f"/posts/{topic.post_id}/flag", status=404)


def test_a_report_is_dismissed(member: Browser, moderator: Browser, visitor: Browser, topic: Placed) -> None:
    report(member, topic.post_id)
    moderate(moderator, f"/posts/{topic.post_id}/moderate", "dismiss")
    assert "No open reports" in moderator.get("/moderation/flags")
    assert "<em>iron</em>" in visitor.get(in_topic(topic))
    report(member, topic.post_id, "rude")
    assert "1 report" in moderator.get("/moderation/flags")


def test_a_report_says_what_is_wrong(member: Browser, topic: Placed) -> None:
    form = form_of(member.get(f"/posts/{topic.post_id}/flag"), f"/posts/{topic.post_id}/flag")
    form["text"] = "x" * 301
    page = form.submit(status=422)
    assert "Choose what is wrong with it." in page
    assert "at most 300" in page
    assert form_of(page, f"/posts/{topic.post_id}/flag")["text"].value == "x" * 301


def test_nobody_reports_themselves(member: Browser, db: Database, topic: Placed, mia: Person) -> None:
    own = writing.reply(db, topic.topic_id, mia, "text", QUICK)
    member.get(f"/posts/{own.post_id}/flag", status=404)
    assert f"/posts/{own.post_id}/flag" not in member.get(in_topic(topic))


def test_the_author_learns_why(
    member: Browser, moderator: Browser, db: Database, topic: Placed, mia: Person
) -> None:
    own = writing.reply(db, topic.topic_id, mia, "Buy my pans", QUICK)
    moderate(moderator, f"/posts/{own.post_id}/moderate", "hide", reason="no advertising")
    page = member.get("/posts")
    assert "Removed by a moderator" in page
    assert "no advertising" in page
    token = form_of(page, "/logout")["csrf_token"].value
    member.post(f"/posts/{own.post_id}/restore", {"csrf_token": token}, status=404)
    moderate(moderator, f"/posts/{own.post_id}/moderate", "show")
    assert "Buy my pans" in member.get(in_topic(topic))


def test_pinned_topics_stand_first(moderator: Browser, visitor: Browser, db: Database, topic: Placed) -> None:
    for n in range(22):
        writing.start_topic(db, "pans", Person(uuid4(), "Eve"), f"Later {n}", "text", QUICK)
    moderate(moderator, f"/topics/{topic.topic_id}/moderate", "pin")
    first = visitor.get("/categories/pans")
    titles = [heading.text for heading in first.html.find("ul", "topics").find_all("h3")]
    assert titles == ["Which pan for eggs?", *(f"Later {n}" for n in range(21, 2, -1))]
    second = first.click("^Next$")
    titles = [heading.text for heading in second.html.find("ul", "topics").find_all("h3")]
    assert titles == ["Later 2", "Later 1", "Later 0"]
    moderate(moderator, f"/topics/{topic.topic_id}/moderate", "unpin")
    assert "Pinned" not in visitor.get("/categories/pans")


def test_a_hidden_topic_is_gone(
    moderator: Browser, member: Browser, visitor: Browser, db: Database, topic: Placed, mia: Person
) -> None:
    own = writing.reply(db, topic.topic_id, mia, "My answer", QUICK)
    moderate(moderator, f"/topics/{topic.topic_id}/moderate", "hide")
    for path in ("/", "/categories/pans", "/search?q=pan", "/search?q=answer", "/moderation"):
        assert "Which pan for eggs?" not in visitor.get(path)
    for path in (in_topic(topic), f"/posts/{own.post_id}/history"):
        visitor.get(path, status=404)
        member.get(path, status=404)
    member.get(f"/posts/{own.post_id}", status=404)
    assert "Topic hidden" in member.get("/posts")
    assert "a hidden topic" in visitor.get("/moderation")
    assert "Hidden" in moderator.get(in_topic(topic))
    assert "0 topics" in visitor.get("/")
    count_again(db)
    moderate(moderator, f"/topics/{topic.topic_id}/moderate", "show")
    assert "Which pan for eggs?" in visitor.get("/categories/pans")
    count_again(db)


def test_a_topic_is_moved(moderator: Browser, visitor: Browser, db: Database, topic: Placed) -> None:
    pens = topics.category(db, "pens").id
    path = f"/topics/{topic.topic_id}/moderate"
    moderate(moderator, path, "move", category=str(pens))
    assert "Which pan for eggs?" in visitor.get("/categories/pens")
    assert "No topics yet" in visitor.get("/categories/pans")
    count_again(db)
    form = form_of(moderator.get(path), path)
    form["act"], form["reason"] = "move", "x"
    form["category"].force_value("999")
    form.submit(status=422)


def test_an_act_that_changes_nothing_is_not_logged(db: Database, topic: Placed, moe: Person) -> None:
    moderation.change_topic(db, topic.topic_id, moe, "lock", "once")
    moderation.change_topic(db, topic.topic_id, moe, "lock", "twice")
    assert [entry.reason for entry in paging.fetch(db, moderation.log(None), 1).rows] == ["once"]
    moderation.hide_post(db, topic.post_id, moe, "once")
    with pytest.raises(Missing):
        moderation.hide_post(db, topic.post_id, moe, "twice")
    with pytest.raises(Missing):
        moderation.dismiss_reports(db, topic.post_id, moe, "nothing open")


def test_counters_hold_while_topics_move_and_grow(
    db: Database, topic: Placed, ann: Person, bob: Person, moe: Person
) -> None:
    other = writing.start_topic(db, "pens", ann, "Other", "text", QUICK)
    ids = {name: topics.category(db, name).id for name in ("pans", "pens")}
    jobs = []
    for n in range(6):
        jobs += [
            lambda n=n: writing.reply(db, topic.topic_id, bob, f"a {n}", QUICK),
            lambda n=n: writing.reply(db, other.topic_id, ann, f"b {n}", QUICK),
            lambda n=n: moderation.move_topic(db, topic.topic_id, moe, ids["pens" if n % 2 else "pans"], "x"),
            lambda n=n: moderation.move_topic(db, other.topic_id, moe, ids["pans" if n % 2 else "pens"], "x"),
            lambda n=n: moderation.change_topic(db, topic.topic_id, moe, "hide" if n % 2 else "show", "x"),
        ]
    results = at_once(jobs)
    assert [
        error for error in results if isinstance(error, Exception) and not isinstance(error, Missing)
    ] == []
    count_again(db)


def test_the_queue_counts_earlier_removals(db: Database, topic: Placed, ann: Person, moe: Person) -> None:
    for n in range(2):
        placed = writing.reply(db, topic.topic_id, ann, f"advertisement {n}", QUICK)
        reports.report(db, placed.post_id, Person(uuid4(), "Eve"), "spam", "")
        moderation.hide_post(db, placed.post_id, moe, "spam")
    reports.report(db, topic.post_id, Person(uuid4(), "Eve"), "spam", "")
    rows = paging.fetch(db, reports.queue(moe), 1).rows
    assert [(row.id, row.earlier) for row in rows] == [(topic.post_id, 2)]


def test_moderators_see_what_they_removed(
    moderator: Browser, member: Browser, db: Database, topic: Placed, ann: Person
) -> None:
    posts.remove(db, topic.post_id, ann)
    assert "<em>iron</em>" in moderator.get(f"/posts/{topic.post_id}/moderate")
    assert "iron" not in moderator.get(in_topic(topic))
    moderator.get(f"/posts/{topic.post_id}/history", status=200)
    member.get(f"/posts/{topic.post_id}/history", status=404)
    assert db.all(text("SELECT 1 FROM forum_actions")) == []


def test_moderators_add_categories(moderator: Browser, member: Browser, visitor: Browser) -> None:
    page = moderator.get("/moderation/flags").click("Categories", index=1)
    form = form_of(page, "/moderation/categories")
    form["name"], form["description"] = "Bags & boxes", "To carry things in."
    page = form.submit(status=303).follow()
    assert page.request.path == "/categories/bags-boxes"
    assert "To carry things in." in visitor.get("/")
    form["name"] = "bags boxes"
    assert "A category with this name" in form.submit(status=422)
    form["name"] = ""
    assert "Enter a name." in form.submit(status=422)
    member.get("/moderation/categories", status=403)


def test_moderators_rename_categories(moderator: Browser, member: Browser, visitor: Browser) -> None:
    path = "/moderation/categories/pans"
    page = moderator.get("/moderation/categories").click(href=path)
    form = form_of(page, path)
    form["name"], form["description"] = "Pots & pans", "To cook in."
    page = form.submit(status=303).follow()
    assert page.request.path == "/categories/pans"
    assert "The category is renamed." in page
    assert "To cook in." in visitor.get("/")
    form["name"] = ""
    assert "Enter a name." in form.submit(status=422)
    member.get(path, status=403)
    moderator.get("/moderation/categories/none", status=404)
    fields = {"csrf_token": form["csrf_token"].value, "name": "Nothing"}
    moderator.post("/moderation/categories/none", fields, status=404)


def test_forums_without_categories_say_so(forums: Browser) -> None:
    assert "No categories yet" in forums.get("/", status=200)
