"""The pages for programs: the Atom feeds, and the descriptions of pages for search engines."""

from xml.etree import ElementTree as ET

from forums.forum_actions import QUICK, fill
from sqlalchemy import text
from support import Browser

from shopforum.core.database import Database
from shopforum.forums import writing
from shopforum.forums.person import Person
from shopforum.forums.writing import Placed

ATOM = "{http://www.w3.org/2005/Atom}"


def test_a_feed_has_the_newest_topics_and_nothing_hidden(
    visitor: Browser, member: Browser, db: Database, topic: Placed, ann: Person, bob: Person
) -> None:
    [last] = fill(db, topic, bob, 1)
    writing.start_topic(db, "pens", ann, "A & <b> \ufffe", "Text.", QUICK)
    gone = writing.start_topic(db, "pans", ann, "Secret", "Text.", QUICK)
    db.all(text("UPDATE forum_topics SET hidden = true WHERE id = :id RETURNING 1"), id=gone.topic_id)
    answer = visitor.get("/feed.atom", status=200)
    assert answer.content_type == "application/atom+xml"
    assert "Set-Cookie" not in answer.headers
    assert visitor.get("/feed.atom", headers={"If-None-Match": answer.headers["ETag"]}).status_int == 304
    feed = ET.fromstring(answer.body)
    assert [entry.findtext(f"{ATOM}title") for entry in feed.iter(f"{ATOM}entry")] == [
        "A & <b> ",
        "Which pan for eggs?",
    ]
    # The same for a member, who has a session and markers.
    assert member.get("/feed.atom").body == answer.body
    feed = ET.fromstring(visitor.get("/categories/pans/feed.atom").body)
    [entry] = feed.iter(f"{ATOM}entry")
    assert entry.find(f"{ATOM}link").attrib["href"].endswith(f"?post={last.post_id}#post-{last.post_id}")
    assert "2 posts, the last one by" in entry.findtext(f"{ATOM}summary")
    visitor.get("/categories/nothing/feed.atom", status=404)
    page = visitor.get("/categories/pans")
    assert page.html.select_one("link[type='application/atom+xml']")["href"] == "/categories/pans/feed.atom"


def test_a_topic_describes_itself(visitor: Browser, db: Database, topic: Placed, bob: Person) -> None:
    fill(db, topic, bob, 1)
    html = visitor.get("/").click("Which pan for eggs?", index=1).html
    thread = html.select_one("[itemtype='https://schema.org/DiscussionForumPosting']")
    assert thread.select_one("[itemprop=headline]")["content"] == "Which pan for eggs?"
    comment = thread.select_one("[itemprop=comment]")
    assert comment.select_one("[itemprop=author] [itemprop=name]")["content"] == bob.name
    assert comment.select_one("[itemprop=text]").text.strip()
    path = [one["content"] for one in html.select("[itemtype$=ListItem] > [itemprop=position]")]
    assert path == ["1", "2", "3"]
