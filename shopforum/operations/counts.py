"""Count the sessions that match. Every count stops at a limit, so that it takes no longer the more sessions there are."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import TextClause, case, func, literal, select, text, true

from ..core.read_only_database import ReadOnlyDatabase, TooSlow
from ..sessions import tables
from ..sessions.live import UNENDED
from .filters import FLAGGED, SessionFilter
from .session_queries import CREATED_AT, ID, LIVE, OPEN_FLAGS, STATES, conditions, s

# Counts stop here: "10,000+" says as much as the number would.
CAP = 10_000
# The counts on the tabs stop sooner, and are taken from the newest LOOKED_AT sessions.
TAB_CAP = 1_000
LOOKED_AT = 4_000
# Milliseconds. A list without its counts is better than none.
_PATIENCE = 1000

_ESTIMATE = f"EXPLAIN (FORMAT JSON) SELECT 1 FROM sessions s WHERE {UNENDED} AND s.site = :site"

_NEWEST = (CREATED_AT.desc(), ID.desc())


def count(db: ReadOnlyDatabase, where: Sequence[Any], cap: int = CAP) -> int | None:
    """Count the sessions that meet conditions on `s`, at most `cap` + 1. None where that would take too long."""
    # In the order of the list, and so by the list's index.
    capped = select(literal(1)).select_from(s).where(*where).order_by(*_NEWEST).limit(cap + 1).subquery()
    try:
        return int(db.within(_PATIENCE).only(select(func.count()).select_from(capped))["count"])
    except TooSlow:
        return None


def on_tabs(db: ReadOnlyDatabase, where: Sequence[Any]) -> dict[str, str] | None:
    """Count the sessions that meet conditions on `s`, for each tab of the list: "57" or "1,000+". None where that would take
    too long. The tab of all sessions is `""`.

    The newest LOOKED_AT are counted, once for all states. Where there are more, each number is a lower bound: "57+".
    Flagged sessions are counted in full, unless there are many.
    """
    db = db.within(_PATIENCE)
    try:
        counts = _newest(db, where)
        if counts[""] <= LOOKED_AT:
            return {name: _shown(number) for name, number in counts.items()}
        flagged = _flagged(db, where)
    except TooSlow:
        return None
    shown = {name: _shown(number, lower_bound=True) for name, number in counts.items()}
    return shown if flagged is None else {**shown, FLAGGED: _shown(flagged)}


def _newest(db: ReadOnlyDatabase, where: Sequence[Any]) -> dict[str, int]:
    state = case(*((condition, name) for name, condition in STATES.items())).label("state")
    flagged = OPEN_FLAGS.where(tables.flags.c.session_id == s.c.id).exists().label(FLAGGED)
    m = (
        select(state, flagged)
        .select_from(s)
        .where(*where)
        .order_by(*_NEWEST)
        .limit(LOOKED_AT + 1)
        .subquery("m")
    )
    counts = [func.count().filter(m.c.state == name).label(name) for name in STATES]
    more = (func.count().filter(m.c.flagged).label(FLAGGED), func.count().label("all"))
    row = db.only(select(*counts, *more).select_from(m))
    return {"" if name == "all" else name: number for name, number in row.items()}


def _flagged(db: ReadOnlyDatabase, where: Sequence[Any]) -> int | None:
    """Count the flagged sessions that meet the conditions; None where so many are flagged that this would take long."""
    f = OPEN_FLAGS.distinct().limit(LOOKED_AT // 2 + 1).subquery("f")
    # OFFSET keeps the planner from reading a whole table instead of these few rows by their key.
    meets = select(literal(1).label("one")).select_from(s).where(s.c.id == f.c.session_id, *where)
    found = meets.offset(0).lateral("found")
    row = db.only(
        select(func.count().label("looked_at"), func.count(found.c.one).label("met")).select_from(
            f.outerjoin(found, true())
        )
    )
    return int(row["met"]) if row["looked_at"] <= LOOKED_AT // 2 else None


def _shown(number: int, *, lower_bound: bool = False) -> str:
    if number > TAB_CAP:
        return f"{TAB_CAP:,}+"
    return f"{number:,}+" if lower_bound else f"{number:,}"


def live(db: ReadOnlyDatabase, sites: tuple[str, ...]) -> dict[str, int | None]:
    """Count the sessions that can still be ended on each site, at most CAP + 1 each. None where counting would take too long,
    as while millions that have ended are not marked yet.
    """
    columns = []
    for site in sites:
        capped = select(literal(1)).select_from(s).where(LIVE, s.c.site == site).limit(CAP + 1).subquery()
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
    """How many sessions are `new`, at most 100, and what time it is (UTC): `12:03:11`."""

    new: int
    at: str


def news(db: ReadOnlyDatabase, chosen: SessionFilter) -> News:
    """Count the sessions that match, and tell the database's time."""
    found = select(literal(1)).select_from(s).where(*conditions(db, chosen)).limit(100).subquery()
    clock = func.to_char(func.timezone("UTC", func.now()), "HH24:MI:SS")
    new = select(func.count()).select_from(found).scalar_subquery().label("new")
    return News(**db.only(select(new, clock.label("at"))))
