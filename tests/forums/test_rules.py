"""The settings: how fast people may write, for how long they may edit, and what makes no sense."""

from collections.abc import Iterator
from uuid import uuid4

import clocks
import pytest
from forums.forum_actions import QUICK, in_topic
from page_forms import form_of
from sqlalchemy import text
from support import Browser

from shopforum.core.database import Database
from shopforum.core.sites import SettingsError
from shopforum.forums import settings, writing
from shopforum.forums.person import Person
from shopforum.forums.refusals import TooLate, TooSoon
from shopforum.forums.settings import ForumSettings
from shopforum.forums.writing import Placed

PACED = ForumSettings(post_delay=10, newcomer_delay=600, newcomer_posts=2)
HOUR = ForumSettings(post_delay=0, newcomer_delay=0, edit_window=3600)


def wait(db: Database, seconds: int) -> None:
    db.all(text("UPDATE forum_members SET posted_at = posted_at - make_interval(secs => :s)"), s=seconds)


@pytest.fixture
def hour(member: Browser) -> Iterator[Browser]:
    member.app.services.objects[ForumSettings] = HOUR
    yield member
    member.app.services.objects[ForumSettings] = QUICK


def test_newcomers_write_more_slowly(db: Database, topic: Placed, bob: Person) -> None:
    writing.reply(db, topic.topic_id, bob, "one", PACED)
    wait(db, 11)
    with pytest.raises(TooSoon) as refused:
        writing.reply(db, topic.topic_id, bob, "two", PACED)
    assert refused.value.newcomer
    assert 500 < refused.value.wait <= 600
    wait(db, 600)
    writing.reply(db, topic.topic_id, bob, "two", PACED)
    wait(db, 11)
    writing.reply(db, topic.topic_id, bob, "three", PACED)
    with pytest.raises(TooSoon) as refused:
        writing.reply(db, topic.topic_id, bob, "four", PACED)
    assert not refused.value.newcomer
    assert refused.value.wait <= 10


def test_moderators_are_no_newcomers(db: Database, topic: Placed) -> None:
    moe = Person(uuid4(), "Moe", moderator=True)
    writing.reply(db, topic.topic_id, moe, "one", PACED)
    wait(db, 11)
    writing.reply(db, topic.topic_id, moe, "two", PACED)


def test_a_newcomer_is_told_why_and_keeps_the_text(member: Browser, db: Database, topic: Placed) -> None:
    member.app.services.objects[ForumSettings] = PACED
    form = form_of(member.get(in_topic(topic)), f"/topics/{topic.topic_id}/posts")
    form["body"] = "one"
    form.submit(status=303)
    wait(db, 11)
    form["body"] = "two"
    page = form.submit(status=429)
    assert "New members can post only now and then" in page
    assert 500 < int(page.headers["Retry-After"]) <= 600
    assert form_of(page, f"/topics/{topic.topic_id}/posts")["body"].value == "two"


def test_the_edit_window_closes(hour: Browser, db: Database, topic: Placed, mia: Person) -> None:
    own = writing.reply(db, topic.topic_id, mia, "text", HOUR)
    path = f"/posts/{own.post_id}"
    for page in (hour.get(in_topic(topic)), hour.get("/posts")):
        assert page.html.select(f"a[href='{path}']")
    page = hour.get(path)
    assert "You can edit this post until" in page
    form = form_of(page, path)
    form["body"] = "I wrote a lot"
    clocks.pass_time(db, 61 * 60)
    page = form.submit(status=409)
    assert "can no longer be edited" in page
    assert "I wrote a lot" in page
    hour.get(path, status=409)
    for page in (hour.get(in_topic(topic)), hour.get("/posts")):
        assert not page.html.select(f"a[href='{path}']")
    with pytest.raises(TooLate):
        writing.edit(db, own.post_id, mia, "late", "", None, HOUR)
    form_of(hour.get(in_topic(topic)), f"{path}/delete").submit(status=303)


def test_moderators_edit_their_own_for_ever(db: Database, topic: Placed) -> None:
    moe = Person(uuid4(), "Moe", moderator=True)
    own = writing.reply(db, topic.topic_id, moe, "text", HOUR)
    clocks.pass_time(db, 9 * 86400)
    writing.edit(db, own.post_id, moe, "late", "", None, HOUR)


def test_settings_are_read() -> None:
    assert settings.parse({}) == ForumSettings()
    assert settings.parse({"forums.edit_window": "900", "forums.mentions": "0"}) == ForumSettings(
        edit_window=900, mentions=0
    )


@pytest.mark.parametrize("value", ["soon", "-1", "1.5", "1000000001"])
def test_a_setting_that_makes_no_sense_stops_the_boot(value: str) -> None:
    with pytest.raises(SettingsError, match=r"forums\.edit_window"):
        settings.parse({"forums.edit_window": value})
