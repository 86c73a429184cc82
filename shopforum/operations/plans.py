"""Plans: look up and count the sessions that an act would reach, show them, and end exactly those.

The console, the API and the command line make the same plans and carry them out by the same function.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, literal, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from ..core.database import ResultRow
from ..core.read_only_database import ReadOnlyDatabase, TooSlow
from ..core.sites import ADMIN
from ..sessions import Client, Limit, Reason, Scope, Sessions, tables
from ..sessions.reach import Claim
from . import counts, limits, session_queries
from .filters import FilterError, SessionFilter, parse_query
from .limits import LARGE, PEOPLE, BeyondReach
from .rows import SessionRow
from .session_queries import LIVE, UNENDED, s
from .targets import Target

# Sessions of a plan that are shown.
SHOWN = 50
# Milliseconds. An admin who is about to end a hundred thousand sessions waits longer than one who reads a list.
PATIENCE = 10_000


@dataclass(frozen=True)
class Plan:
    """The live sessions that a target holds now.

    `matched` counts them all, `others` those beside the admin's own; `rows` are the newest. Where the plan is not `exact`,
    there are at least so many: they were not counted, or not to the end. `digest` stands for exactly these sessions: a
    plan that is made again and has the same digest holds the same ones. It is empty for a site and for everyone, as are
    the `ids`. `gone` counts the chosen sessions that have ended already. `filter` is the filter's query string, empty for
    several filters, `filter_text` the same for people. `people` counts the users beside the admin; `console` and `owners` say whether
    console sessions of other admins, and of owners, are among them.

    A plan with a `problem`, which says why, has no scope and cannot be carried out. The exception is a filter that matches
    nothing: it can be carried out, and leaves its row in the audit log.

    The permissions that an act takes follow from its reach, however the target was named: see `large`, `wide`, `grave`.
    """

    scope: Scope | None = None
    problem: str = ""
    ids: tuple[UUID, ...] = ()
    matched: int = 0
    own: bool = False
    users: int = 0
    people: int = 0
    console: bool = False
    owners: bool = False
    sites: tuple[str, ...] = ()
    rows: list[SessionRow] = field(default_factory=list)
    gone: int = 0
    digest: str = ""
    filter: str = ""
    filter_text: str = ""
    exact: bool = True

    @property
    def others(self) -> int:
        """The number of sessions beside the admin's own."""
        return self.matched - self.own

    @property
    def large(self) -> bool:
        """Return whether the sessions are so many that the number has to be typed."""
        return self.others > LARGE

    @property
    def crowd(self) -> bool:
        """Return whether the act reaches a whole site, everyone, or more than PEOPLE people."""
        whole = self.scope is not None and bool(self.scope.gate) and not self.scope.user_id
        return whole or self.people > PEOPLE

    @property
    def wide(self) -> bool:
        """Return whether the act takes the permission for whole sites."""
        return self.crowd or self.owners

    @property
    def grave(self) -> bool:
        """Return whether the act takes a fresh password and the page that asks first."""
        return self.large or self.wide or self.console

    @property
    def only_own(self) -> bool:
        """Return whether the admin's own session is the only one."""
        return self.own and not self.others

    @property
    def empty(self) -> bool:
        """Return whether all chosen sessions have ended already."""
        return self.scope is not None and not self.scope.gate and not self.matched

    def check_reach(self, *, unlimited: bool) -> None:
        """Raise BeyondReach for a wide act by an actor without the permission for whole sites (`unlimited`)."""
        if self.wide and not unlimited:
            reached = "console sessions of an owner" if self.owners else f"{self.people:,} people"
            raise BeyondReach(f"This reaches {reached}: it takes an owner. Ask an owner, or choose less.")

    def without(self, except_session: UUID | None) -> Scope:
        """Return the scope without one session, where the scope names sessions. For other scopes, the session core leaves
        that session alone.
        """
        if self.scope is None:
            raise ValueError(f"a plan with a problem is not carried out: {self.problem}")
        if not self.scope.by_id or except_session is None:
            return self.scope
        return replace(self.scope, sessions=tuple(i for i in self.scope.sessions if i != except_session))


def make(
    db: ReadOnlyDatabase,
    target: Target,
    own: UUID | None,
    *,
    quarantined: bool | None = None,
    counted: bool = True,
    shown: int = SHOWN,
) -> Plan:
    """Look up the sessions that a target holds now, with the newest `shown` as rows.

    `own` is the acting admin's session, None for the API and the command line. `quarantined` keeps only sessions in
    quarantine (True) or only others (False). `counted=False`: the sessions of a site or of everyone are not counted, so
    that the act waits for no count.
    """
    live = LIVE if quarantined is None else and_(LIVE, s.c.quarantined_at.is_not(None) == quarantined)
    queries = target.any_of if target.filter is None else (target.filter,)
    if queries:
        try:
            filters = [parse_query(query) for query in queries]
        except FilterError:
            filters = [SessionFilter()]
        if SessionFilter() in filters:
            return Plan(problem="That filter matches every session. Go back and choose again.")
        return _by_filters(db, filters, own, live, shown)
    if target.user_id and target.keep:
        others = session_queries.others_of_user(db, target.user_id, target.keep)
        return _by_ids(db, others, own, live) if others else Plan(problem="This user has no other session.")
    if target.sessions:
        return _by_ids(db, target.sessions, own, live)
    if not (target.user_id or target.site or target.everyone):
        return Plan(problem="No session was chosen. Go back and tick at least one.")
    return _by_gate(db, target, own, live, counted=counted)


def carry_out(
    sessions: Sessions,
    plan: Plan,
    reason: Reason,
    client: Client,
    *,
    except_session: UUID | None = None,
    limit: Limit | None = None,
    detail: dict[str, Any] | None = None,
    claim: Claim | None = None,
) -> UUID:
    """End the sessions of a plan; return the id of the revocation. `detail` is added to the audit row, `claim` is called last in its
    transaction.

    Raises ValueError for a plan without a scope, TooFar for one that reaches further than `limit`.
    """
    return sessions.revoke(
        plan.without(except_session),
        reason,
        client,
        except_session=except_session,
        limit=limit,
        detail=detail,
        claim=claim,
    )


def carry_out_all(
    sessions: Sessions, found: Sequence[Plan], reason: Reason, client: Client, *, limit: Limit | None = None
) -> list[UUID]:
    """End the sessions of several plans, all or none; return the ids of the revocations. Raises as `carry_out` does, TooFar for plans
    that reach together further than `limit`.
    """
    return sessions.revoke_all([plan.without(None) for plan in found], reason, client, limit=limit)


def digest(ids: Iterable[UUID]) -> str:
    """Return the SHA-256, in hex, over sorted ids. It stands for a set of sessions."""
    return hashlib.sha256("\n".join(sorted(map(str, ids))).encode()).hexdigest()


def _by_filters(
    db: ReadOnlyDatabase,
    filters: Sequence[SessionFilter],
    own: UUID | None,
    live: ColumnElement[bool],
    shown: int,
) -> Plan:
    """Make the plan of the sessions that any of the filters matches."""
    found_by = [session_queries.conditions(db, chosen, whole=True) for chosen in filters]
    where = and_(*session_queries.any_of(found_by, live, Scope.MOST))
    filter_text = " or ".join(chosen.text for chosen in filters)
    try:
        found = _count(db, where, own, Scope.MOST + 1)
    except TooSlow as error:
        # Ending a part of the matching sessions in place of all would be wrong.
        raise TooSlow(f"Nothing was changed. {error.detail}") from error
    if len(found["ids"]) > Scope.MOST:
        return Plan(
            problem=f"More than {Scope.MOST:,} sessions match. Narrow the filter, or end all of a user or a site."
        )
    if not found["ids"]:
        problem = "No session matches that could still be ended. Those that matched have ended meanwhile."
        return Plan(Scope(filter_text=filter_text), problem)
    scope = Scope(sessions=tuple(found["ids"]), filter_text=filter_text)
    query = filters[0].query() if len(filters) == 1 else ""
    return _plan(db, where, found, scope, shown, filter=query, filter_text=filter_text)


def _by_ids(db: ReadOnlyDatabase, ids: Sequence[UUID], own: UUID | None, live: ColumnElement[bool]) -> Plan:
    if len(ids) > Scope.MOST:
        return Plan(problem=f"More than {Scope.MOST:,} sessions at once. Choose fewer.")
    where = and_(s.c.id == func.any(session_queries.ids_of(ids)), live)
    found = _count(db, where, own, Scope.MOST)
    return _plan(db, where, found, Scope(sessions=tuple(ids)), gone=len(ids) - len(found["ids"]))


def _by_gate(
    db: ReadOnlyDatabase, target: Target, own: UUID | None, live: ColumnElement[bool], *, counted: bool
) -> Plan:
    scope = Scope(user_id=target.user_id, site=target.site, everyone=target.everyone)
    if scope.wide and not counted:
        return Plan(scope, exact=False)
    conditions: list[Any] = [live, UNENDED]
    if scope.user_id:
        conditions.append(s.c.user_id == scope.user_id)
    if scope.site:
        conditions.append(s.c.site == scope.site)
    where = and_(*conditions)
    if scope.wide:
        try:
            return _plan(db, where, _count(db, where, own, None), scope)
        except TooSlow:
            # There are millions, or an earlier act has ended so many and they are not marked yet. Act all the same.
            at_least = min(counts.count(db, [where]) or 0, counts.CAP)
            return Plan(scope, matched=at_least, exact=False)
    found = _count(db, where, own, Scope.MOST)
    return _plan(db, where, found, scope, exact=found["matched"] < Scope.MOST)


def _count(db: ReadOnlyDatabase, where: Any, own: UUID | None, most: int | None) -> ResultRow:
    """Count everything for a plan in one statement, with the ids of the newest `most` sessions, newest first; without
    ids where `most` is None.
    """
    newest = select(s.c.id, s.c.user_id, s.c.site, s.c.roles, s.c.created_at).where(where)
    if most is not None:
        newest = newest.order_by(s.c.created_at.desc(), s.c.id.desc()).limit(most)
    m = newest.subquery("m")
    mine = select(tables.sessions.c.user_id).where(tables.sessions.c.id == own).scalar_subquery()
    other = m.c.user_id.is_distinct_from(mine)
    console = and_(other, m.c.site == ADMIN)
    owners = and_(other, limits.owners_session(m.c.site, m.c.roles))
    in_order = aggregate_order_by(m.c.id, m.c.created_at.desc(), m.c.id.desc())
    ids = (
        func.coalesce(func.array_agg(in_order), session_queries.ids_of([]))
        if most is not None
        else literal(None)
    )
    return db.patient(PATIENCE).only(
        select(
            ids.label("ids"),
            func.count().label("matched"),
            func.count(m.c.user_id.distinct()).label("users"),
            func.count(m.c.user_id.distinct()).filter(other).label("people"),
            func.coalesce(func.bool_or(console), False).label("console"),
            func.coalesce(func.bool_or(owners), False).label("owners"),
            func.array_agg(m.c.site.distinct()).label("sites"),
            func.coalesce(func.bool_or(m.c.id == own), False).label("own"),
        ).select_from(m)
    )


def _plan(
    db: ReadOnlyDatabase, where: Any, found: ResultRow, scope: Scope, shown: int = SHOWN, **more: Any
) -> Plan:
    if found["ids"] is not None:
        # The ids are known: do not run a slow filter twice.
        where = s.c.id == func.any(session_queries.ids_of(found["ids"][:shown]))
    rows = session_queries.SESSIONS.where(where).first(db, shown) if shown else []
    return Plan(
        scope,
        matched=found["matched"],
        own=found["own"],
        users=found["users"],
        people=found["people"],
        console=found["console"],
        owners=found["owners"],
        sites=tuple(found["sites"] or ()),
        rows=rows,
        ids=tuple(found["ids"] or ()),
        digest="" if found["ids"] is None else digest(found["ids"]),
        **more,
    )
