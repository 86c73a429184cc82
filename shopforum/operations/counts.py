"""Count the sessions that match. Every count stops at a limit, so that it takes no longer the more sessions there are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    Text,
    TextClause,
    and_,
    case,
    func,
    literal,
    literal_column,
    select,
    text,
    true,
)
from sqlalchemy.dialects.postgresql import array

from ..core.database import ResultRow
from ..core.read_only_database import ReadOnlyDatabase, TooSlow
from ..sessions import live as live_conditions
from ..sessions import tables
from ..sessions.vocabulary import State
from .filters import FLAGGED, SessionFilter
from .session_queries import CREATED_AT, ID, LIVE, OPEN_FLAGS, STATES, UNENDED, conditions, s

# Counts stop here: "10,000+" says as much as the number would.
CAP = 10_000
# The counts on the tabs are taken from the newest LOOKED_AT sessions; of at most SMALL rows in the table, from all.
LOOKED_AT = 4_000
SMALL = 50_000
# Milliseconds. A list without its counts is better than none; who asks for exact ones waits longer.
_PATIENCE = 1000
_EXACT_PATIENCE = 10_000

_ESTIMATE = (
    f"EXPLAIN (FORMAT JSON) SELECT 1 FROM sessions s WHERE {live_conditions.UNENDED} AND s.site = :site"
)
_ROWS = literal_column(
    "(SELECT reltuples::bigint FROM pg_class WHERE oid = CAST('sessions' AS regclass))", BigInteger
)

# The states of sessions that have not ended.
LIVE_STATES = (State.ACTIVE, State.DORMANT)

_NEWEST = (CREATED_AT.desc(), ID.desc())

# The parts of the counts that no filter changes are made once, and name their columns in text: the console's page would
# otherwise spend more on writing this statement than on its rows.
_TABS = (*STATES, FLAGGED, "all")
_LOOKED_AT = select(
    literal_column(f"({live_conditions.STATE_AMONG_MANY})", Text).label("state"),
    OPEN_FLAGS.where(tables.flags.c.session_id == s.c.id).exists().label(FLAGGED),
).select_from(s)
_COUNTS: list[ColumnElement[Any]] = [
    *(literal_column(f"count(*) FILTER (WHERE m.state = '{state}')").label(state) for state in STATES),
    literal_column(f"count(*) FILTER (WHERE m.{FLAGGED})").label(FLAGGED),
    literal_column("count(*)").label("all"),
]
_EVERY: list[ColumnElement[Any]] = [literal_column(f'newest."{tab}"').label(tab) for tab in _TABS]
_UNENDED_COUNTS = array([literal_column(f'unended."{name}"', BigInteger) for name in ("all", *LIVE_STATES)])
_ALL = literal_column('newest."all"', BigInteger)


@dataclass(frozen=True)
class TabCounts:
    """The counts on the tabs of the list, by the tab's name; `""` is the tab of all. `bounds` names those that are lower
    bounds: there are at least so many.
    """

    numbers: Mapping[str, int]
    bounds: frozenset[str] = frozenset()

    def __getitem__(self, tab: str) -> str:
        """Return a count for people: "57", or "57+" for a lower bound."""
        return f"{self.numbers[tab]:,}{'+' if tab in self.bounds else ''}"

    @property
    def exact(self) -> bool:
        """Return whether all counts are exact."""
        return not self.bounds


def count(db: ReadOnlyDatabase, where: Sequence[Any], cap: int = CAP) -> int | None:
    """Count the sessions that meet conditions on `s`, at most `cap` + 1. None where that would take too long."""
    # In the order of the list, and so by the list's index.
    capped = select(literal(1)).select_from(s).where(*where).order_by(*_NEWEST).limit(cap + 1).subquery()
    try:
        return int(db.within(_PATIENCE).only(select(func.count()).select_from(capped))["count"])
    except TooSlow:
        return None


def on_tabs(db: ReadOnlyDatabase, where: Sequence[Any]) -> TabCounts | None:
    """Count the sessions that meet conditions on `s`, for each tab of the list. None where that would take too long.

    The newest LOOKED_AT are counted, once for all states. Where there are more, each number is a lower bound, unless the
    table is small. Sessions that have not ended, and flagged ones, are counted in full where they are few.
    """
    db = db.within(_PATIENCE)
    try:
        found, unended, flagged, small = _bounded(db, where)
        if small and found[""] > LOOKED_AT:
            return TabCounts(_by_tab(db.only(_newest(where))))
    except TooSlow:
        return None
    if found[""] <= LOOKED_AT:
        return TabCounts(found)
    bounds = set(found)
    if unended[0] <= LOOKED_AT:
        found |= dict(zip(LIVE_STATES, unended[1:], strict=True))
        bounds -= set(LIVE_STATES)
    if flagged[0] <= LOOKED_AT // 2:
        found[FLAGGED] = flagged[1]
        bounds.discard(FLAGGED)
    return TabCounts(found, frozenset(bounds))


def exactly_on_tabs(db: ReadOnlyDatabase, where: Sequence[Any]) -> TabCounts:
    """Count as `on_tabs`, to the end. Raises TooSlow."""
    return TabCounts(_by_tab(db.patient(_EXACT_PATIENCE).only(_newest(where))))


def _bounded(db: ReadOnlyDatabase, where: Sequence[Any]) -> tuple[dict[str, int], list[int], list[int], bool]:
    """Count in one statement the newest LOOKED_AT + 1 by tab, and tell whether the table is small. In a large one, beside them: of
    the newest that have not ended how many there are in all and in each of LIVE_STATES, and how many flagged sessions were looked at
    and match.
    """
    newest = _newest(where, LOOKED_AT).cte("newest")
    unended = _newest([*where, UNENDED], LOOKED_AT).subquery("unended")
    many = and_(_ALL > LOOKED_AT, _ROWS > SMALL)
    # A CASE does not look up the branch that it does not choose.
    more = (select(_UNENDED_COUNTS).select_from(unended), _flagged(where))
    row = db.only(
        select(
            *_EVERY,
            *(case((many, one.scalar_subquery())).label(f"more{n}") for n, one in enumerate(more)),
            (_ROWS <= SMALL).label("small"),
        ).select_from(newest)
    )
    return _by_tab(row), row["more0"] or [], row["more1"] or [], row["small"]


def _by_tab(row: ResultRow) -> dict[str, int]:
    return {"": row["all"], **{name: row[name] for name in (*STATES, FLAGGED)}}


def _newest(where: Sequence[Any], most: int | None = None) -> Select[Any]:
    """Return the statement that counts by tab, `all` among them: all that meet the conditions, or the newest `most` + 1."""
    found = _LOOKED_AT.where(*where)
    return select(*_COUNTS).select_from(
        (found if most is None else found.order_by(*_NEWEST).limit(most + 1)).subquery("m")
    )


def _flagged(where: Sequence[Any]) -> Select[Any]:
    """Return the statement that looks at flagged sessions, up to half of LOOKED_AT and one more, and counts those that meet the
    conditions: an array of both numbers. Of more it would take long.
    """
    f = OPEN_FLAGS.distinct().limit(LOOKED_AT // 2 + 1).subquery("f")
    # OFFSET keeps the planner from reading a whole table instead of these few rows by their key.
    meets = select(literal(1).label("one")).select_from(s).where(s.c.id == f.c.session_id, *where)
    found = meets.offset(0).lateral("found")
    return select(array([func.count(), func.count(found.c.one)])).select_from(f.outerjoin(found, true()))


def live(db: ReadOnlyDatabase, sites: tuple[str, ...]) -> dict[str, int | None]:
    """Count the sessions that can still be ended on each site, at most CAP + 1 each. None where counting would take too long,
    as while millions that have ended are not marked yet.
    """
    columns = []
    for site in sites:
        where = (LIVE, UNENDED, s.c.site == site)
        capped = select(literal(1)).select_from(s).where(*where).limit(CAP + 1).subquery()
        columns.append(select(func.count()).select_from(capped).scalar_subquery().label(site))
    try:
        return dict(db.within(_PATIENCE).only(select(*columns)))
    except TooSlow:
        return dict.fromkeys(sites)


def estimate_live(db: ReadOnlyDatabase, sites: tuple[str, ...]) -> dict[str, int]:
    """Estimate the sessions of each site that have not ended and are before their absolute end, in no time for millions.

    The planner's estimate: as good as the newest ANALYZE. It takes no account of gates that are not swept yet.
    """
    return {site: _planned(db, text(_ESTIMATE).bindparams(site=site)) for site in sites}


def _planned(db: ReadOnlyDatabase, explained: TextClause) -> int:
    [plan] = db.only(explained)["QUERY PLAN"]
    return int(plan["Plan"]["Plan Rows"])


@dataclass(frozen=True)
class News:
    """The number of `new` sessions, at most 100, and the time of the count in UTC, such as `12:03:11`."""

    new: int
    at: str


def news(db: ReadOnlyDatabase, chosen: SessionFilter) -> News:
    """Count the sessions that match, and tell the database's time."""
    found = select(literal(1)).select_from(s).where(*conditions(db, chosen)).limit(100).subquery()
    clock = func.to_char(func.timezone("UTC", func.now()), "HH24:MI:SS")
    new = select(func.count()).select_from(found).scalar_subquery().label("new")
    return News(**db.only(select(new, clock.label("at"))))
