"""Two people for acts that reach far: one owner asks for an act, a second owner approves it, and then exactly that act is done.

With `admin.two_people`, an owner alone reaches as far as a responder: no whole site, not everyone, and no more than a hundred
people within an hour. A wider act is stored as it was asked for: a revocation or a quarantine with its very sessions, a deny
rule with its fields, the containment of an incident with its filters. It waits for an hour.

This module has the acts and the requests as they are stored. `approval_requests.py` asks for an approval, and tells the owners of
acts that need none; `approving.py` approves and refuses.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import case, func, select

from ..core.database import ResultRow
from ..core.listing import Listing
from ..core.purge import Purge
from ..core.read_only_database import ReadOnlyDatabase
from ..core.rows import columns
from ..sessions import Client, Reason, Rule
from ..sessions.vocabulary import InitiatingEntity
from . import deny_rules, limits, tables
from .containing import Outlook
from .deny_rules import Weight
from .incidents import Incident
from .plans import Plan

# Seconds in which a request can be approved.
LIFE = 3600
# Days after which a request is deleted. The audit log keeps what was asked, decided and done.
_KEPT_DAYS = 90

WAITING, APPROVED, REFUSED, WITHDRAWN, EXPIRED = "waiting", "approved", "refused", "withdrawn", "expired"

STATES = (WAITING, APPROVED, REFUSED, WITHDRAWN, EXPIRED)

PURGES = (
    Purge("approvals", f"created_at < now() - interval '{_KEPT_DAYS} days'", order="created_at", step=50),
)


class Kind(StrEnum):
    """The kinds of acts."""

    REVOKE = "revoke"
    QUARANTINE = "quarantine"
    RELEASE = "release"
    RULE = "rule"
    CONTAIN = "contain"


@dataclass(frozen=True)
class Act:
    """An act as somebody asks for it. `crowd` says whether it reaches too far for one person.

    `target` names it in plain JSON values: a scope, a rule, or an incident. `sessions` are the sessions that it names by id.
    """

    kind: Kind
    reason: Reason
    crowd: bool
    target: dict[str, Any]
    matched: int
    people: int
    exact: bool
    sessions: tuple[UUID, ...] = ()


@dataclass(frozen=True)
class Approval:
    """A request for approval. `state` is WAITING, APPROVED, REFUSED, WITHDRAWN or EXPIRED; `named` counts the sessions that it names
    by id. `session_id` or `token_id`: the console session or API token of the request. `made_id` is the revocation or
    the rule that the approval made; of a containment, the first of them.
    """

    id: UUID
    created_at: datetime
    expires_at: datetime
    kind: Kind
    target: dict[str, Any]
    matched: int
    people: int
    exact: bool
    actor: str
    user_id: UUID | None
    session_id: UUID | None
    token_id: UUID | None
    address: str | None
    agent: str
    request_id: str
    reason_code: str
    reason_admin: str
    reason_user: str
    decided_at: datetime | None
    decided_by: str | None
    made_id: UUID | None
    state: str
    named: int

    @property
    def reason(self) -> Reason:
        """The reason of the act, with the one who asked as its actor."""
        return Reason(
            InitiatingEntity.ADMIN,
            self.actor,
            self.reason_code,
            admin=self.reason_admin,
            user=self.reason_user,
        )

    @property
    def client(self) -> Client:
        """The client that the request came from."""
        return Client(self.address, self.agent, self.request_id)

    @property
    def rule(self) -> Rule | None:
        """The deny rule that is asked for, or None."""
        named: dict[str, Any] = self.target.get("rule", {})
        if not named:
            return None
        user_id = UUID(named["user"]) if named.get("user") else None
        return Rule(self.seconds, user_id, named.get("site"), named.get("ip"), named.get("device") or "")

    @property
    def seconds(self) -> float:
        """For how long a rule is to refuse; 0 where no rule is asked for."""
        return float(self.target.get("seconds", 0))

    @property
    def users(self) -> list[UUID]:
        """The users, of whom all sessions are to end, where there are several."""
        return [*map(UUID, self.target.get("users", []))]

    @property
    def incident_id(self) -> UUID | None:
        """The incident to contain, or None."""
        return UUID(self.target["incident"]) if "incident" in self.target else None


_a = tables.approvals
APPROVAL_ID = _a.c.id

_STATE = case(
    (_a.c.outcome.is_not(None), _a.c.outcome),
    (_a.c.expires_at > func.now(), WAITING),
    else_=EXPIRED,
)
_COMPUTED = {
    "state": _STATE.label("state"),
    "named": func.cardinality(_a.c.sessions).label("named"),
    "address": func.host(_a.c.address).label("address"),
}


def _row(row: ResultRow) -> Approval:
    return Approval(**{**row, "kind": Kind(row["kind"])})


APPROVALS = Listing(
    select(*(_COMPUTED[name] if name in _COMPUTED else _a.c[name] for name in columns(Approval))),
    (_a.c.created_at, APPROVAL_ID),
    _row,
)


def ending(kind: Kind, plan: Plan, reason: Reason, *, own: UUID | None = None, keep_own: bool = True) -> Act:
    """Return the act on a plan's sessions. `own` is the actor's session, which stays where `keep_own`. Quarantine has
    no gate, so it names the sessions that the plan has found.
    """
    kept = own if keep_own else None
    if kind != Kind.REVOKE:
        ids = tuple(each for each in plan.ids if each != own)
        found = {"filter": plan.filter_text} if plan.filter_text else {}
        return Act(kind, reason, plan.crowd, found, plan.others, plan.people, plan.exact, ids)
    scope = plan.without(kept)
    named: dict[str, Any] = {
        "everyone": scope.everyone,
        "site": scope.site,
        "user": scope.user_id and str(scope.user_id),
        "filter": scope.filter_text,
        "keep": str(kept) if kept else None,
    }
    target = {name: value for name, value in named.items() if value}
    return Act(kind, reason, plan.crowd, target, plan.others, plan.people, plan.exact, scope.sessions)


def ending_users(found: Sequence[Plan], reason: Reason) -> Act:
    """Return the act on all sessions of several users, by a plan for each."""
    if len(found) == 1:
        return ending(Kind.REVOKE, found[0], reason)
    people = sum(plan.people for plan in found)
    return Act(
        Kind.REVOKE,
        reason,
        people > limits.PEOPLE or any(plan.crowd for plan in found),
        {"users": [str(plan.without(None).user_id) for plan in found]},
        sum(plan.others for plan in found),
        people,
        all(plan.exact for plan in found),
    )


def refusing(rule: Rule, weight: Weight, reason: Reason) -> Act:
    """Return the act of putting a deny rule into force."""
    plan = weight.plan
    target = {"rule": _fields(rule), "seconds": rule.seconds}
    # More match than can be counted where the plan has no scope.
    return Act(Kind.RULE, reason, weight.crowd, target, plan.others, plan.people, plan.scope is not None)


def containing(
    incident: Incident, found: Outlook, seconds: float, actor: str, own: UUID | None = None
) -> Act:
    """Return the act of containing an incident."""
    target: dict[str, Any] = {
        "incident": str(incident.id),
        "filter": incident.text,
        "filters": list(incident.queries),
        "seconds": seconds,
    }
    if own:
        target["keep"] = str(own)
    plan = found.plan
    return Act(
        Kind.CONTAIN, incident.reason(actor), found.crowd, target, plan.others, plan.people, plan.exact
    )


def one(db: ReadOnlyDatabase, approval_id: UUID) -> Approval | None:
    """Return a request, or None if there is no such request."""
    return next(iter(APPROVALS.where(approval_id == APPROVAL_ID).first(db, 1)), None)


def summary(kind: str, target: dict[str, Any]) -> str:
    """Say what is asked for: "End everyone's sessions", "Refuse everybody from 203.0.113.0/24, on all sites"."""
    if kind == Kind.CONTAIN:
        return f"Contain an incident: {target['filter']}"
    if kind == Kind.RULE:
        rule = target["rule"]
        words = deny_rules.in_words(
            f"user {rule['user']}" if rule["user"] else "", rule["ip"], rule["device"], rule["site"]
        )
        return f"Refuse {words[0].lower()}{words[1:]}"
    verb = {Kind.REVOKE: "End", Kind.QUARANTINE: "Quarantine", Kind.RELEASE: "Release"}[Kind(kind)]
    if target.get("everyone"):
        return f"{verb} everyone's sessions"
    if target.get("user"):
        site = f" on {target['site']}" if target.get("site") else ""
        return f"{verb} all sessions of user {target['user']}{site}"
    if target.get("users"):
        return f"{verb} all sessions of users {', '.join(target['users'])}"
    if target.get("site"):
        return f"{verb} all sessions of {target['site']}"
    return f"{verb} the sessions of {target['filter']}" if target.get("filter") else f"{verb} chosen sessions"


def _fields(rule: Rule) -> dict[str, str | None]:
    user = str(rule.user_id) if rule.user_id else None
    return {"user": user, "site": rule.site, "ip": rule.network, "device": rule.device or None}
