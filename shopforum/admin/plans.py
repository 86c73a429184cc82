"""What a form would end, looked up and counted: the confirm page shows it, and what is ended is what was shown."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, func, select

from ..sessions import Scope
from . import queries
from .filters import from_query
from .forms import Target
from .queries import LIVE, s
from .reading import Reading

# A form holds at most a thousand fields, and a person who confirms a longer list has not read it.
MOST = 900
SHOWN = 50


@dataclass(frozen=True)
class Plan:
    """The live sessions that a target holds; `others` are those beside the admin's own.

    `gone` counts the chosen sessions that have ended already. A plan with a `problem`, which says why, has no scope.
    """

    scope: Scope | None = None
    problem: str = ""
    others: int = 0
    own: bool = False
    users: int = 0
    sites: tuple[str, ...] = ()
    rows: list[RowMapping] = field(default_factory=list)
    gone: int = 0

    def count(self, *, include_own: bool) -> int:
        """How many sessions would end."""
        return self.others + (self.own and include_own)

    def without(self, spare: UUID | None) -> Scope:
        """The scope with one session taken out where it names sessions; elsewhere the heart spares it."""
        assert self.scope is not None  # noqa: S101 - a plan with a problem is never carried out
        if not self.scope.sessions:
            return self.scope
        return Scope(sessions=tuple(i for i in self.scope.sessions if i != spare))

    @property
    def only_own(self) -> bool:
        """Whether the admin's own session is all there is."""
        return self.own and not self.others


def make(db: Reading, target: Target, own: UUID) -> Plan:
    """Look up what a target holds now. `own` is the acting admin's session."""
    sessions = target.sessions
    if target.filter is not None:
        form = from_query(target.filter)
        if not form.validate() or not form.query():
            return Plan(problem="That filter names nothing in particular. Go back and choose again.")
        sessions = tuple(queries.matching_ids(db, form, MOST + 1))
    if len(sessions) > MOST:
        return Plan(
            problem=f"More than {MOST} sessions match. Narrow the filter, or end all of a user or a site."
        )
    if not (sessions or target.user_id or target.site):
        return Plan(problem="Nothing was chosen that could be ended. Go back and tick at least one session.")
    scope = Scope(sessions=sessions, user_id=target.user_id, site=target.site)
    where = [LIVE, *_where(scope)]
    found = db.one(
        select(
            func.count().label("count"),
            func.count(s.c.user_id.distinct()).label("users"),
            func.array_agg(s.c.site.distinct()).label("sites"),
            func.coalesce(func.bool_or(s.c.id == own), False).label("own"),
        ).where(*where)
    )
    assert found is not None  # noqa: S101 - an aggregate has one row
    statement = queries.listed().where(*where).order_by(s.c.created_at.desc(), s.c.id.desc())
    return Plan(
        scope,
        others=found["count"] - found["own"],
        own=found["own"],
        users=found["users"],
        sites=tuple(found["sites"] or ()),
        rows=db.all(statement.limit(SHOWN)),
        gone=max(0, len(scope.sessions) - found["count"]),
    )


def _where(scope: Scope) -> list[Any]:
    if scope.sessions:
        return [s.c.id.in_(scope.sessions)]
    found = [s.c.user_id == scope.user_id] if scope.user_id else []
    return [*found, s.c.site == scope.site] if scope.site else found
