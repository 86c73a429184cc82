"""The file of a user's own data at the forums, and how it is written."""

import json
from uuid import UUID, uuid4

from sqlalchemy import text
from support import person

from shopforum.core import personal
from shopforum.core.personal import PersonalRows
from shopforum.forums import letters, writing
from shopforum.forums.letters import LetterChoice
from shopforum.forums.person import Person
from shopforum.forums.settings import ForumSettings

QUICK = ForumSettings(post_delay=0, newcomer_delay=0)


def test_the_forums_file(forums, sql):
    db = forums.app.services.db
    db.all(text("INSERT INTO forum_categories (slug, name, position) VALUES ('pans', 'Pans', 1)"))
    me, ann = Person(UUID(person("member").id), "Mia Marsh"), Person(uuid4(), "Ann")
    topic = writing.start_topic(db, "pans", ann, "Which pan?", "Ann's own text", QUICK)
    mine = writing.reply(db, topic.topic_id, me, 'First \\ "text" \u2028', QUICK)
    writing.edit(db, mine.post_id, me, "Second text", "typo", None, QUICK)
    writing.reply(db, topic.topic_id, ann, "@mia-marsh thanks", QUICK)
    letters.choose(db, me, LetterChoice("mia@harbour.example", "day"))
    forums.log_in("member")
    found = json.loads(forums.get("/account/data.json").body)
    [post] = found["posts"]
    assert (post["text"], post["topic"]) == ("Second text", "Which pan?")
    assert [(e["text"], e["reason"]) for e in post["earlier_texts"]] == [('First \\ "text" \u2028', "typo")]
    assert [(m["kind"], m["from"]) for m in found["inbox"]] == [("mention", "Ann")]
    assert [choice["every"] for choice in found["letters"]] == ["day"]
    assert "Ann's own text" not in json.dumps(found)
    # Hidden by a moderator: for nobody but moderators.
    sql("UPDATE forum_edits SET hidden_at = now() RETURNING 1")
    assert json.loads(forums.get("/account/data.json").body)["posts"][0]["earlier_texts"] == []


def test_more_rows_than_are_read_at_once(apps):
    db = apps["store"].services.db
    rows = PersonalRows(
        "n",
        "",
        "SELECT n AS id, to_jsonb(n) AS data FROM generate_series(0, 250) n WHERE :user_id <> ''",
        "n",
    )
    whole = b"".join(personal.document([("n", rows.read(db, "x")), ("none", [])]))
    assert json.loads(whole) == {"n": list(range(251)), "none": []}
