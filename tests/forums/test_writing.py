"""Topics, replies and edits in the database: numbers, counters, the delay, and what happens at once."""

from uuid import uuid4

import clocks
import pytest
from forums.forum_actions import QUICK, SLOW, at_once, count_again
from sqlalchemy import text

from shopforum.core.database import Database
from shopforum.forums import paging, posts, read_markers, topics, writing
from shopforum.forums.person import Person
from shopforum.forums.refusals import Locked, Missing, Stale, TooSoon
from shopforum.forums.writing import Placed


def test_a_topic_and_replies_are_counted(db: Database, topic: Placed, bob: Person) -> None:
    second = writing.reply(db, topic.topic_id, bob, "Iron.", QUICK)
    row = topics.topic(db, topic.topic_id, None)
    assert (row.post_count, row.last_post_id, row.last_post_by) == (2, second.post_id, "Bob")
    pans, pens = topics.all_categories(db)
    assert (pans.topic_count, pans.post_count, pans.last_post_by) == (1, 2, "Bob")
    assert (pens.topic_count, pens.post_count, pens.topic_id) == (0, 0, None)
    count_again(db)


def test_no_reply_is_lost_when_many_write_at_once(db: Database, topic: Placed) -> None:
    people = [Person(uuid4(), f"P{n}") for n in range(8)]
    jobs = [
        lambda p=p, n=n: writing.reply(db, topic.topic_id, p, f"{p.name} {n}", QUICK)
        for p in people
        for n in range(4)
    ]
    jobs += [lambda p=p: writing.start_topic(db, "pans", p, "Another", "text", QUICK) for p in people]
    results = at_once(jobs)
    assert [error for error in results if isinstance(error, Exception)] == []
    assert topics.topic(db, topic.topic_id, None).post_count == 33
    numbers = [post.number for page in (1, 2) for post in posts.on_page(db, topic.topic_id, page)]
    assert numbers == list(range(1, 34))
    count_again(db)


def test_one_person_has_one_turn_at_a_time(db: Database, topic: Placed, bob: Person) -> None:
    jobs = [lambda n=n: writing.reply(db, topic.topic_id, bob, f"text {n}", SLOW) for n in range(6)]
    results = at_once(jobs)
    assert len([r for r in results if isinstance(r, Placed)]) == 1
    assert all(isinstance(r, Placed) or (isinstance(r, TooSoon) and 1 <= r.wait <= 60) for r in results)
    assert topics.topic(db, topic.topic_id, None).post_count == 2


def test_a_form_sent_twice_gives_one_post(db: Database, topic: Placed, bob: Person) -> None:
    results = at_once([lambda: writing.reply(db, topic.topic_id, bob, "the same", SLOW)] * 4)
    assert len(set(results)) == 1
    assert topics.topic(db, topic.topic_id, None).post_count == 2
    first = writing.start_topic(db, "pens", Person(bob.id, "Bob"), "A title", "A text", QUICK)
    assert writing.start_topic(db, "pens", bob, "A title", "A text", SLOW) == first
    with pytest.raises(TooSoon):
        writing.start_topic(db, "pens", bob, "A title", "Another text", SLOW)
    count_again(db)


def test_the_delay_passes(db: Database, topic: Placed, bob: Person) -> None:
    writing.reply(db, topic.topic_id, bob, "one", SLOW)
    clocks.pass_time(db, 61)
    writing.reply(db, topic.topic_id, bob, "two", SLOW)
    assert topics.topic(db, topic.topic_id, None).post_count == 3


def test_a_refused_post_takes_no_turn(db: Database, bob: Person) -> None:
    with pytest.raises(Missing):
        writing.reply(db, 10**17, bob, "nowhere", SLOW)
    with pytest.raises(Missing):
        writing.start_topic(db, "nowhere", bob, "Title", "text", SLOW)
    writing.start_topic(db, "pans", bob, "Title", "text", SLOW)


def test_locked_and_hidden_topics_take_moderators_alone(db: Database, topic: Placed, bob: Person) -> None:
    moderator = Person(uuid4(), "Moe", moderator=True)
    db.all(text("UPDATE forum_topics SET locked = true"))
    with pytest.raises(Locked):
        writing.reply(db, topic.topic_id, bob, "text", QUICK)
    writing.reply(db, topic.topic_id, moderator, "text", QUICK)
    db.all(text("UPDATE forum_topics SET locked = false, hidden = true"))
    with pytest.raises(Missing):
        writing.reply(db, topic.topic_id, bob, "text", QUICK)


def test_edits_keep_what_was_said(db: Database, topic: Placed, ann: Person) -> None:
    writing.edit(db, topic.post_id, ann, "Second", "a slip", 0, QUICK)
    writing.edit(db, topic.post_id, ann, "Third", "", 1, QUICK)
    writing.edit(db, topic.post_id, ann, "Third", "no change is no edit", None, QUICK)
    assert posts.post(db, topic.post_id, None).edit_count == 2
    found = paging.fetch(db, posts.history(topic.post_id), 1).rows[::-1]
    assert [(one.before, one.after, one.reason) for one in found] == [
        ("An *iron* one, or not?", "Second", "a slip"),
        ("Second", "Third", ""),
    ]


def test_a_stale_edit_changes_nothing(db: Database, topic: Placed, ann: Person) -> None:
    results = at_once(
        [lambda n=n: writing.edit(db, topic.post_id, ann, f"text {n}", "", 0, QUICK) for n in range(5)]
    )
    assert sum(isinstance(r, Placed) for r in results) == 1
    assert sum(isinstance(r, Stale) for r in results) == 4
    assert posts.post(db, topic.post_id, None).edit_count == 1


def test_edits_wait_for_each_other(db: Database, topic: Placed, ann: Person) -> None:
    writing.edit(db, topic.post_id, ann, "one", "", None, SLOW)
    with pytest.raises(TooSoon):
        writing.edit(db, topic.post_id, ann, "two", "", None, SLOW)


def test_only_the_author_edits_and_removes(db: Database, topic: Placed, ann: Person, bob: Person) -> None:
    moderator = Person(uuid4(), "Moe", moderator=True)
    for somebody in (bob, moderator):
        with pytest.raises(Missing):
            writing.edit(db, topic.post_id, somebody, "mine now", "", None, QUICK)
        with pytest.raises(Missing):
            posts.remove(db, topic.post_id, somebody)
    posts.remove(db, topic.post_id, ann)
    with pytest.raises(Missing):
        posts.restore(db, topic.post_id, bob)
    with pytest.raises(Missing):
        writing.edit(db, topic.post_id, ann, "while removed", "", None, QUICK)
    posts.restore(db, topic.post_id, ann)
    assert posts.post(db, topic.post_id, None).body == "An *iron* one, or not?"


def test_a_locked_topic_keeps_its_posts(db: Database, topic: Placed, ann: Person) -> None:
    db.all(text("UPDATE forum_topics SET locked = true"))
    for attempt in (
        lambda: writing.edit(db, topic.post_id, ann, "x", "", None, QUICK),
        lambda: posts.remove(db, topic.post_id, ann),
        lambda: posts.restore(db, topic.post_id, ann),
    ):
        with pytest.raises(Locked):
            attempt()


def test_the_text_of_a_removed_post_stays_inside(
    db: Database, topic: Placed, ann: Person, bob: Person
) -> None:
    posts.remove(db, topic.post_id, ann)
    assert posts.on_page(db, topic.topic_id, 1)[0].body == ""
    for stranger in (None, bob):
        with pytest.raises(Missing):
            posts.post(db, topic.post_id, stranger)
    assert posts.post(db, topic.post_id, ann).body


def unread(db: Database, who: Person) -> tuple[int, bool]:
    [found] = paging.fetch(db, topics.latest(who), 1).rows
    return found.unread, found.fresh


def test_own_posts_are_never_new(db: Database, topic: Placed, ann: Person, bob: Person) -> None:
    read_markers.mark_topic(db, bob.id, topic.topic_id, 1)
    writing.reply(db, topic.topic_id, ann, "unread", QUICK)
    writing.reply(db, topic.topic_id, bob, "written without reading it", QUICK)
    assert unread(db, bob) == (1, False)
    assert topics.topic(db, topic.topic_id, bob).first_unread == 2
    read_markers.mark_topic(db, bob.id, topic.topic_id, 2)
    assert unread(db, bob) == (0, False)
    assert [(post.replies, post.unread) for post in paging.fetch(db, posts.mine(bob), 1).rows] == [(0, 0)]


def test_unread_topics_and_posts(db: Database, topic: Placed, ann: Person, bob: Person) -> None:
    assert unread(db, bob) == (0, True)
    assert unread(db, ann) == (0, False)
    read_markers.mark_topic(db, bob.id, topic.topic_id, 1)
    assert unread(db, bob) == (0, False)
    for n in range(3):
        writing.reply(db, topic.topic_id, ann, f"more {n}", QUICK)
    assert unread(db, bob) == (3, False)
    assert unread(db, ann) == (0, False)
    assert topics.topic(db, topic.topic_id, bob).first_unread == 2
    assert topics.topic(db, topic.topic_id, ann).first_unread is None
    read_markers.mark_topic(db, bob.id, topic.topic_id, 3)
    read_markers.mark_topic(db, bob.id, topic.topic_id, 2)
    assert unread(db, bob) == (1, False)
    assert read_markers.mark_category(db, bob.id, "pans")
    assert unread(db, bob) == (0, False)
    writing.reply(db, topic.topic_id, ann, "and again", QUICK)
    assert unread(db, bob) == (1, False)
    assert topics.topic(db, topic.topic_id, bob).first_unread == 5
    assert not read_markers.mark_category(db, bob.id, "nowhere")
    clocks.pass_time(db, 20 * 86400)
    assert unread(db, Person(uuid4(), "New")) == (0, False)
