"""The jobs delete old rows."""

from clocks import pass_time
from forums.forum_actions import QUICK
from sqlalchemy import text

from shopforum.core import purge
from shopforum.core.database import Database
from shopforum.forums import jobs, writing
from shopforum.forums.person import Person
from shopforum.forums.writing import Placed


def test_messages_go_after_a_year(db: Database, topic: Placed, ann: Person, bob: Person) -> None:
    for body in ("one @ann", "two @ann"):
        writing.reply(db, topic.topic_id, bob, body, QUICK)
    assert purge.run(jobs.PURGES, db) == 0
    pass_time(db, 366 * 86400)
    writing.reply(db, topic.topic_id, bob, "three @ann", QUICK)
    [*_, newest] = db.all(text("SELECT id FROM forum_inbox ORDER BY id"))
    assert [purge.run(jobs.PURGES, db, step=1) for _ in range(3)] == [1, 1, 0]
    assert [row["id"] for row in db.all(text("SELECT id FROM forum_inbox"))] == [newest["id"]]
