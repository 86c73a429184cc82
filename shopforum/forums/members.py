"""Members: the people who have written. A member has a handle for mentions, and a time of the last post.

A handle is made of the name (`links.handle`): Mia Marsh is @mia-marsh, the next one of that name @mia-marsh-2. It is
assigned with the first post and never changes, even if the name does.
"""

from sqlalchemy import Connection, text

from ..sessions import deny_rules
from . import links
from .person import Person
from .refusals import TooSoon
from .settings import ForumSettings

# A column over a post `p`, for moderators: whether a deny rule keeps its author out of the forums from every network and
# with every browser. False for anybody else.
SUSPENDED = f"""CASE WHEN CAST(:moderator AS boolean) THEN {deny_rules.shuts_out("p.author_id", "forums")} ELSE false END AS suspended"""

_KNOWN = text("SELECT 1 FROM forum_members WHERE user_id = :user_id")
# Handles are assigned one after the other.
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


def enrol(connection: Connection, person: Person) -> None:
    """Give a person a row and a handle, unless the person has them already."""
    if connection.scalar(_KNOWN, {"user_id": person.id}) is None:
        connection.execute(_LOCK)
        connection.execute(_ENROL, {"user_id": person.id, "handle": links.handle(person.name)})


def take_turn(connection: Connection, person: Person, settings: ForumSettings) -> bool:
    """Note that a person writes now, and lock the person's row. Return False, and note nothing, if it is too soon."""
    enrol(connection, person)
    return connection.scalar(_TAKE_TURN, {"user_id": person.id, **settings.pace(person)}) is not None


def too_soon(connection: Connection, person: Person, settings: ForumSettings) -> TooSoon:
    """Return the refusal with the seconds that a person must wait, after `take_turn` was False."""
    wait = connection.execute(_WAIT, {"user_id": person.id, **settings.pace(person)}).one()
    return TooSoon(max(wait.seconds, 1), newcomer=wait.new)
