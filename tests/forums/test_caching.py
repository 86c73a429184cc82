"""Caches keep the forums' public pages for visitors, and nothing of a session."""

from forums.forum_actions import QUICK
from support import Browser

from shopforum.core.database import Database
from shopforum.forums import links, posts, writing
from shopforum.forums.person import Person
from shopforum.forums.writing import Placed


def addresses(topic: Placed) -> list[str]:
    return ["/", links.category("pans"), links.topic(topic.topic_id, topic.title), links.member("ann")]


def test_a_visitor_who_has_the_page_is_sent_304_until_it_changes(
    visitor: Browser, db: Database, topic: Placed, bob: Person, ann: Person
) -> None:
    tags = {}
    for address in addresses(topic):
        page = visitor.get(address, status=200)
        assert (page.headers["Cache-Control"], "Set-Cookie" in page.headers) == ("public, no-cache", False), (
            address
        )
        tags[address] = {"If-None-Match": page.headers["ETag"]}
        assert visitor.get(address, headers=tags[address], status=304).body == b""
    writing.reply(db, topic.topic_id, bob, "A new one", QUICK)
    posts.remove(db, topic.post_id, ann)
    # Somebody without a post has no page.
    now = [visitor.get(address, headers=tag, status="*").status_int for address, tag in tags.items()]
    assert now == [200, 200, 200, 404]


def test_nothing_of_a_member_is_kept(member: Browser, topic: Placed) -> None:
    for address in addresses(topic):
        page = member.get(address, status=200)
        assert (page.headers["Cache-Control"], "ETag" in page.headers) == ("no-store", False), address
