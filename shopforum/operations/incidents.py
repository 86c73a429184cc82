"""Incidents: what happened, whom it concerns, and what was done about it, in one place.

An incident names sessions by one filter or several: those that match any. *Contain* first puts a deny rule into force for each filter
that a rule can say the same as, all of them in one transaction, and then ends the sessions that match, those that have signed in
meanwhile included. The acts and the notes of an incident are rows of
the audit log, whose detail names the incident: they are sealed, and an act is never without its row.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Connection, and_, func, insert, or_, select, text

from ..core.database import Database, ResultRow, once_more
from ..core.listing import Listing
from ..core.read_only_database import ReadOnlyDatabase
from ..core.rows import columns
from ..sessions import Client, Limit, Reason, Rule, Session, Sessions, TooFar, audit, live, reach
from ..sessions import tables as session_tables
from ..sessions.audit import Event
from ..sessions.deny_rules import Maker, NewRule
from ..sessions.reach import Claim
from ..sessions.vocabulary import EventName, InitiatingEntity
from . import (
    act_queries,
    audit_queries,
    counts,
    deny_rules,
    plans,
    revocation_queries,
    session_queries,
    tables,
    user_queries,
)
from .deny_rules import DenyRuleRow, Weight
from .filters import SessionFilter, parse_query
from .plans import Plan
from .rows import ActRow, Affected, AuditRow, Receipt
from .targets import Target

# Revocations of one containment: the first ends those that were shown, a second those that were signing in.
_ROUNDS = 4
# Rows of the audit log that an incident's page shows.
MOST = 200
_MOST_ACTS = 1000
# People that a page shows; the list to notify has them all.
SHOWN = 50
# Filters of one incident.
MOST_FILTERS = 20


class NotAnIncident(ValueError):
    """The incident cannot be opened so, or not be about this, too. The text is for people."""


class IncidentChanged(Exception):
    """The incident was closed, or a filter removed, after it was read. The act that found out has changed nothing."""

    def __init__(self) -> None:
        super().__init__(
            "The incident was closed, or a filter was removed from it, meanwhile. Look at it again."
        )


@dataclass(frozen=True)
class Incident:
    """An incident. `filter` is the query string of the list of sessions that it is about, `more_filters` are further ones: it is about
    the sessions that match any.
    """

    id: UUID
    created_at: datetime
    name: str
    ticket: str
    actor: str
    filter: str
    reason_code: str
    user_text: str
    closed_at: datetime | None
    closed_by: str | None
    more_filters: list[str] = field(default_factory=list)

    @property
    def state(self) -> str:
        """Return `open` or `closed`."""
        return "closed" if self.closed_at else "open"

    @property
    def queries(self) -> tuple[str, ...]:
        """The query strings of its filters, in the order in which they were added."""
        return (self.filter, *self.more_filters)

    @property
    def filters(self) -> list[SessionFilter]:
        """Its filters, in the order of `queries`."""
        return [parse_query(query) for query in self.queries]

    @property
    def filters_digest(self) -> str:
        """A digest of its filters: a page that was made with others has another one."""
        return hashlib.sha256("\n".join(self.queries).encode()).hexdigest()

    @property
    def text(self) -> str:
        """Its filters for people: `ip=203.0.113.0/24 or device=curl`."""
        return _text(self.filters)

    def reason(self, actor: str) -> Reason:
        """Return the reason of its acts by an actor."""
        note = f"{self.name} ({self.ticket})" if self.ticket else self.name
        return Reason(InitiatingEntity.ADMIN, actor, self.reason_code, admin=note, user=self.user_text)


@dataclass(frozen=True)
class Status:
    """The status of an incident, read from the sessions themselves. `alive` is None where they are too many to count in time;
    `own` says that the reader's own session is among them. `uses` counts requests with cookies of the ended sessions.
    """

    checked_at: datetime
    alive: int | None
    own: bool
    ended: int
    people: int
    uses: int
    last_use_at: datetime | None

    @property
    def total(self) -> int:
        """The sessions that it is about: ended ones, and those that are alive."""
        return self.ended + (self.alive or 0)

    @property
    def contained(self) -> bool:
        """Return whether no session is left but the reader's own."""
        return self.alive is not None and self.alive == self.own


@dataclass(frozen=True)
class Report:
    """An incident as it stands: its numbers, its revocations and deny rules as rows of the audit log, its rules, its receipts, and people
    whose sessions it has ended, SHOWN at most.
    """

    incident: Incident
    status: Status
    rules: list[DenyRuleRow]
    receipts: list[Receipt]
    people: list[Affected]
    acts: list[AuditRow]

    @property
    def leftover(self) -> list[DenyRuleRow]:
        """The rules in force that refuse what matches a filter which was removed from the incident."""
        said = [rule.columns() for rule in _rules(self.incident, 1)]
        return [
            row for row in self.rules if row.state == deny_rules.IN_FORCE and row.rule.columns() not in said
        ]


@dataclass(frozen=True)
class Outlook:
    """The plan for containing an incident now: end the plan's sessions, and put the rules into force, each with its weight. A filter
    that no rule says the same as has none.
    """

    plan: Plan
    rules: list[tuple[Rule, Weight]]

    @property
    def crowd(self) -> bool:
        """Return whether it reaches more than PEOPLE people, or a part of the internet."""
        return self.plan.crowd or any(weight.crowd for _, weight in self.rules)

    @property
    def grave(self) -> bool:
        """Return whether it takes a fresh password."""
        return self.plan.grave or any(weight.grave for _, weight in self.rules)


@dataclass(frozen=True)
class Contained:
    """The result of a containment: the incident's rules that are in force, and the revocations. `left` says why sessions are left that
    have signed in meanwhile; empty where none is.
    """

    rule_ids: list[UUID]
    revocations: list[UUID]
    left: str = ""


_i, _a = tables.incidents, session_tables.audit_log
INCIDENT_ID: Column[Any] = _i.c.id
_INCIDENT_OF = text("(detail ->> 'incident') = :incident AND detail ? 'incident'")


def _incident(row: ResultRow) -> Incident:
    return Incident(**row)


INCIDENTS = Listing(
    select(*(_i.c[name] for name in columns(Incident))), (_i.c.created_at, INCIDENT_ID), _incident
)

_ENDED = text(
    """SELECT now() AS checked_at, count(DISTINCT s.id) AS ended, count(DISTINCT s.user_id) AS people,
      coalesce(sum(f.count), 0)::bigint AS uses, max(f.last_at) AS last_use_at
    FROM sessions s LEFT JOIN session_flags f ON f.session_id = s.id AND f.kind = 'session_use_after_expire'
    WHERE s.revocation_id = ANY (CAST(:ids AS uuid[]))"""
)

_RULE_IN_FORCE = text(
    f"""SELECT r.id FROM standing_rules r JOIN audit_log a ON (a.detail ->> 'rule') = r.id::text
    WHERE (a.detail ->> 'incident') = :incident AND a.detail ? 'incident' AND a.event = '{EventName.DENY_RULE_ADDED}'
      AND {live.RULE_IN_FORCE} AND r.user_id IS NOT DISTINCT FROM CAST(:user_id AS uuid)
      AND r.site IS NOT DISTINCT FROM CAST(:site AS text) AND r.network IS NOT DISTINCT FROM CAST(:network AS cidr)
      AND r.device = :device LIMIT 1"""
)

# Of two who add the same filter at once one does.
_ADD_FILTER = text(
    f"""UPDATE incidents SET more_filters = more_filters || CAST(:filter AS text) WHERE id = :id AND closed_at IS NULL
    AND filter <> :filter AND NOT :filter = ANY (more_filters) AND cardinality(more_filters) < {MOST_FILTERS - 1} RETURNING id"""
)

# The first filter and the others are two columns. Of two who remove the last two at once, one does.
_REMOVE_FILTER = text(
    """UPDATE incidents SET filter = CASE WHEN filter = :filter THEN more_filters[1] ELSE filter END,
      more_filters = CASE WHEN filter = :filter THEN more_filters[2:] ELSE array_remove(more_filters, CAST(:filter AS text)) END
    WHERE id = :id AND closed_at IS NULL AND more_filters <> '{}' AND (filter = :filter OR :filter = ANY (more_filters))
    RETURNING id"""
)

_CLOSE = text(
    """UPDATE incidents SET closed_at = clock_timestamp(), closed_by = :actor WHERE id = :id AND closed_at IS NULL
    RETURNING id"""
)


@once_more
def begin(
    db: Database,
    name: str,
    ticket: str,
    filters: Sequence[SessionFilter],
    reason: Reason,
    client: Client,
) -> UUID:
    """Open an incident about the sessions that match any of some filters, whatever their state; return its id. `reason` says who opens it, the code
    of its acts and the message to the users. Raises NotAnIncident for a filter that matches every session.
    """
    by_query = {chosen.query(): chosen for chosen in map(_usable, filters)}
    first, *more = by_query
    values = {"name": name, "ticket": ticket, "actor": reason.actor, "filter": first, "more_filters": more}
    values |= {"reason_code": reason.code, "user_text": reason.user}
    with db.transaction() as connection:
        incident_id: UUID = connection.execute(insert(_i).values(values).returning(_i.c.id)).scalar_one()
        detail = {"name": name, "ticket": ticket, "typed": _text(by_query.values()), "reason": reason.code}
        audit.write(
            connection, _event(EventName.INCIDENT_OPENED, incident_id, reason.actor, client, **detail)
        )
    return incident_id


@once_more
def add_filter(db: Database, incident: Incident, chosen: SessionFilter, actor: str, client: Client) -> None:
    """Add a filter to an incident, for sessions in any state. It ends nothing: contain the incident again.

    Raises NotAnIncident for a filter that matches every session, one that the incident has, one beyond MOST_FILTERS, and where the
    incident is closed.
    """
    chosen = _usable(chosen)
    with db.transaction() as connection:
        if not connection.execute(_ADD_FILTER, {"id": incident.id, "filter": chosen.query()}).first():
            raise NotAnIncident(
                f"The incident has this filter, has {MOST_FILTERS} filters, or is closed. Nothing was changed."
            )
        event = _event(EventName.INCIDENT_FILTER_ADDED, incident.id, actor, client, typed=chosen.text)
        audit.write(connection, event)


@once_more
def remove_filter(
    db: Database, incident: Incident, chosen: SessionFilter, actor: str, client: Client
) -> None:
    """Remove a filter from an incident. Sessions that have ended stay ended, and a deny rule that says the same
    stays in force until it is lifted or over.

    Raises NotAnIncident for a filter that the incident does not have, for its only one, and where the incident is closed.
    """
    chosen = replace(chosen, state="")
    with db.transaction() as connection:
        if not connection.execute(_REMOVE_FILTER, {"id": incident.id, "filter": chosen.query()}).first():
            raise NotAnIncident(
                "The incident does not have this filter, has no other one, or is closed. Nothing was changed."
            )
        event = _event(EventName.INCIDENT_FILTER_REMOVED, incident.id, actor, client, typed=chosen.text)
        audit.write(connection, event)


def called(db: ReadOnlyDatabase, words: str, most: int) -> list[Incident]:
    """Return the incidents whose name or ticket contains words, newest first, at most so many."""
    named = or_(*(session_queries.contains(column, words) for column in (_i.c.name, _i.c.ticket)))
    return INCIDENTS.where(named).first(db, most)


def one(db: ReadOnlyDatabase, incident_id: UUID) -> Incident | None:
    """Return an incident, or None if there is no such incident."""
    return next(iter(INCIDENTS.where(_i.c.id == incident_id).first(db, 1)), None)


def note(db: Database, incident: Incident, actor: str, client: Client, said: str) -> None:
    """Add a note to an incident."""
    audit.append(db, _event(EventName.INCIDENT_NOTED, incident.id, actor, client, reason_admin=said))


def exported(db: Database, incident: Incident, actor: str, client: Client, form: str) -> None:
    """Write down that somebody has exported an incident's report or its people."""
    audit.append(db, _event(EventName.INCIDENT_EXPORTED, incident.id, actor, client, format=form))


@once_more
def close(db: Database, incident: Incident, actor: str, client: Client, said: str = "") -> bool:
    """Close an incident; False where it was closed already. Its rules stay in force until they are lifted or over."""
    with db.transaction() as connection:
        closed = connection.execute(_CLOSE, {"id": incident.id, "actor": actor}).first() is not None
        if closed:
            event = _event(EventName.INCIDENT_CLOSED, incident.id, actor, client, reason_admin=said)
            audit.write(connection, event)
    return closed


def events(incident: Incident) -> Listing[AuditRow]:
    """Return the list of an incident's acts and notes, newest first."""
    return audit_queries.AUDIT.where(_INCIDENT_OF.bindparams(incident=str(incident.id)))


def acts(db: ReadOnlyDatabase, incident: Incident) -> list[AuditRow]:
    """Return the rows of an incident's revocations and deny rules, newest first, at most a thousand."""
    kinds = (EventName.TOKEN_REVOKED, EventName.DENY_RULE_ADDED)
    return events(incident).where(_a.c.event.in_(kinds)).first(db, _MOST_ACTS)


def named(db: ReadOnlyDatabase, chosen: SessionFilter) -> SessionFilter:
    """Return the filter with a whole e-mail address of one user replaced by the user's id, so that a deny rule can say the same."""
    users = user_queries.of_email(db, chosen.user) if "@" in chosen.user[1:] else []
    return replace(chosen, user=str(users[0])) if len(users) == 1 else chosen


def report(db: ReadOnlyDatabase, incident: Incident, own: UUID | None = None) -> Report:
    """Read an incident as it stands. `own` is the reader's session."""
    found = acts(db, incident)
    return Report(
        incident,
        status(db, incident, found, own),
        rules(db, found),
        receipts(db, found),
        people(found).first(db, SHOWN),
        found,
    )


def receipts(db: ReadOnlyDatabase, found: Sequence[AuditRow]) -> list[Receipt]:
    """Return the receipts of an incident's acts, the latest first."""
    ids = _revocations(found)
    rows = revocation_queries.receipts(db, ids)
    return [rows[revocation_id] for revocation_id in ids if revocation_id in rows]


def rules(db: ReadOnlyDatabase, found: Sequence[AuditRow]) -> list[DenyRuleRow]:
    """Return the deny rules of an incident, newest first, those that are over included."""
    ids = [UUID(row.detail["rule"]) for row in found if row.event == EventName.DENY_RULE_ADDED]
    return deny_rules.RULES.where(deny_rules.RULE_ID.in_(ids)).first(db, MOST) if ids else []


def status(
    db: ReadOnlyDatabase, incident: Incident, found: Sequence[AuditRow], own: UUID | None = None
) -> Status:
    """Read how an incident stands: what is alive of its filters, and what its acts have ended. `own` is the reader's session."""
    s = session_queries.s
    matching = [session_queries.matching(db, chosen, whole=True) for chosen in incident.filters]
    alive = counts.count(db, session_queries.any_of(matching, session_queries.LIVE, counts.CAP))
    mine = (
        select(func.count().label("mine"))
        .select_from(s)
        .where(or_(*(and_(*one) for one in matching)), session_queries.LIVE, s.c.id == own)
    )
    row = db.only(_ENDED, ids=_revocations(found))
    return Status(alive=alive, own=own is not None and bool(db.only(mine)["mine"]), **row)


def people(found: Sequence[AuditRow]) -> Listing[Affected]:
    """Return the people whose sessions an incident's acts have ended."""
    return revocation_queries.people(_revocations(found))


def session_acts(found: Sequence[AuditRow]) -> Listing[ActRow]:
    """Return the list of what was done on the sessions that an incident's acts have ended, newest first."""
    return act_queries.of_revocations(_revocations(found))


# The lock makes a removal wait for the act, or the act sees it.
_AS_IT_WAS = text(
    """SELECT 1 FROM incidents WHERE id = :id AND closed_at IS NULL
    AND CAST(:queries AS text[]) <@ (ARRAY[filter] || more_filters) FOR SHARE"""
)


def _if_unchanged(incident: Incident, claim: Claim | None = None) -> Claim:
    """Return the claim of an act: the incident is open and still has these filters, and what `claim` asks for."""

    def check(connection: Connection, act: UUID | None) -> None:
        values = {"id": incident.id, "queries": list(incident.queries)}
        if connection.execute(_AS_IT_WAS, values).first() is None:
            raise IncidentChanged
        if claim is not None:
            claim(connection, act)

    return check


def _within(limit: Limit | None, actor: str, ids: Sequence[UUID], claim: Claim | None) -> Claim:
    """Return the claim of the rules: they, and the sessions that are to end next, are within the limit, and what `claim` asks for. Or the
    act would stop half-way: the rules in force, and the sessions alive.
    """

    def check(connection: Connection, act: UUID | None) -> None:
        reach.check(connection, limit, actor, ids)
        if claim is not None:
            claim(connection, act)

    return check


def outlook(db: ReadOnlyDatabase, incident: Incident, seconds: float, own: UUID | None = None) -> Outlook:
    """Return what containing an incident would do now. `own` is the admin's session, which stays."""
    return Outlook(plans.make(db, Target(any_of=incident.queries), own), _weighed(db, incident, seconds, own))


def check_reach(sessions: Sessions, found: Outlook, *, unlimited: bool) -> None:
    """Raise BeyondReach where containing an incident reaches further than an actor without the permission for whole sites may."""
    found.plan.check_reach(unlimited=unlimited)
    for rule, weight in found.rules:
        deny_rules.check_reach(sessions.authority, rule, weight, unlimited=unlimited)


def contain(
    sessions: Sessions,
    db: ReadOnlyDatabase,
    incident: Incident,
    actor: str,
    client: Client,
    *,
    seconds: float,
    own: UUID | None = None,
    maker: Session | Maker | None = None,
    limit: Limit | None = None,
    claim: Claim | None = None,
    more: dict[str, Any] | None = None,
) -> Contained:
    """Refuse the logins and sessions that match any of the incident's filters, then end these sessions; `own` stays.

    The rules come first, so that nobody whom the second step throws out signs in again. A session of a login that was under way
    when the rules came is ended, too: the sessions are looked up again until none is left. Doing it again adds no rule of which
    the incident has the same in force.

    Rules and sessions are judged together in the transaction of the first act: raises ShutOut, TooFar and IncidentChanged where nothing
    was changed. Sessions that come to match after that may be beyond the limit, and are then left. `claim` is called last in the transaction of
    the first act; `more` is added to the detail of each act's audit row.
    """
    told = {"incident": str(incident.id), **(more or {})}
    reason = incident.reason(actor)
    rule_ids: list[UUID] = []
    new = [NewRule(rule, weight.plan.ids) for rule, weight in _weighed(db, incident, seconds, own)]
    plan = plans.make(db, Target(any_of=incident.queries), own)
    if new:
        ids = tuple(each for each in plan.ids if each != own)
        rule_ids = sessions.add_rules(
            new,
            reason,
            client,
            maker=maker,
            limit=limit,
            detail=told,
            already=partial(_rule_in_force, incident.id),
            claim=_if_unchanged(incident, _within(limit, actor, ids, claim)),
        )
        claim = None
        if not plan.others:
            plan = plans.make(db, Target(any_of=incident.queries), own)
    revocations: list[UUID] = []
    for _ in range(_ROUNDS):
        if plan.scope is None or not plan.others:
            break
        try:
            ended = plans.carry_out(
                sessions,
                plan,
                reason,
                client,
                except_session=own,
                limit=limit,
                detail=told,
                claim=_if_unchanged(incident, claim),
            )
        except TooFar as error:
            if not rule_ids and not revocations:
                raise
            return Contained(rule_ids, revocations, str(error))
        claim = None
        revocations.append(ended)
        plan = plans.make(db, Target(any_of=incident.queries), own)
    return Contained(rule_ids, revocations)


def _text(filters: Iterable[SessionFilter]) -> str:
    return " or ".join(chosen.text for chosen in filters)


def _usable(chosen: SessionFilter) -> SessionFilter:
    """Return a filter without its state. Raises NotAnIncident for one that matches every session."""
    chosen = replace(chosen, state="")
    if not chosen.used:
        raise NotAnIncident(
            "Say which sessions it is about: by a user, an address, a device, a flag or a time."
        )
    return chosen


def _rules(incident: Incident, seconds: float) -> list[Rule]:
    """Return the rules that refuse for so many seconds what matches a filter of the incident; none for a filter that no rule says the
    same as.
    """
    found = [deny_rules.of_filter(chosen) for chosen in incident.filters]
    return [deny_rules.make(seconds, **fields) for fields in found if fields]


@once_more
def _weighed(
    db: ReadOnlyDatabase, incident: Incident, seconds: float, own: UUID | None
) -> list[tuple[Rule, Weight]]:
    """Return the incident's rules with their weights, without rows to show, in one transaction: there may be twenty."""
    with db.patient(plans.PATIENCE).in_one_transaction() as opened:
        return [(rule, deny_rules.weigh(opened, rule, own, 0)) for rule in _rules(incident, seconds)]


def _rule_in_force(incident_id: UUID, connection: Connection, rule: Rule) -> UUID | None:
    values = {"incident": str(incident_id), **rule.columns()}
    found: UUID | None = connection.execute(_RULE_IN_FORCE, values).scalar()
    return found


def _revocations(found: Sequence[AuditRow]) -> list[UUID]:
    return list(dict.fromkeys(row.revocation_id for row in found if row.revocation_id))


def _event(name: str, incident_id: UUID, actor: str, client: Client, /, **detail: Any) -> Event:
    kept = {key: value for key, value in detail.items() if value}
    return Event(
        name,
        "all",
        client,
        initiating_entity=InitiatingEntity.ADMIN,
        actor=actor,
        detail={"incident": str(incident_id), **kept},
    )
