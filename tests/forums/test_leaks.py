"""Removed and hidden posts show nowhere: every address that could show it, for everybody who could look.

Ann's secret is "quokka" and Mia's is "wombat"; Mia, who logs in, is the author of hers and a member like any other to
Ann's. Where they may be shown is written down here, exactly.
"""

from collections.abc import Callable

import pytest
from forums.forum_actions import QUICK
from support import Browser

from shopforum.core.database import Database
from shopforum.forums import links, moderation, paging, posts, reports, writing
from shopforum.forums.person import Person


class Scene:
    """Two topics, in each a secret of Ann's and one of Mia's, told to the other."""

    def __init__(self, db: Database, ann: Person, mia: Person, bob: Person) -> None:
        self.db, self.ann, self.mia = db, ann, mia
        writing.start_topic(db, "pens", mia, "Of no interest", "text", QUICK)
        self.topic = writing.start_topic(db, "pans", ann, "The quokka house", "Nothing. @mia-marsh", QUICK)
        self.of_ann = writing.reply(db, self.topic.topic_id, ann, "quokka numbat @mia-marsh", QUICK)
        self.of_mia = writing.reply(db, self.topic.topic_id, mia, "wombat numbat @ann", QUICK)
        writing.edit(db, self.of_ann.post_id, ann, "quokka dugong numbat @mia-marsh", "slip", None, QUICK)
        writing.edit(db, self.of_mia.post_id, mia, "wombat dugong numbat @ann", "slip", None, QUICK)
        for post in (self.of_ann, self.of_mia):
            reports.report(db, post.post_id, bob, "rude", "")

    def addresses(self) -> dict[str, list[str]]:
        """Every page that shows topics, posts or their history, by name; none with a secret in its own query."""
        url, numbers = (
            links.topic(self.topic.topic_id, self.topic.title),
            (self.of_ann.post_id, self.of_mia.post_id),
        )
        each = {
            "permalink": url + "?post={0}",
            "after removal": url + "?post={0}&notice=removed",
            "quote": url + "?post={0}&quote={0}",
            "edit": "/posts/{0}",
            "history": "/posts/{0}/history",
            "report": "/posts/{0}/flag",
            "moderate post": "/posts/{0}/moderate",
        }
        once = {
            "home": "/",
            "category": "/categories/pans",
            "own posts": "/posts",
            "inbox": "/inbox",
            "unread": "/inbox?show=unread",
            "log": "/moderation",
            "queue": "/moderation/flags",
            "topic": url,
            "wrong slug": f"/topics/{self.topic.topic_id}-x",
            "first unread": f"{url}?unread=1",
            "moderate topic": f"/topics/{self.topic.topic_id}/moderate",
            "search": "/search?q=numbat",
            "search title": "/search?q=house",
            "search author": "/search?author=Mia+Marsh",
            "search handle": "/search?author=%40ann",
            "member": "/members/mia-marsh",
            "author": "/members/ann",
            "search both": "/search?q=numbat&author=ann&within=week&category=pans",
        }
        found = {name: [path] for name, path in once.items()}
        return found | {name: [path.format(number) for number in numbers] for name, path in each.items()}


Places = set[tuple[str, str]]
Shown = Callable[..., list[Places]]


@pytest.fixture
def scene(db: Database, ann: Person, mia: Person, bob: Person) -> Scene:
    return Scene(db, ann, mia, bob)


@pytest.fixture
def shown(scene: Scene, visitor: Browser, member: Browser, moderator: Browser) -> Shown:
    """`shown(*words)`: for each word who sees it, and where; in a page, its title, its address or where it leads to."""
    readers = {"stranger": visitor, "mia": member, "moderator": moderator}

    def look(*words: str) -> list[Places]:
        found: list[Places] = [set() for _ in words]
        for reader, client in readers.items():
            for name, paths in scene.addresses().items():
                for path in paths:
                    answer = client.get(path, status="*")
                    assert answer.status_int < 500, (reader, path)
                    text = (answer.text + answer.headers.get("Location", "").partition("?")[0]).lower()
                    for word, places in zip(words, found, strict=True):
                        if word in text:
                            places.add((reader, name))
        return found

    return look


def test_the_walk_sees_what_is_there(scene: Scene, shown: Shown) -> None:
    found, wombat = shown("quokka", "wombat")
    everywhere = {
        "home",
        "category",
        "topic",
        "permalink",
        "history",
        "search",
        "search handle",
        "search title",
    }
    assert {("stranger", name) for name in everywhere} <= found
    assert {("mia", name) for name in (*everywhere, "inbox", "quote", "report", "own posts")} <= found
    assert ("moderator", "queue") in found
    assert ("mia", "edit") in wombat


# The author keeps his own text, and a moderator judges by it.
REMOVED = {
    "dugong": {
        ("mia", "own posts"),
        ("mia", "history"),
        ("moderator", "history"),
        ("moderator", "moderate post"),
    },
    "wombat": {
        ("mia", "own posts"),
        ("mia", "history"),
        ("moderator", "history"),
        ("moderator", "moderate post"),
    },
}


@pytest.mark.parametrize("by", ["author", "moderator"])
def test_removed_posts(scene: Scene, moderator: Browser, shown: Shown, by: str) -> None:
    moe = Person(scene.ann.id, "Moe", moderator=True)
    for post, author in ((scene.of_ann, scene.ann), (scene.of_mia, scene.mia)):
        if by == "author":
            posts.remove(scene.db, post.post_id, author)
        else:
            moderation.hide_post(scene.db, post.post_id, moe, "because")
    # A post that its author removes stays reported until a moderator has looked.
    queue = {("moderator", "queue")} if by == "author" else set()
    for word, places in zip(REMOVED, shown(*REMOVED), strict=True):
        assert places == REMOVED[word] | queue, word


def test_removed_posts_of_others_are_not_counted(scene: Scene, member: Browser) -> None:
    def unread() -> list[str]:
        return [count.text for count in member.get("/posts").html.select("nav a[href='/inbox'] .count")]

    assert unread() == ["2"]
    posts.remove(scene.db, scene.of_ann.post_id, scene.ann)
    assert unread() == ["1"]
    posts.restore(scene.db, scene.of_ann.post_id, scene.ann)
    assert unread() == ["2"]
    moderation.change_topic(scene.db, scene.topic.topic_id, Person(scene.mia.id, "Moe", True), "hide", "x")
    assert unread() == []


def test_hidden_topics(scene: Scene, shown: Shown) -> None:
    moe = Person(scene.ann.id, "Moe", moderator=True)
    moderation.change_topic(scene.db, scene.topic.topic_id, moe, "hide", "because")
    # Its authors find their own posts, with the old title and without a link.
    found = shown("quokka", "wombat")
    for places in found:
        assert {place for place in places if place[0] != "moderator"} == {("mia", "own posts")}
    listed = {
        "home",
        "category",
        "inbox",
        "unread",
        "search",
        "search title",
        "search author",
        "search handle",
    }
    assert not {("moderator", name) for name in listed} & (found[0] | found[1])


def test_hidden_edits(scene: Scene, shown: Shown) -> None:
    moe = Person(scene.ann.id, "Moe", moderator=True)
    writing.edit(scene.db, scene.of_mia.post_id, scene.mia, "tidy", "of dugong", None, QUICK)
    [edit, *_] = paging.fetch(scene.db, posts.history(scene.of_mia.post_id), 1).rows
    moderation.hide_edit(scene.db, edit.id, moe, "because")
    posts.remove(scene.db, scene.of_ann.post_id, scene.ann)
    [dugong] = shown("dugong")
    assert dugong == {("moderator", "history"), ("moderator", "moderate post"), ("moderator", "queue")}
