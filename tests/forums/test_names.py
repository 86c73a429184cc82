"""A post has a name over it, whatever FusionAuth knows of its author; moderators see who is suspended."""

import pytest
from forums.forum_actions import QUICK, in_topic
from sqlalchemy import text
from support import Browser

from shopforum.core.database import Database
from shopforum.forums import reports, writing
from shopforum.forums.person import Person
from shopforum.forums.writing import Placed
from shopforum.sessions import deny_rules
from shopforum.sessions.audit import Client
from shopforum.sessions.deny_rules import NewRule
from shopforum.sessions.model import Reason

SOMEWHERE = Client("192.0.2.1", "a browser", "a request")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("member@harbour.example", "Member"),
        ("@moe-mooring", "Member"),
        ("\u200b\u2060", "Member"),
        ("Ann\u202e nna\u202c\u200b", "Ann nna"),
        ("أحمد", "أحمد"),
    ],
)
def test_names_are_fit_to_be_shown(
    member: Browser, db: Database, topic: Placed, name: str, shown: str
) -> None:
    db.all(text("UPDATE sessions SET user_name = :name"), name=name)
    form = member.get(in_topic(topic)).forms
    reply = next(one for one in form.values() if one.action.startswith(f"/topics/{topic.topic_id}/posts"))
    reply["body"] = "Hello"
    page = reply.submit(status=303).follow()
    assert [b.text for b in page.html.select(".post header b")] == ["Ann", shown]


def test_moderators_see_who_is_suspended(
    member: Browser, moderator: Browser, db: Database, topic: Placed, ann: Person, bob: Person
) -> None:
    reports.report(db, topic.post_id, bob, "spam", "")
    writing.reply(db, topic.topic_id, bob, "Another", QUICK)
    pages = (
        in_topic(topic),
        "/search?author=%40ann",
        "/moderation/flags",
        f"/posts/{topic.post_id}/moderate",
    )
    reason = Reason("admin", "Resi", "incident")
    for useless in (
        deny_rules.Rule(60, ann.id, "store"),
        deny_rules.Rule(60, ann.id, "forums", network="192.0.2.0/24"),
        deny_rules.Rule(60, ann.id, device="curl"),
    ):
        deny_rules.add(db, [NewRule(useless)], reason, SOMEWHERE)
    assert not any("Suspended" in moderator.get(page) for page in pages)
    [rule] = deny_rules.add(db, [NewRule(deny_rules.Rule(60, ann.id, "forums"))], reason, SOMEWHERE)
    assert [moderator.get(page).text.count("Suspended") for page in pages] == [1, 1, 1, 1]
    assert not any("Suspended" in member.get(page) for page in pages[:2])
    deny_rules.lift(db, rule, "Resi", SOMEWHERE)
    assert not any("Suspended" in moderator.get(page) for page in pages)
