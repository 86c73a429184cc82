"""People find, edit, remove and restore their own posts."""

from forums.forum_actions import QUICK, fill, in_topic
from page_forms import form_of
from support import Browser

from shopforum.core.database import Database
from shopforum.forums import writing
from shopforum.forums.person import Person
from shopforum.forums.writing import Placed


def test_a_login_leads_to_the_own_posts(forums: Browser, db: Database) -> None:
    page = forums.log_in("member").follow()
    assert page.request.path == "/posts"
    assert "You have not written anything yet" in page
    assert "Start a topic" in page


def test_own_posts_say_what_came_after(
    member: Browser, db: Database, topic: Placed, ann: Person, mia: Person
) -> None:
    reply = writing.reply(db, topic.topic_id, mia, "> quoted\n\nMy **own** words", QUICK)
    member.get(in_topic(topic))
    fill(db, topic, ann, 3)
    page = member.get("/posts")
    assert "My own words" in page
    assert "3 replies since" in page
    assert "3 new replies" in page
    unread = page.click("3 new replies")
    assert unread.text.index("New since your last visit") > unread.text.index("own</strong> words")
    assert "new repl" not in member.get("/posts")
    form_of(member.get(in_topic(topic)), f"/posts/{reply.post_id}/delete").submit(status=303)
    assert "Removed by you" in member.get("/posts")


def test_own_posts_are_paged(member: Browser, db: Database, topic: Placed, mia: Person) -> None:
    for n in range(25):
        writing.reply(db, topic.topic_id, mia, f"Thought number {n}.", QUICK)
    first = member.get("/posts")
    assert "Thought number 24." in first
    assert "Thought number 4." not in first
    assert "Thought number 4." in first.click("^Next$")


def test_editing_and_history(
    member: Browser, visitor: Browser, db: Database, topic: Placed, mia: Person
) -> None:
    reply = writing.reply(db, topic.topic_id, mia, "The quick brown fox", QUICK)
    path = f"/posts/{reply.post_id}"
    form = form_of(member.get(path), path)
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
    assert form_of(stale, path)["body"].value == "From another window"
    form["body"] = ""
    form.submit(status=422)


def test_removing_and_undoing(
    member: Browser, visitor: Browser, db: Database, topic: Placed, mia: Person
) -> None:
    reply = writing.reply(db, topic.topic_id, mia, "Regrettable words", QUICK)
    page = form_of(member.get(in_topic(topic)), f"/posts/{reply.post_id}/delete").submit(status=303).follow()
    assert "Your post is removed." in page
    assert "Regrettable" not in page
    for path in (in_topic(topic), "/", "/categories/pans", "/search?q=regrettable"):
        assert "Regrettable words" not in visitor.get(path)
    assert "Mia Marsh removed this post" in visitor.get(in_topic(topic))
    visitor.get(f"/posts/{reply.post_id}/history", status=404)
    member.get(f"/posts/{reply.post_id}", status=404)
    undo = page.html.find(id="notice").find("form")
    assert undo["action"] == f"/posts/{reply.post_id}/restore"
    page = form_of(page, undo["action"]).submit(status=303).follow()
    assert "Regrettable words" in page
