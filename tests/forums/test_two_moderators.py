"""Two moderators at the same thing, people who change it under their hands, and people who report too much."""

from forums.forum_actions import fill, in_topic, moderate
from page_forms import form_of
from support import Browser

from shopforum.core.database import Database
from shopforum.forums import posts, reports
from shopforum.forums.person import Person
from shopforum.forums.writing import Placed


def test_the_second_moderator_is_told(moderator: Browser, topic: Placed) -> None:
    for path, act, reverse in (
        (f"/topics/{topic.topic_id}/moderate", "lock", "unlock"),
        (f"/posts/{topic.post_id}/moderate", "hide", "show"),
    ):
        late = form_of(moderator.get(path), path)
        moderate(moderator, path, act)
        late["act"], late["reason"] = act, "my reason"
        page = late.submit(status=409)
        assert "This has changed meanwhile" in page
        form = form_of(page, path)
        assert form["reason"].value == "my reason"
        form["act"] = reverse
        form.submit(status=303)
        form["act"].force_value("nonsense")
        form.submit(status=422)


def test_a_move_goes_somewhere(moderator: Browser, topic: Placed) -> None:
    path = f"/topics/{topic.topic_id}/moderate"
    form = form_of(moderator.get(path), path)
    form["act"], form["reason"] = "move", "because"
    assert "choose another" in form.submit(status=422)
    assert "No entries yet" in moderator.get("/moderation")


def test_an_author_who_removes_a_reported_post_cannot_restore_it(
    moderator: Browser, db: Database, topic: Placed, ann: Person, bob: Person
) -> None:
    reports.report(db, topic.post_id, bob, "spam", "")
    posts.remove(db, topic.post_id, ann)
    assert "Removed by its author" in moderator.get("/moderation/flags")
    moderate(moderator, f"/posts/{topic.post_id}/moderate", "hide")
    assert "was removed by a moderator: because" in moderator.get(in_topic(topic))
    assert posts.post(db, topic.post_id, ann).removed_by == "moderator"


def test_nobody_buries_the_queue(
    member: Browser, moderator: Browser, db: Database, topic: Placed, ann: Person, mia: Person
) -> None:
    first, *others = fill(db, topic, ann, reports.MOST_OPEN)
    for placed in (first, *others):
        assert reports.report(db, placed.post_id, mia, "spam", "")
    path = f"/posts/{topic.post_id}/flag"
    form = form_of(member.get(path), path)
    form["reason"], form["text"] = "rude", "my note"
    page = form.submit(status=429)
    assert page.headers["Retry-After"] == "3600"
    assert form_of(page, path)["text"].value == "my note"
    moderate(moderator, f"/posts/{first.post_id}/moderate", "dismiss")
    form_of(page, path).submit(status=303)
    assert len(reports.of_post(db, topic.post_id)) == 1
