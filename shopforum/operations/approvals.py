"""Two people for acts that reach far: what one owner asks for, a second owner approves, and then exactly that is done.

With `admin.two_people`, an owner alone reaches as far as a responder: no whole site, not everyone, and no more than a hundred
people within an hour. A wider act is stored as it was asked for: a revocation or a quarantine with its very sessions, a deny
rule with its fields, the containment of an incident, whose filter never changes. It waits for an hour. Another owner approves
it at the console, with a fresh password, and the approval is claimed in the transaction of the act: of two who approve at the
same time one does, and an act that fails leaves the request as it was.

Two ways go without a second owner, for emergencies: a code of an authenticator while FusionAuth is away (`break_glass.py`), and
the command line. Each such act first leaves a row in the audit log, with mail to the owners; the dashboard shows it for a day.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Connection,
    RowMapping,
    bindparam,
    case,
    func,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from ..core.database import Database, once_more
from ..core.listing import Listing
from ..core.permissions import OWNERS
from ..core.purge import Purge
from ..core.read_only_database import ReadOnlyDatabase
from ..core.rows import columns
from ..core.settings import read
from ..core.sites import ADMIN
from ..mail import outgoing
from ..mail.outgoing import Letter
from ..sessions import Client, Limit, Reason, Rule, Scope, Session, Sessions, TooFar, audit
from ..sessions import reach as session_reach
from ..sessions.audit import Event
from ..sessions.deny_rules import Maker
from ..sessions.reach import Claim
from ..sessions.vocabulary import EventName, InitiatingEntity
from . import approval_letters, deny_rules, incidents, limits, plans, tables, user_queries
from .deny_rules import Weight
from .incidents import Incident, Outlook
from .plans import Plan
from .settings import OperationsSettings
from .targets import Target

# Seconds in which a request can be approved.
LIFE = 3600
# Requests of one person within an hour: each is mailed to every other owner, who must not learn to approve without reading.
MOST = 20
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


class Waiting(Exception):
    """The act reaches too far for one person. It is stored and waits for a second owner; nothing else was changed."""

    def __init__(self, approval_id: UUID) -> None:
        super().__init__("This reaches far: a second owner has to approve it.")
        self.approval_id = approval_id


class TooManyRequests(Exception):
    """The person has asked for MOST approvals within the hour; nothing was stored. The text is for people."""

    def __init__(self) -> None:
        super().__init__(
            f"You have asked for {MOST} approvals within an hour. Nothing was changed: ask another owner to act, or wait."
        )


class NotWaiting(Exception):
    """The request cannot be decided by this person, or any more. Nothing was changed. The text is for people."""


@dataclass(frozen=True)
class Office:
    """The rules that the acts of a deployment go by: whether they take `two_people`, the console's address, and whether mail can be sent."""

    two_people: bool
    console: str
    mail: bool


def office(raw: Mapping[str, str], console: str) -> Office:
    """Read what the acts of a deployment go by from its settings. `console` is the console's address. Raises SettingsError."""
    return Office(read(OperationsSettings, raw).two_people, console, outgoing.parse(raw).on)


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
class Asker:
    """The one who acts. `unlimited`: has the permission for whole sites. `user_id` is the person behind it, who may not approve: the
    admin, or the maker of the token; `own` the admin, whose own sessions do not count. `names` are the person's other names in the
    audit log: the acts of an hour add up over them all. `alone` names the emergency way that needs no second owner, or is empty.
    """

    actor: str
    client: Client
    unlimited: bool
    user_id: UUID | None = None
    own: UUID | None = None
    names: frozenset[str] = frozenset()
    alone: str = ""


@dataclass(frozen=True)
class Approval:
    """A request for approval. `state` is WAITING, APPROVED, REFUSED, WITHDRAWN or EXPIRED; `named` counts the sessions that it names
    by id. `made_id` is the revocation that was approved, or the rule; of a containment what came first.
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
    def incident_id(self) -> UUID | None:
        """The incident to contain, or None."""
        return UUID(self.target["incident"]) if "incident" in self.target else None


@dataclass(frozen=True)
class View:
    """A request as it would be carried out now: the `plan` of its sessions, or the sessions that its rule refuses; the rule, if there is
    one, and the incident.
    """

    approval: Approval
    plan: Plan
    rule: Rule | None = None
    incident: Incident | None = None


@dataclass
class _Done:
    """The outcome of an approval: whether the request was claimed, and the receipts of what was done."""

    claimed: bool = False
    revocations: list[UUID] = field(default_factory=list)


_a = tables.approvals
APPROVAL_ID = _a.c.id
_IS_WAITING = "decided_at IS NULL AND expires_at > now()"
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


def _row(row: RowMapping) -> Approval:
    return Approval(**{**row, "kind": Kind(row["kind"])})


APPROVALS = Listing(
    select(*(_COMPUTED[name] if name in _COMPUTED else _a.c[name] for name in columns(Approval))),
    (_a.c.created_at, APPROVAL_ID),
    _row,
)

_SESSIONS = text("SELECT sessions FROM approvals WHERE id = :id")

# What was over by time makes room for the same request.
_EXPIRE = text(
    f"""UPDATE approvals SET decided_at = expires_at, outcome = '{EXPIRED}'
    WHERE digest = :digest AND decided_at IS NULL AND expires_at <= now()"""
)

_ASK = text(
    f"""INSERT INTO approvals (expires_at, kind, target, sessions, matched, people, exact, digest, actor, user_id, address, agent,
      request_id, reason_code, reason_admin, reason_user)
    VALUES (clock_timestamp() + interval '{LIFE} seconds', :kind, :target, CAST(:sessions AS uuid[]), :matched, :people, :exact,
      :digest, :actor, :user_id, CAST(:address AS inet), :agent, :request_id, :code, :admin, :user)
    ON CONFLICT (digest) WHERE decided_at IS NULL DO NOTHING RETURNING id"""
).bindparams(bindparam("target", type_=JSONB))

_ASKED_WITHIN_THE_HOUR = text(
    """SELECT count(*) FROM approvals WHERE actor = ANY (CAST(:actors AS text[]))
    AND created_at > clock_timestamp() - interval '1 hour'"""
)

_SAME = text("SELECT id FROM approvals WHERE digest = :digest AND decided_at IS NULL")

# The second of two who decide at the same time waits here, and finds nothing.
_DECIDE = text(
    f"""UPDATE approvals SET decided_at = clock_timestamp(), decided_by = :by, outcome = :outcome, made_id = :made_id
    WHERE id = :id AND {_IS_WAITING} AND (user_id = CAST(:user_id AS uuid)) IS DISTINCT FROM :by_another RETURNING id"""
)


def ending(kind: Kind, plan: Plan, reason: Reason, *, own: UUID | None = None, keep_own: bool = True) -> Act:
    """Return the act on a plan's sessions. `own` is the actor's session, which stays where `keep_own`. Quarantine has no gate: it
    is of the sessions that the plan has found.
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
    target = {"incident": str(incident.id), "filter": incident.chosen.text, "seconds": seconds}
    if own:
        target["keep"] = str(own)
    plan = found.plan
    return Act(
        Kind.CONTAIN, incident.reason(actor), found.crowd, target, plan.others, plan.people, plan.exact
    )


@contextmanager
def within(
    office: Office, db: Database, read_db: ReadOnlyDatabase, asker: Asker, act: Act
) -> Iterator[Limit | None]:
    """Give the limit within which the act may be carried out at once.

    Raises Waiting, and stores the request, where a second owner has to approve: because of the act itself, or because it raises
    TooFar with what the actor has done within the hour. Raises TooManyRequests.
    """
    if not office.two_people:
        yield limits.limit(unlimited=asker.unlimited, own=asker.own)
        return
    if not asker.unlimited:
        yield limits.limit(unlimited=False, own=asker.own, names=asker.names)
        return
    if asker.alone:
        if takes_two(db, asker, act):
            note_alone(office, db, read_db, asker, act)
        yield None
        return
    if not act.crowd:
        try:
            yield limits.alone(asker.own, asker.names)
        except TooFar:
            # With what the actor has done within the hour.
            pass
        else:
            return
    raise Waiting(ask(office, db, read_db, asker, act))


@once_more
def takes_two(db: Database, asker: Asker, act: Act) -> bool:
    """Return whether an act reaches too far for one person, by itself or with what the person has done within the hour."""
    if act.crowd:
        return True
    with db.transaction() as connection:
        before = session_reach.people_within_the_hour(connection, [asker.actor, *asker.names], asker.own)
    return before + act.people > limits.PEOPLE


def ask(office: Office, db: Database, read_db: ReadOnlyDatabase, asker: Asker, act: Act) -> UUID:
    """Store a request and tell the other owners by mail; return its id. The same request that waits already is not stored again.

    Raises TooManyRequests.
    """
    letters = _letters(office, read_db, asker, partial(approval_letters.asked, summary(act.kind, act.target)))
    return _ask(db, asker, act, letters)


def note_alone(office: Office, db: Database, read_db: ReadOnlyDatabase, asker: Asker, act: Act) -> None:
    """Write down that somebody is about to act without a second owner, and tell the owners by mail."""
    what = summary(act.kind, act.target)
    letters = _letters(office, read_db, asker, partial(approval_letters.alone, what, asker.alone))
    _note(db, _event(EventName.ACTED_ALONE, asker, {**_facts(act), "way": asker.alone}), letters)


def one(db: ReadOnlyDatabase, approval_id: UUID) -> Approval | None:
    """Return a request, or None if there is no such request."""
    return next(iter(APPROVALS.where(approval_id == APPROVAL_ID).first(db, 1)), None)


def view(db: ReadOnlyDatabase, approval: Approval, own: UUID | None = None) -> View:
    """Return what a request would do now. `own` is the reader's session."""
    rule = approval.rule
    if rule is not None:
        return View(approval, deny_rules.weigh(db, rule, own).plan, rule)
    if approval.incident_id is not None:
        incident = _incident(db, approval)
        found = incidents.outlook(db, incident, approval.seconds, own)
        return View(approval, found.plan, found.rule, incident)
    scope = _scope(db, approval)
    target = Target(scope.sessions, scope.user_id, None, scope.site, None, scope.everyone)
    quarantined = {Kind.QUARANTINE: False, Kind.RELEASE: True}.get(approval.kind)
    return View(approval, plans.make(db, target, own, quarantined=quarantined))


def approve(
    sessions: Sessions, db: ReadOnlyDatabase, approval: Approval, by: Session, client: Client
) -> UUID | None:
    """Carry out what was asked for; return the id of its (last) revocation, or None where it ended nothing.

    Raises NotWaiting where `by` asked for it, or where it is decided or expired; ShutOut where a deny rule would refuse the one
    who asked. Nothing was changed then, and after ShutOut the request still waits.
    """
    done = _Done()
    claim = partial(_claim, approval, by, client, done)
    told = {session_reach.APPROVED: str(approval.id), "approved_by": by.actor}
    _carry_out(sessions, db, approval, claim, told, done)
    if not done.claimed:
        # There was nothing left to do.
        _decide(sessions.db, claim)
    return done.revocations[-1] if done.revocations else None


def refuse(db: Database, approval: Approval, by: Session, client: Client) -> str:
    """Refuse a request, or withdraw it where it is one's own; return the outcome. Raises NotWaiting."""
    own = approval.user_id == by.user_id
    outcome = WITHDRAWN if own else REFUSED
    name = EventName.APPROVAL_WITHDRAWN if own else EventName.APPROVAL_REFUSED
    _decide(db, partial(_settle, approval, by, client, outcome, name))
    return outcome


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
    if target.get("site"):
        return f"{verb} all sessions of {target['site']}"
    return f"{verb} the sessions of {target['filter']}" if target.get("filter") else f"{verb} chosen sessions"


def _carry_out(
    sessions: Sessions,
    db: ReadOnlyDatabase,
    approval: Approval,
    claim: Claim,
    told: dict[str, str],
    done: _Done,
) -> None:
    reason, client, maker = approval.reason, approval.client, Maker(approval.user_id, ADMIN)
    keep = UUID(approval.target["keep"]) if "keep" in approval.target else None
    rule = approval.rule
    if rule is not None:
        reached = deny_rules.weigh(db, rule, None).plan.ids
        sessions.add_rule(rule, reason, client, maker=maker, reached=reached, detail=told, claim=claim)
    elif approval.incident_id is not None:
        incident = _incident(db, approval)
        if incident.closed_at:
            raise NotWaiting("The incident is closed. Nothing was changed.")
        found = incidents.contain(
            sessions,
            db,
            incident,
            approval.actor,
            client,
            seconds=approval.seconds,
            own=keep,
            maker=maker,
            claim=claim,
            more=told,
        )
        done.revocations.extend(found.revocations)
    elif approval.kind == Kind.REVOKE:
        scope = _scope(db, approval)
        done.revocations.append(
            sessions.revoke(scope, reason, client, except_session=keep, detail=told, claim=claim)
        )
    else:
        put = sessions.quarantine if approval.kind == Kind.QUARANTINE else sessions.release
        put(_scope(db, approval).sessions, reason, client, claim=claim)


def _scope(db: ReadOnlyDatabase, approval: Approval) -> Scope:
    target = approval.target
    user_id = UUID(target["user"]) if "user" in target else None
    if target.get("everyone") or target.get("site") or user_id:
        return Scope((), user_id, target.get("site"), target.get("everyone", False))
    ids = db.only(_SESSIONS, id=approval.id)["sessions"]
    return Scope(tuple(ids), filter_text=target.get("filter", ""))


def _incident(db: ReadOnlyDatabase, approval: Approval) -> Incident:
    found = incidents.one(db, approval.incident_id) if approval.incident_id else None
    if found is None:
        raise NotWaiting("There is no such incident. Nothing was changed.")
    return found


@once_more
def _ask(db: Database, asker: Asker, act: Act, letters: list[Letter]) -> UUID:
    values = {
        "kind": act.kind,
        "target": act.target,
        "sessions": list(act.sessions),
        "matched": act.matched,
        "people": act.people,
        "exact": act.exact,
        "digest": _digest(asker, act),
        "actor": asker.actor,
        "user_id": asker.user_id,
        "address": asker.client.address,
        "agent": asker.client.agent,
        "request_id": asker.client.request_id,
        "code": act.reason.code,
        "admin": act.reason.admin,
        "user": act.reason.user,
    }
    with db.transaction() as connection:
        connection.execute(_EXPIRE, {"digest": values["digest"]})
        made: UUID | None = connection.execute(_ASK, values).scalar()
        if made is None:
            there: UUID = connection.execute(_SAME, {"digest": values["digest"]}).scalar_one()
            return there
        asked = {"actors": [asker.actor, *asker.names]}
        if connection.execute(_ASKED_WITHIN_THE_HOUR, asked).scalar_one() > MOST:
            raise TooManyRequests
        detail = {"approval": str(made), **_facts(act)}
        audit.write(connection, _event(EventName.APPROVAL_ASKED, asker, detail))
        for letter in letters:
            outgoing.queue(connection, letter)
    return made


@once_more
def _note(db: Database, event: Event, letters: list[Letter]) -> None:
    with db.transaction() as connection:
        audit.write(connection, event)
        for letter in letters:
            outgoing.queue(connection, letter)


@once_more
def _decide(db: Database, claim: Claim) -> None:
    with db.transaction() as connection:
        claim(connection, None)


def _claim(
    approval: Approval, by: Session, client: Client, done: _Done, connection: Connection, made_id: UUID | None
) -> None:
    _settle(approval, by, client, APPROVED, EventName.APPROVAL_GIVEN, connection, made_id)
    done.claimed = True


def _settle(
    approval: Approval,
    by: Session,
    client: Client,
    outcome: str,
    name: str,
    connection: Connection,
    made_id: UUID | None,
) -> None:
    """Decide a request in the caller's transaction. Only another person than the one who asked approves or refuses it, only the one
    who asked withdraws it. Raises NotWaiting.
    """
    values = {
        "id": approval.id,
        "by": by.actor,
        "outcome": outcome,
        "user_id": by.user_id,
        "made_id": made_id,
    }
    if not connection.execute(_DECIDE, {**values, "by_another": outcome != WITHDRAWN}).first():
        raise NotWaiting(
            "This was decided meanwhile, has expired, or is your own request. Nothing was changed."
        )
    event = Event(
        name,
        ADMIN,
        client,
        initiating_entity=InitiatingEntity.ADMIN,
        actor=by.actor,
        user_id=by.user_id,
        session_id=by.id,
        detail={"approval": str(approval.id), "asked_by": approval.actor, "kind": approval.kind},
    )
    audit.write(connection, event)


def _letters(
    office: Office,
    db: ReadOnlyDatabase,
    asker: Asker,
    write: Callable[[str, str, str, str], tuple[str, str, str]],
) -> list[Letter]:
    """Return the letters to the owners who were at the console lately, without the one who asks."""
    if not office.mail:
        return []
    owners = [each for each in user_queries.holders(db, ADMIN, OWNERS) if each.user_id != asker.user_id]
    found = []
    for owner in owners:
        subject, plain, html = write(
            owner.user_name, asker.actor, asker.client.address or "unknown", office.console
        )
        found.append(Letter(owner.user_email, subject, plain, html, ADMIN, owner.user_id))
    return found


def _event(name: str, asker: Asker, detail: dict[str, Any]) -> Event:
    return Event(
        name,
        ADMIN,
        asker.client,
        initiating_entity=InitiatingEntity.ADMIN,
        actor=asker.actor,
        user_id=asker.user_id,
        detail=detail,
    )


def _facts(act: Act) -> dict[str, Any]:
    """Return an act as the audit log has it."""
    return {
        "kind": act.kind,
        "typed": summary(act.kind, act.target),
        "count": act.matched,
        "people": act.people,
        "sessions": [str(one) for one in act.sessions[: audit.NAMED]],
        "reason": act.reason.code,
        "reason_admin": act.reason.admin,
    }


def _fields(rule: Rule) -> dict[str, str | None]:
    user = str(rule.user_id) if rule.user_id else None
    return {"user": user, "site": rule.site, "ip": rule.network, "device": rule.device or None}


def _digest(asker: Asker, act: Act) -> str:
    """Return the SHA-256, in hex, of the act and its actor."""
    content = [asker.actor, act.kind, act.target, plans.digest(act.sessions), *vars(act.reason).values()]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
