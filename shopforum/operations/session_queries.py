"""Reading sessions for the lists: which match a filter, how many, and everything about one.

What a filter means is said once, in `matching`: the list, the counts, the exports and every act go by it, and none of
them by a part of it. Browsers are looked up first, and the sessions then by what has an index: in one statement the
planner would walk the whole table where little matches. A part of a name has no index; who looks for one waits for all
sessions to be read, up to the time limit, and is told where that was not enough. Nothing here reads a hash.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Column,
    ColumnElement,
    RowMapping,
    Select,
    Text,
    Uuid,
    cast,
    false,
    func,
    literal,
    literal_column,
    or_,
    select,
    text,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY, INET, array

from ..core import user_agents
from ..core.read_only_database import ReadOnlyDatabase, TooSlow
from ..sessions import live, tables
from . import labels
from .filters import SessionFilter

s = tables.sessions.alias("s")

CREATED_AT: Column[Any] = s.c.created_at
ID: Column[Any] = s.c.id

# So many sessions with an address or a flag are taken by their keys; of more, the newest are soon met on the way
# through all.
_FEW = 10_000
# More different browsers than there are in use: somebody makes them up.
MOST_AGENTS = 20_000


class TooMany(TooSlow):
    """There are more different browsers than can be looked through by name."""

    def __init__(self) -> None:
        super().__init__(
            f"Sessions were used with more than {MOST_AGENTS:,} different browsers: too many to look through. Nothing was "
            "changed. Use another filter, such as an address or a user."
        )


# What can still be ended: the same as `revocation.revoke` matches.
LIVE = live.condition(live.LIVE_AMONG_MANY)

QUARANTINED = live.condition(live.QUARANTINED)

# Each state as a condition on `s`.
STATES: dict[str, ColumnElement[bool]] = {
    state: live.condition(fragment) for state, fragment in live.STATES.items()
}

_f, _p = tables.flags, tables.places

_COLUMNS = (
    *(
        s.c[name]
        for name in (
            *("id", "site", "user_id", "user_name", "user_email", "address", "agent", "last_address"),
            *("last_agent", "created_at", "last_seen_at", "idle_end", "absolute_end", "refresh_count"),
            *("refreshed_at", "ended_at", "end_reason", "revocation_id", "authenticated_at"),
            *("quarantined_at", "quarantine_reason"),
        )
    ),
    literal_column(f"({live.STATE})").label("state"),
    select(func.coalesce(func.array_agg(_f.c.kind), cast(array([]), ARRAY(_f.c.kind.type))))
    .where(_f.c.session_id == s.c.id, _f.c.dismissed_at.is_(None))
    .scalar_subquery()
    .label("flags"),
    select(func.count()).where(_p.c.session_id == s.c.id).scalar_subquery().label("places"),
)


def listed() -> Select[Any]:
    """The rows of a list of sessions, to be narrowed and paged."""
    return select(*_COLUMNS)


def conditions(db: ReadOnlyDatabase, chosen: SessionFilter) -> list[Any]:
    """The filter as conditions on `s`. Looks up browsers."""
    return [*matching(db, chosen), *in_state(db, chosen.state)]


def in_state(db: ReadOnlyDatabase, state: str) -> list[Any]:
    """A state as conditions on `s`: one of STATES, `flagged`, or `""` for all."""
    if not state:
        return []
    return [_among(db, FLAGGED, _f.c.session_id) if state == "flagged" else STATES[state]]


def matching(db: ReadOnlyDatabase, chosen: SessionFilter, *, beginning: bool = False) -> list[Any]:
    """The filter as conditions on `s`, whatever its state is.

    `beginning` takes a name for the beginning of one, which has an index: less than the filter means, and only for a page
    that says so.
    """
    found: list[Any] = []
    if chosen.user_id:
        found.append(s.c.user_id == chosen.user_id)
    elif chosen.user:
        found.append(_of_user(db, chosen.user, beginning=beginning))
    if chosen.site:
        found.append(s.c.site == chosen.site)
    if chosen.ip:
        inside = _p.c.address.op("<<=")(cast(chosen.ip, INET))
        found.append(_among(db, select(_p.c.session_id).where(inside), _p.c.address))
    if chosen.device:
        found.append(_of_device(db, chosen.device))
    if chosen.flag == labels.QUARANTINED:
        found.append(QUARANTINED)
    elif chosen.flag:
        found.append(_among(db, FLAGGED.where(_f.c.kind == chosen.flag), _f.c.session_id))
    if chosen.created_after:
        found.append(s.c.created_at > chosen.created_after)
    if chosen.seen_before:
        # What was last seen before an instant has begun before it, and only the beginning has an index.
        before = chosen.seen_before
        found += [s.c.created_at < before, s.c.last_seen_at < before]
    return found


def ids_of(ids: Sequence[UUID]) -> ColumnElement[Any]:
    """Ids as one array: a statement with a parameter for each of a hundred thousand would take seconds to write."""
    return cast(literal(list(ids), ARRAY(Uuid)), ARRAY(Uuid))


def one(db: ReadOnlyDatabase, session_id: UUID) -> RowMapping | None:
    """A session with all that lists show and the numbers of its generations."""
    extra = (s.c.generation, s.c.issued, s.c.previous, s.c.cleared_at)
    return db.one(select(*_COLUMNS, *extra).where(s.c.id == session_id))


def places(db: ReadOnlyDatabase, session_id: UUID) -> list[RowMapping]:
    """From where the session was used, in the order in which the places were first seen; at most 100."""
    return db.all(select(_p).where(_p.c.session_id == session_id).order_by(_p.c.first_at).limit(100))


def flags(db: ReadOnlyDatabase, session_id: UUID) -> list[RowMapping]:
    """Why the session deserves a look, latest first."""
    return db.all(select(_f).where(_f.c.session_id == session_id).order_by(_f.c.last_at.desc()))


def generations(db: ReadOnlyDatabase, session_id: UUID) -> list[RowMapping]:
    """The pairs of credentials that were handed out, newest first, at most 100; never a hash."""
    c = tables.credentials
    columns = [c.c[n] for n in ("generation", "why", "created_at", "seen_at", "seen_address", "seen_agent")]
    statement = select(*columns).where(c.c.session_id == session_id)
    return db.all(statement.order_by(c.c.generation.desc()).limit(100))


# What wants a look: flags that nobody has dismissed.
FLAGGED = select(_f.c.session_id).where(_f.c.dismissed_at.is_(None))


def _among(db: ReadOnlyDatabase, ids: Select[Any], indexed: Column[Any]) -> ColumnElement[bool]:
    """Sessions whose ids a statement selects: by their keys where these are few, else looked up on the way. They
    are counted in the order of an index, `indexed` being its column.
    """
    counted = db.only(select(func.count()).select_from(ids.order_by(indexed).limit(_FEW + 1).subquery()))
    if counted["count"] <= _FEW:
        return s.c.id == func.any(func.array(ids.scalar_subquery()))
    # OFFSET keeps the planner from looking them all up before it takes the newest.
    return ids.where(ids.selected_columns.session_id == s.c.id).offset(0).exists()


def _of_user(db: ReadOnlyDatabase, typed: str, *, beginning: bool) -> ColumnElement[bool]:
    """Sessions that were begun under a name or an e-mail address which holds what was typed. The whole address of somebody
    means that person, by index: all of theirs, under an earlier address too, and nobody's whose address ends like it.
    """
    email, name = func.lower(s.c.user_email), func.lower(s.c.user_name)
    if "@" in typed[1:]:
        people = select(s.c.user_id).where(email == func.lower(typed)).distinct()
        if ids := [row["user_id"] for row in db.all(people)]:
            return s.c.user_id == ids[0] if len(ids) == 1 else s.c.user_id == func.any(ids_of(ids))
    pattern = func.lower(f"{'' if beginning else '%'}{_like(typed)}%")
    return or_(email.like(pattern), name.like(pattern))


# From one agent to the next along each index: as many steps as there are different ones, however many sessions.
_AGENTS = text(
    " UNION ".join(
        f"""SELECT agent FROM (
WITH RECURSIVE different AS (
  (SELECT {column} AS agent FROM {table} ORDER BY {column} LIMIT 1)
  UNION ALL
  SELECT (SELECT t.{column} FROM {table} t WHERE t.{column} > d.agent ORDER BY t.{column} LIMIT 1)
  FROM different d WHERE d.agent IS NOT NULL
)
SELECT agent FROM different WHERE agent IS NOT NULL LIMIT :most) {table}_{column}"""
        for table, column in (("sessions", "agent"), ("sessions", "last_agent"), ("session_places", "agent"))
    )
)


def _of_device(db: ReadOnlyDatabase, typed: str) -> ColumnElement[bool]:
    """Sessions that were used with a browser of these words: at the login, last, or in between, as a thief's may be.
    Raises TooMany where there are more browsers than can be looked through.
    """
    wanted = user_agents.words(typed)
    known = [row["agent"] for row in db.all(_AGENTS, most=MOST_AGENTS + 1)]
    if len(known) > MOST_AGENTS:
        raise TooMany
    good = [agent for agent in known if user_agents.means(wanted, agent)]
    if not good:
        return false()
    x = tables.sessions.alias("x")
    meant = func.any(cast(literal(good, ARRAY(Text)), ARRAY(Text)))
    used = [
        select(x.c.id.label("session_id")).where(x.c.agent == meant),
        select(x.c.id.label("session_id")).where(x.c.last_agent == meant),
        select(_p.c.session_id).where(_p.c.agent == meant),
    ]
    some = union_all(*(part.limit(_FEW + 1) for part in used)).subquery()
    if db.only(select(func.count()).select_from(some))["count"] <= _FEW:
        return s.c.id == func.any(func.array(union_all(*used).scalar_subquery()))
    return or_(
        s.c.agent == meant,
        s.c.last_agent == meant,
        select(literal(1)).where(_p.c.session_id == s.c.id, _p.c.agent == meant).offset(0).exists(),
    )


def _like(typed: str) -> str:
    return typed.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
