"""Whoever has written: the handle that others mention them by, and when they may write again.

A handle is made of the name, `links.handle`: Mia Marsh is @mia-marsh, the next one of that name @mia-marsh-2. It is
given with the first post and stays, whatever becomes of the name; who has not written has none.
"""

from uuid import UUID

from sqlalchemy import ColumnElement, Connection, text

from ..sessions import deny_rules
from . import links
from .person import Person, TooSoon
from .settings import Rules

_KNOWN = text("SELECT 1 FROM forum_members WHERE user_id = :user_id")
# Newcomers take their handles one after the other.
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('forum_members.handle', 0))")
_ENROL = text("""
    INSERT INTO forum_members (user_id, posted_at, handle)
    SELECT :user_id, '-infinity', c.handle FROM (
      SELECT n, :handle || CASE n WHEN 1 THEN '' ELSE '-' || n END AS handle
      FROM generate_series(1, (SELECT count(*) + 1 FROM forum_members WHERE starts_with(handle, :handle))) n
    ) c
    WHERE NOT EXISTS (SELECT 1 FROM forum_members o WHERE o.handle = c.handle) ORDER BY c.n LIMIT 1
    ON CONFLICT (user_id) DO NOTHING
    """)
_PAUSE = "CASE WHEN post_count < :few THEN :slow ELSE :delay END"
_TAKE_TURN = text(f"""
    UPDATE forum_members SET posted_at = clock_timestamp(), post_count = post_count + 1
    WHERE user_id = :user_id AND posted_at <= clock_timestamp() - make_interval(secs => {_PAUSE}) RETURNING 1
    """)
_WAIT = text(f"""
    SELECT ceil(extract(epoch FROM posted_at - clock_timestamp()) + {_PAUSE})::int AS seconds, post_count < :few AS new
    FROM forum_members WHERE user_id = :user_id
    """)


def suspended(user_id: ColumnElement[UUID]) -> ColumnElement[bool]:
    """Return a column for moderators: whether a deny rule keeps a user out of the forums, wherever the user comes from."""
    return deny_rules.shuts_out(user_id, "forums").label("suspended")


def enrol(connection: Connection, person: Person) -> None:
    """Give somebody a row and a handle, who may have them already."""
    if connection.scalar(_KNOWN, {"user_id": person.id}) is None:
        connection.execute(_LOCK)
        connection.execute(_ENROL, {"user_id": person.id, "handle": links.handle(person.name)})


def take_turn(connection: Connection, person: Person, rules: Rules) -> bool:
    """Note that somebody writes now; their row stays locked. False, and nothing noted, where that is too soon."""
    enrol(connection, person)
    return connection.scalar(_TAKE_TURN, {"user_id": person.id, **rules.pace(person)}) is not None


def too_soon(connection: Connection, person: Person, rules: Rules) -> TooSoon:
    """How long somebody must wait who was refused a turn."""
    wait = connection.execute(_WAIT, {"user_id": person.id, **rules.pace(person)}).one()
    return TooSoon(max(wait.seconds, 1), newcomer=wait.new)
