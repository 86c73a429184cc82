"""Following topics, letters about the inbox, and the one click that stops them."""

import email
from email import policy
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from clocks import pass_time
from forums.forum_actions import QUICK, fill, in_topic
from page_forms import form_of
from session_fixtures import together
from sqlalchemy import text
from support import Browser
from support import person as login_of

from shopforum.core.database import Database
from shopforum.forums import follows, inbox, letters, read_markers, writing
from shopforum.forums.letters import InboxLetters, LetterChoice
from shopforum.forums.person import Person
from shopforum.forums.writing import Placed
from shopforum.mail import outgoing
from shopforum.mail.outgoing import MailSettings

PAGE = "/account/notifications"


@pytest.fixture
def writer(apps: dict[str, Any]) -> InboxLetters:
    return InboxLetters("https://forums.test", apps["forums"].services.sessions.config.secrets)


def an_hour_later(db: Database) -> None:
    """Everything that is there is an hour old, and every letter is due, however far ahead its turn is."""
    pass_time(db, 3600)
    db.all(text("UPDATE forum_letters SET next_at = now() RETURNING 1"))


def queued(db: Database) -> list[Any]:
    return db.all(text("SELECT * FROM outgoing_mail ORDER BY id"))


def test_a_follower_of_a_topic_is_told_of_replies(
    member: Browser, db: Database, topic: Placed, ann: Person, bob: Person, mia: Person
) -> None:
    page = form_of(member.get(in_topic(topic)), f"/topics/{topic.topic_id}/follow").submit(status=303)
    assert "You follow this topic" in page.follow()
    fill(db, topic, bob, 2)
    page = member.get("/inbox")
    assert [" ".join(h.text.split()) for h in page.html.select("ul.topics h3")] == [
        "Bob replied in Which pan for eggs?"
    ]
    # The author has a message, too; who writes has none.
    told = db.all(text("SELECT user_id FROM forum_inbox ORDER BY user_id"))
    assert {row["user_id"] for row in told} == {ann.id, mia.id}
    page = page.click("Notifications and followed topics")
    stop = f"/topics/{topic.topic_id}/unfollow"
    page = form_of(page, stop).submit("list", status=303).follow()
    assert page.request.path == PAGE
    assert "You follow no topic" in page
    db.all(text("DELETE FROM forum_inbox RETURNING 1"))
    fill(db, topic, bob, 1)
    assert [row["user_id"] for row in db.all(text("SELECT user_id FROM forum_inbox"))] == [ann.id]
    # An author is told anyway.
    own = writing.start_topic(db, "pens", mia, "Blue or black?", "text", QUICK)
    assert not [f for f in member.get(in_topic(own)).forms.values() if "follow" in f.action]


def test_nobody_follows_what_is_hidden_or_too_much(
    member: Browser, db: Database, topic: Placed, mia: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = form_of(member.get(in_topic(topic)), f"/topics/{topic.topic_id}/follow")
    db.all(
        text("""INSERT INTO forum_follows (user_id, topic_id)
        SELECT :me, id FROM forum_topics WHERE id = :id"""),
        me=mia.id,
        id=topic.topic_id,
    )
    assert follows.follow(db, mia, topic.topic_id), "again is no error"
    other = writing.start_topic(db, "pens", Person(UUID(int=1), "Cy"), "Blue or black?", "text", QUICK)
    monkeypatch.setattr(
        follows, "_FOLLOW", text(str(follows._FOLLOW).replace(f"< {follows.MOST}", "< 1")), raising=True
    )
    assert not follows.follow(db, mia, other.topic_id)
    db.all(text("UPDATE forum_topics SET hidden = true RETURNING 1"))
    assert follows.followed(db, mia) == []
    form.submit(status=404)


def test_the_page_says_what_is_so(member: Browser, db: Database) -> None:
    page = member.get(PAGE)
    assert "You get no letters" in page
    form = form_of(page, PAGE)
    assert form["every"].value == "never"
    form["every"] = "day"
    page = form.submit(status=303).follow()
    assert "We write to you about new messages" in page
    assert f"Letters go to {login_of('member').email}" in " ".join(page.html.main.get_text().split())
    assert form_of(page, PAGE)["every"].value == "day"
    token = form_of(page, PAGE)["csrf_token"].value
    member.post(PAGE, {"csrf_token": token, "every": "minute"}, status=422)
    assert [row["every"] for row in db.all(text("SELECT every FROM forum_letters"))] == ["day"]
    form = form_of(page, PAGE)
    form["every"] = "never"
    form.submit(status=303)
    assert db.all(text("SELECT 1 FROM forum_letters")) == [], "the address is forgotten"


def test_one_letter_for_all_that_is_unread(
    db: Database, topic: Placed, ann: Person, bob: Person, writer: InboxLetters
) -> None:
    fill(db, topic, bob, 1)
    letters.choose(db, ann, LetterChoice("ann@harbour.example", "hour"))
    read_markers.mark_topic(db, ann.id, topic.topic_id, 9)
    writing.reply(db, topic.topic_id, bob, "@ann, look", QUICK)
    own = writing.start_topic(db, "pens", ann, "<b>Nibs</b>", "text", QUICK)
    fill(db, own, bob, 2)
    letters.run_once(db, writer)
    assert queued(db) == [], "it is not due"
    db.all(text("UPDATE forum_letters SET next_at = now() RETURNING 1"))
    assert letters.run_once(db, writer) == 1
    assert queued(db) == [], "what is a second old may not be all"
    an_hour_later(db)
    together(*[lambda: letters.run_once(db, writer)] * 4)
    [letter] = queued(db)
    assert letter["subject"] == "2 new messages at Harbour Forums"
    assert "- Bob mentioned you in “Which pan for eggs?”" in letter["plain"]
    assert "- Bob replied in your topic “<b>Nibs</b>”" in letter["plain"]
    assert "&lt;b&gt;Nibs" in letter["html"]
    assert "/login" not in letter["plain"]
    an_hour_later(db)
    letters.run_once(db, writer)
    assert len(queued(db)) == 1, "told once"
    [row] = db.all(text("SELECT next_at - now() AS wait FROM forum_letters"))
    assert 3500 < row["wait"].total_seconds() <= 3600


def test_no_letter_about_what_was_read_or_removed(
    db: Database, topic: Placed, ann: Person, bob: Person, writer: InboxLetters
) -> None:
    letters.choose(db, ann, LetterChoice("ann@harbour.example", "hour"))
    fill(db, topic, bob, 1)
    inbox.read_all(db, ann, 10**9, 0)
    [gone] = fill(db, topic, bob, 1)
    db.all(
        text("UPDATE forum_posts SET removed_at = now(), removed_by = 'author' WHERE id = :id RETURNING 1"),
        id=gone.post_id,
    )
    an_hour_later(db)
    assert letters.run_once(db, writer) == 1
    assert queued(db) == []


def test_a_long_list_is_cut(
    db: Database, topic: Placed, ann: Person, bob: Person, writer: InboxLetters
) -> None:
    letters.choose(db, ann, LetterChoice("ann@harbour.example", "day"))
    writing.reply(db, topic.topic_id, bob, "text", QUICK)
    db.all(
        text("""INSERT INTO forum_inbox (user_id, kind, topic_id, actor_name, act, reason)
        SELECT :ann, 'moderation', :topic, 'Moe', 'lock', 'r' FROM generate_series(1, 30) RETURNING 1"""),
        ann=ann.id,
        topic=topic.topic_id,
    )
    an_hour_later(db)
    letters.run_once(db, writer)
    [letter] = queued(db)
    assert letter["subject"] == "More than 20 new messages at Harbour Forums"
    assert letter["plain"].count("\n- ") == 21
    assert "- Moe locked your topic “Which pan for eggs?”" in letter["plain"]


def test_one_click_stops_them_without_a_login(
    visitor: Browser,
    db: Database,
    topic: Placed,
    ann: Person,
    bob: Person,
    writer: InboxLetters,
    tmp_path: Path,
) -> None:
    for who in (ann, bob):
        letters.choose(db, who, LetterChoice("ann@harbour.example", "hour"))
    fill(db, topic, bob, 1)
    an_hour_later(db)
    letters.run_once(db, writer)
    outgoing.run_once(db, MailSettings(folder=tmp_path))
    [file] = tmp_path.iterdir()
    message = email.message_from_bytes(file.read_bytes(), policy=policy.default)
    address = writer.stop_url(ann.id)
    assert f"  {address}" in message.get_body(("plain",)).get_content().splitlines()
    path = f"{urlsplit(address).path}?{urlsplit(address).query}"

    def kept() -> set[UUID]:
        return {row["user_id"] for row in db.all(text("SELECT user_id FROM forum_letters"))}

    # A scanner that opens the address stops nothing.
    page = visitor.get(path)
    assert kept() == {ann.id, bob.id}
    assert "Stop the letters?" in page
    for wrong in (path[:-1], path.replace(str(ann.id), str(bob.id)), "/unsubscribe", "/unsubscribe?token=."):
        visitor.get(wrong, status=403)
        visitor.post(wrong, {"List-Unsubscribe": "One-Click"}, status=403)
    assert kept() == {ann.id, bob.id}
    answer = visitor.post(path, {"List-Unsubscribe": "One-Click"}, status=200)
    assert kept() == {bob.id}
    assert "We send you no more letters" in answer
    assert "__Host-session" not in visitor.cookies
    # The page's own button does the same, and again is no error.
    form_of(page, path).submit(status=200)
    assert follows.follow(db, ann, topic.topic_id)
