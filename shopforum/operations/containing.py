"""Contain an incident: refuse what matches it, and end the sessions that match.

A deny rule comes into force for each filter that a rule can say the same as, all of them in one transaction. Then the sessions that
match end, those that have signed in meanwhile included.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from ..core.database import once_more
from ..core.read_only_database import ReadOnlyDatabase
from ..sessions import Client, Limit, Rule, Session, Sessions, TooFar, live, reach
from ..sessions.deny_rules import Maker, NewRule
from ..sessions.reach import Claim
from ..sessions.vocabulary import EventName
from . import (
    deny_rules,
    incidents,
    plans,
)
from .deny_rules import Weight
from .incidents import Incident, IncidentChanged
from .plans import Plan
from .targets import Target

# Revocations of one containment: the first ends those that were shown, a second those that were signing in.
_ROUNDS = 4


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


_RULE_IN_FORCE = text(
    f"""SELECT r.id FROM standing_rules r JOIN audit_log a ON (a.detail ->> 'rule') = r.id::text
    WHERE (a.detail ->> 'incident') = :incident AND a.detail ? 'incident' AND a.event = '{EventName.DENY_RULE_ADDED}'
      AND {live.RULE_IN_FORCE} AND r.user_id IS NOT DISTINCT FROM CAST(:user_id AS uuid)
      AND r.site IS NOT DISTINCT FROM CAST(:site AS text) AND r.network IS NOT DISTINCT FROM CAST(:network AS cidr)
      AND r.device = :device LIMIT 1"""
)


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


@once_more
def _weighed(
    db: ReadOnlyDatabase, incident: Incident, seconds: float, own: UUID | None
) -> list[tuple[Rule, Weight]]:
    """Return the incident's rules with their weights, without rows to show, in one transaction: there may be twenty."""
    with db.patient(plans.PATIENCE).in_one_transaction() as opened:
        return [
            (rule, deny_rules.weigh(opened, rule, own, 0)) for rule in incidents.rules_of(incident, seconds)
        ]


def _rule_in_force(incident_id: UUID, connection: Connection, rule: Rule) -> UUID | None:
    values = {"incident": str(incident_id), **rule.columns()}
    found: UUID | None = connection.execute(_RULE_IN_FORCE, values).scalar()
    return found
