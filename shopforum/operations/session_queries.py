"""Read sessions for the lists: those that match a filter, and everything about one.

CONDITIONS says once what each field of a filter means. The list, the counts, the exports and every act use it whole.
Browsers are looked up first, and the sessions then by columns that have an index: in one statement the planner would read
the whole table where little matches. A part of a name has no index: such a search reads all sessions, up to the time
limit, and raises TooSlow where that was not enough. Nothing here reads a hash.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Select,
    Text,
    Uuid,
    and_,
    cast,
    false,
    func,
    literal,
    literal_column,
    or_,
    select,
    text,
    union,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY, INET, array

from ..core import user_agents
from ..core.database import ResultRow
from ..core.ids import parse_uuid
from ..core.listing import Listing
from ..core.read_only_database import ReadOnlyDatabase, TooSlow
from ..core.rows import columns
from ..sessions import MOST_DISMISSED, Scope, live, tables
from ..sessions.vocabulary import BindingState, State
from . import labels
from .filters import FLAGGED, SessionFilter
from .rows import DeviceKey, Flag, PairRow, Place, SessionDetail, SessionRow

s = tables.sessions.alias("s")

CREATED_AT: Column[Any] = s.c.created_at
ID: Column[Any] = s.c.id

# Up to so many sessions with an address, a browser or a flag are looked up by their keys for a list. Of more, the newest are soon
# found by reading all sessions from the newest on.
_FEW = 10_000
# More different browsers than there are in use: an attacker makes them up.
MOST_AGENTS = 20_000

# The most people whom a beginning of a name stands for, where their rows of another table are read.
MOST_PEOPLE = 1000


@dataclass(frozen=True)
class Lookup:
    """The database in which a filter is looked up. `whole`: all that match are wanted, as for an act or an exact number, and not
    only the newest, as for a list.
    """

    db: ReadOnlyDatabase
    whole: bool = False

    @property
    def few(self) -> int:
        """The number of sessions up to which they are looked up by their keys."""
        return Scope.MOST if self.whole else _FEW


class TooMany(TooSlow):
    """There are more different browsers than can be searched by name."""

    def __init__(self) -> None:
        super().__init__(
            f"Sessions were used with more than {MOST_AGENTS:,} different browsers: too many to search. Nothing was "
            "changed. Use another filter, such as an address or a user."
        )


# Sessions that can still be ended: the same as `revocation.revoke` matches.
LIVE = live.condition(live.LIVE_AMONG_MANY)
# It follows from LIVE. Where all are counted, beside it: indexes serve it.
UNENDED = live.condition(live.UNENDED)

QUARANTINED = live.condition(live.QUARANTINED)

# Each state as a condition on `s`.
STATES: dict[str, ColumnElement[bool]] = {
    state: live.condition(fragment) for state, fragment in live.STATES.items()
}

# Each value of `binding` as a condition on `s`.
BINDINGS: dict[str, ColumnElement[bool]] = {
    binding: live.condition(fragment) for binding, fragment in live.BINDINGS.items()
}

_f, _p = tables.flags, tables.places

# The columns of `SessionRow` that are not columns of the table.
_COMPUTED: dict[str, ColumnElement[Any]] = {
    "state": literal_column(f"({live.STATE})").label("state"),
    "binding": literal_column(f"({live.BINDING})").label("binding"),
    "flags": select(func.coalesce(func.array_agg(_f.c.kind), cast(array([]), ARRAY(_f.c.kind.type))))
    .where(_f.c.session_id == s.c.id, _f.c.dismissed_at.is_(None))
    .scalar_subquery()
    .label("flags"),
    "places": select(func.count()).where(_p.c.session_id == s.c.id).scalar_subquery().label("places"),
}


def _select(row: type) -> Select[Any]:
    """Return the SELECT of a row's fields: computed ones, and columns of `s` of the same name."""
    return select(*(_COMPUTED[name] if name in _COMPUTED else s.c[name] for name in columns(row)))


def _session(row: ResultRow) -> SessionRow:
    return SessionRow(**_typed(row))


def _typed(row: ResultRow) -> dict[str, Any]:
    return {**row, "state": State(row["state"]), "binding": BindingState(row["binding"])}


SESSIONS = Listing(_select(SessionRow), (CREATED_AT, ID), _session)


# The orders of the console's list, by name; "" is the order of every other list. `last_seen_at` is in no index, so that a page
# view's update stays heap-only: ordered by it, or by name, all that match are sorted, within the operators' time limit.
ORDERS: dict[str, Listing[SessionRow]] = {
    "": SESSIONS,
    "oldest": replace(SESSIONS, descending=False),
    "seen": replace(SESSIONS, order=(s.c.last_seen_at, ID)),
    "user": replace(SESSIONS, order=(s.c.user_name, ID), descending=False),
}


def listing(db: ReadOnlyDatabase, chosen: SessionFilter) -> Listing[SessionRow]:
    """Return the list of sessions that match a filter, newest sign-in first. Looks up browsers."""
    return SESSIONS.where(*conditions(db, chosen))


def of_user(user_id: UUID) -> Listing[SessionRow]:
    """Return the list of a user's sessions."""
    return SESSIONS.where(s.c.user_id == user_id)


def ended_by(revocation_id: UUID) -> Listing[SessionRow]:
    """Return the list of the sessions that are marked as ended by a revocation."""
    return SESSIONS.where(s.c.revocation_id == revocation_id)


def conditions(
    db: ReadOnlyDatabase, chosen: SessionFilter, *, whole: bool = False
) -> list[ColumnElement[bool]]:
    """Return the filter with its state as conditions on `s`. `whole`: all that match will be read, and not only the newest."""
    return [*matching(db, chosen, whole=whole), *in_state(db, chosen.state, whole=whole)]


def any_of(
    found: Sequence[Sequence[ColumnElement[bool]]], also: ColumnElement[bool], most: int
) -> list[ColumnElement[bool]]:
    """Return as conditions on `s` that a session meets all conditions of any filter in `found`, and `also`.

    Of several filters each is looked up by its own index, and is taken to match the newest `most` + 1 sessions at most,
    which is enough to count to `most`.
    """
    if len(found) == 1:
        return [*found[0], also]
    parts = [
        select(ID).where(*one, also).order_by(CREATED_AT.desc(), ID.desc()).limit(most + 1).correlate(None)
        for one in found
    ]
    ids = union_all(*(select(part.subquery().c.id) for part in parts))
    return [s.c.id == func.any(func.array(ids.scalar_subquery()))]


def in_state(db: ReadOnlyDatabase, state: str, *, whole: bool = False) -> list[ColumnElement[bool]]:
    """Return a tab of the list as conditions on `s`: one of STATES, `flagged`, or `""` for all sessions."""
    if not state:
        return []
    return [_flagged(Lookup(db, whole), OPEN_FLAGS) if state == FLAGGED else STATES[state]]


def matching(
    db: ReadOnlyDatabase, chosen: SessionFilter, *, beginning: bool = False, whole: bool = False
) -> list[ColumnElement[bool]]:
    """Return the filter without its state as conditions on `s`. `whole`: all that match will be read, and not only the newest.

    `beginning` matches only names and addresses that begin with the user's text, which has an index. It is less than the
    filter means: use it only for a page that says so.
    """
    found = CONDITIONS | ({"user": _user_beginning} if beginning else {})
    lookup = Lookup(db, whole)
    return [found[name](lookup, value) for name, value in chosen.given.items() if name != "state"]


def ids_of(ids: Sequence[UUID]) -> ColumnElement[Any]:
    """Return ids as one array: a statement with a hundred thousand parameters would take seconds to write."""
    return cast(literal(list(ids), ARRAY(Uuid)), ARRAY(Uuid))


def one(db: ReadOnlyDatabase, session_id: UUID) -> SessionDetail | None:
    """Return a session, or None if there is no such session."""
    row = db.one(_select(SessionDetail).where(s.c.id == session_id))
    return None if row is None else SessionDetail(**_typed(row))


def device_key(db: ReadOnlyDatabase, session_id: UUID) -> DeviceKey | None:
    """Return the key that a session is bound to, or None."""
    k, cookie = tables.keys.c, tables.bound_cookies.c
    until = select(func.max(cookie.expires_at)).where(cookie.session_id == session_id).scalar_subquery()
    found = [until.label(name) if name == "proven_until" else k[name] for name in columns(DeviceKey)]
    row = db.one(select(*found).where(k.session_id == session_id))
    return None if row is None else DeviceKey(**row)


def places(db: ReadOnlyDatabase, session_id: UUID) -> list[Place]:
    """Return from where the session was used, the first place first; at most 100."""
    found = select(*(_p.c[name] for name in columns(Place))).where(_p.c.session_id == session_id)
    return [Place(**row) for row in db.all(found.order_by(_p.c.first_at).limit(100))]


def flags(db: ReadOnlyDatabase, session_id: UUID) -> list[Flag]:
    """Return the flags of a session, dismissed ones included; the latest first."""
    found = select(*(_f.c[name] for name in columns(Flag))).where(_f.c.session_id == session_id)
    return [Flag(**row) for row in db.all(found.order_by(_f.c.last_at.desc()))]


@dataclass(frozen=True)
class OpenFlags:
    """Sessions with an open flag of one kind: all `ids`, and among them those whose flag came from the address and the browser
    of the session's last use (`own`), as an honest browser's does that comes back after the end.
    """

    ids: list[UUID]
    own: list[UUID]


def open_flags(db: ReadOnlyDatabase, chosen: SessionFilter, kind: str) -> OpenFlags:
    """Return the sessions that match a filter and have an open flag of a kind, at most `flags.MOST_DISMISSED`."""
    same = and_(_f.c.last_address == s.c.last_address, _f.c.last_agent == s.c.last_agent)
    found = (
        select(ID, same.label("own"))
        .join(_f, and_(_f.c.session_id == ID, _f.c.kind == kind, _f.c.dismissed_at.is_(None)))
        .where(*conditions(db, replace(chosen, flag=kind), whole=True))
    )
    rows = db.all(found.order_by(CREATED_AT.desc(), ID.desc()).limit(MOST_DISMISSED))
    return OpenFlags([row["id"] for row in rows], [row["id"] for row in rows if row["own"]])


def pairs(db: ReadOnlyDatabase, session_id: UUID) -> list[PairRow]:
    """Return the pairs of credentials that were handed out, newest first, at most 100; never a hash."""
    c = tables.credentials
    found = select(*(c.c[name] for name in columns(PairRow))).where(c.c.session_id == session_id)
    return [PairRow(**row) for row in db.all(found.order_by(c.c.number.desc()).limit(100))]


def others_of_user(db: ReadOnlyDatabase, user_id: UUID, but: UUID) -> list[UUID]:
    """Return a user's sessions that can still be ended, without one of them."""
    return [row["id"] for row in db.all(select(ID).where(s.c.user_id == user_id, s.c.id != but, LIVE))]


def receipt_of(db: ReadOnlyDatabase, ids: Sequence[UUID]) -> UUID | None:
    """Return the one revocation that has ended sessions of these; None if there is none, or more than one."""
    by = s.c.revocation_id
    statement = select(by).where(s.c.id == func.any(ids_of(ids)), by.is_not(None)).distinct().limit(2)
    found = db.all(statement)
    return found[0]["revocation_id"] if len(found) == 1 else None


# Flags that nobody has dismissed.
OPEN_FLAGS = select(_f.c.session_id).where(_f.c.dismissed_at.is_(None))


def _among(lookup: Lookup, each: ColumnElement[bool], *parts: Select[Any]) -> ColumnElement[bool]:
    """Return the condition that any of the statements `parts` selects a session's id, as `session_id`: by key where the ids are
    few, otherwise `each`, which is the same condition on `s` and is looked up while the sessions are read. The ids are counted in
    the order of each part, which an index should have. An id that several parts select counts once; a part that reaches the limit is
    too long by itself, however often it repeats an id.
    """
    limited = [part.limit(lookup.few + 1).cte(f"part{number}") for number, part in enumerate(parts)]
    together = union(*(select(one.c.session_id) for one in limited)).subquery("together")
    counts = (select(func.count()).select_from(one).scalar_subquery() for one in (*limited, together))
    if lookup.db.only(select(func.greatest(*counts).label("count")))["count"] > lookup.few:
        return each
    ids = union_all(*(part.order_by(None) for part in parts))
    return s.c.id == func.any(func.array(ids.scalar_subquery()))


def _user(lookup: Lookup, wanted: str) -> ColumnElement[bool]:
    """Match a user's id, a whole e-mail address, or a part of a name or an address.

    A whole address stands for its user, whom an index finds: it also matches the user's sessions under an earlier
    address, and no other address that ends with it.
    """
    found = _user_by_index(lookup.db, wanted)
    return _name_like(f"%{_escaped(wanted)}%") if found is None else found


def _user_beginning(lookup: Lookup, wanted: str) -> ColumnElement[bool]:
    """Match as `_user`, but only names and addresses that begin so: these have an index."""
    found = _user_by_index(lookup.db, wanted)
    return _name_like(f"{_escaped(wanted)}%") if found is None else found


def _user_by_index(db: ReadOnlyDatabase, wanted: str) -> ColumnElement[bool] | None:
    """Match a user's id or whole e-mail address; None where the text is neither."""
    if user_id := parse_uuid(wanted):
        return s.c.user_id == user_id
    if "@" not in wanted[1:]:
        return None
    users = select(s.c.user_id).where(func.lower(s.c.user_email) == func.lower(wanted)).distinct()
    ids = [row["user_id"] for row in db.all(users)]
    if not ids:
        return None
    return s.c.user_id == ids[0] if len(ids) == 1 else s.c.user_id == func.any(ids_of(ids))


def people(db: ReadOnlyDatabase, wanted: str) -> list[UUID]:
    """Return the users with sessions whom a text names: by id, by a whole e-mail address, or by the beginning of a name or an
    address; at most MOST_PEOPLE of these.
    """
    found = select(s.c.user_id).where(_user_beginning(Lookup(db), wanted)).distinct().limit(MOST_PEOPLE)
    return [row["user_id"] for row in db.all(found)]


def contains(column: ColumnElement[Any], wanted: str) -> ColumnElement[bool]:
    """Return the condition that a column contains a text, whatever the case of either."""
    return func.lower(column).like(func.lower(f"%{_escaped(wanted)}%"))


def _name_like(pattern: str) -> ColumnElement[bool]:
    lowered = func.lower(pattern)
    return or_(func.lower(s.c.user_email).like(lowered), func.lower(s.c.user_name).like(lowered))


def _escaped(text: str) -> str:
    """Return the text with LIKE's wildcards as ordinary characters."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _address(lookup: Lookup, block: str) -> ColumnElement[bool]:
    """Match sessions that were ever used from an address of the block."""
    inside = _p.c.address.op("<<=")(cast(block, INET))
    # A session has few places. The array keeps the planner from reading all places in the block for each session.
    own = func.array(select(_p.c.address).where(_p.c.session_id == s.c.id).correlate(s).scalar_subquery())
    each = cast(block, INET).op(">>=", return_type=Boolean())(func.any(own))
    return _among(lookup, each, select(_p.c.session_id).where(inside).order_by(_p.c.address))


def _flag(lookup: Lookup, kind: str) -> ColumnElement[bool]:
    """Match sessions with an open flag of the kind, or in quarantine."""
    if kind == labels.QUARANTINED:
        return QUARANTINED
    return _flagged(lookup, OPEN_FLAGS.where(_f.c.kind == kind))


def _flagged(lookup: Lookup, flags: Select[Any]) -> ColumnElement[bool]:
    # OFFSET keeps the planner from looking them all up before it takes the newest.
    each = flags.where(_f.c.session_id == s.c.id).offset(0).exists()
    return _among(lookup, each, flags.order_by(_f.c.session_id))


def _binding(_: Lookup, wanted: str) -> ColumnElement[bool]:
    """Match sessions that are bound to their device, may still be, or are not. An offer ends soon after the sign-in, which has
    an index.
    """
    if wanted != BindingState.OFFERED:
        return BINDINGS[wanted]
    return and_(s.c.created_at > func.now() - timedelta(seconds=2 * live.BINDING_WINDOW), BINDINGS[wanted])


# From one user agent to the next along each index: as many steps as there are different ones, however many sessions.
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


def _device(lookup: Lookup, words: str) -> ColumnElement[bool]:
    """Match sessions that were used with a browser of these words: at the login, last, or in between, as a thief's may be.

    Raises TooMany where there are more browsers than can be searched.
    """
    wanted = user_agents.words(words)
    known = [row["agent"] for row in lookup.db.all(_AGENTS, most=MOST_AGENTS + 1)]
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
    each = or_(
        s.c.agent == meant,
        s.c.last_agent == meant,
        select(literal(1)).where(_p.c.session_id == s.c.id, _p.c.agent == meant).offset(0).exists(),
    )
    return _among(lookup, each, *used)


# The condition of each field of `SessionFilter`, by its name; the state is a tab of the list (`in_state`). A session last seen
# before an instant was also created before it, and only the creation has an index.
CONDITIONS: dict[str, Callable[[Lookup, Any], ColumnElement[bool]]] = {
    "user": _user,
    "site": lambda _, site: s.c.site == site,
    "ip": _address,
    "device": _device,
    "flag": _flag,
    "binding": _binding,
    "created_after": lambda _, at: s.c.created_at > at,
    "created_before": lambda _, at: s.c.created_at < at,
    "seen_after": lambda _, at: s.c.last_seen_at > at,
    "seen_before": lambda _, at: and_(s.c.created_at < at, s.c.last_seen_at < at),
}
