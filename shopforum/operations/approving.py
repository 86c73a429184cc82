"""Approve or refuse what another owner has asked for.

Another owner approves a request at the console, with a fresh password. The approval is claimed in the transaction of the act: of
two who approve at the same time one does, and an act that fails leaves the request as it was.

In the same transaction the one who asked must still have the right to: the console's session that it was asked with was not revoked
since, the person is still an owner and refused by no deny rule, and the API token that it was asked with is still good. So a
request of a thief whose session was ended, or of an owner who has left, is approved by nobody.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from uuid import UUID

from sqlalchemy import Connection, text

from ..core.database import Database, once_more
from ..core.permissions import OWNERS
from ..core.read_only_database import ReadOnlyDatabase
from ..core.sites import ADMIN
from ..sessions import Authority, AuthorityUnavailable, Client, Scope, Session, Sessions, audit, live
from ..sessions import deny_rules as session_rules
from ..sessions import reach as session_reach
from ..sessions.audit import Event
from ..sessions.deny_rules import Maker
from ..sessions.reach import Claim
from ..sessions.vocabulary import ORDINARY_ENDS, EventName, InitiatingEntity
from . import containing, deny_rules, incidents, plans
from .approvals import APPROVED, REFUSED, WITHDRAWN, Approval, Kind
from .filters import SessionFilter
from .incidents import Incident
from .plans import Plan
from .targets import Target

# Returns why an API token, named by its id, is not good any more; empty for one that is. Called within the act's transaction.
TokenCheck = Callable[[Connection, UUID], str]


class NotWaiting(Exception):
    """The request cannot be decided by this person, or any more. Nothing was changed. The text is for people."""


class FilterRemoved(NotWaiting):
    """The incident has lost a filter that the request is about."""


class AskerLostRight(Exception):
    """The one who asked could not ask for it now, so nobody can approve it. Nothing was changed. The text, the reason, is for people."""


@dataclass(frozen=True)
class View:
    """A request as it would be carried out now: the `plan` of its sessions, or the sessions that its rule refuses."""

    approval: Approval
    plan: Plan


@dataclass
class _Done:
    """The outcome of an approval: whether the request was claimed, and the receipts of what was done."""

    claimed: bool = False
    revocations: list[UUID] = field(default_factory=list)


_IS_WAITING = "decided_at IS NULL AND expires_at > now()"

# A session that its owner has left, or that has idled out, was good to the end. Without the row there is nothing to tell by. The act
# itself, `:made_id`, may end the session, too.
_OWN_END = "coalesce(s.revocation_id = CAST(:made_id AS uuid), false)"
_OWN_GATE = f"coalesce(({live.CLOSED_GATE}) = CAST(:made_id AS uuid), false)"
_SESSION_LOST = text(
    f"""SELECT CASE
      WHEN s.id IS NULL THEN 'There is nothing left to tell by whether the session was good that it was asked with.'
      WHEN s.ended_at IS NULL AND s.quarantined_at IS NOT NULL THEN 'The session that it was asked with is in quarantine.'
      WHEN (s.ended_at IS NOT NULL AND s.end_reason <> ALL (CAST(:harmless AS text[])) AND NOT {_OWN_END})
        OR (s.ended_at IS NULL AND {live.GATED} AND NOT {_OWN_GATE})
        THEN 'The session that it was asked with was revoked since.'
      WHEN {session_rules.shuts_out("s.user_id", ADMIN)} THEN 'A deny rule refuses the owner who asked.'
      WHEN NOT (SELECT n.roles && CAST(:owners AS text[]) FROM sessions n WHERE n.user_id = s.user_id AND n.site = '{ADMIN}'
        ORDER BY n.created_at DESC LIMIT 1) THEN 'The one who asked is no owner of the console any more.'
      ELSE '' END AS why
    FROM (SELECT CAST(:session_id AS uuid) AS id) asked LEFT JOIN sessions s ON s.id = asked.id"""
)

_SESSIONS = text("SELECT sessions FROM approvals WHERE id = :id")

# The second of two who decide at the same time waits here, and finds nothing.
_DECIDE = text(
    f"""UPDATE approvals SET decided_at = clock_timestamp(), decided_by = :by, outcome = :outcome, made_id = :made_id
    WHERE id = :id AND {_IS_WAITING} AND (user_id = CAST(:user_id AS uuid)) IS DISTINCT FROM :by_another RETURNING id"""
)


def view(db: ReadOnlyDatabase, approval: Approval, own: UUID | None = None) -> View:
    """Return what a request would do now. `own` is the reader's session."""
    rule = approval.rule
    if rule is not None:
        return View(approval, deny_rules.weigh(db, rule, own).plan)
    if approval.incident_id is not None:
        asked = _asked(approval, _incident(db, approval))
        return View(approval, plans.make(db, Target(any_of=asked.queries), own))
    if approval.users:
        queries = [SessionFilter(user=str(user_id)).query() for user_id in approval.users]
        return View(approval, plans.make(db, Target(any_of=tuple(queries)), own))
    scope = _scope(db, approval)
    target = Target(scope.sessions, scope.user_id, site=scope.site, everyone=scope.everyone)
    quarantined = {Kind.QUARANTINE: False, Kind.RELEASE: True}.get(approval.kind)
    return View(approval, plans.make(db, target, own, quarantined=quarantined))


def approve(
    sessions: Sessions,
    db: ReadOnlyDatabase,
    approval: Approval,
    by: Session,
    client: Client,
    token_lost: TokenCheck,
) -> UUID | None:
    """Carry out what was asked for; return the id of its (last) revocation, or None where it ended nothing.

    Raises NotWaiting where `by` asked for it, or where it is decided or expired; AskerLostRight; ShutOut where a deny rule would
    refuse the one who asked. Nothing was changed then, and after the last two the request still waits.
    """
    _check_roles(sessions.authority, approval)
    why = right_lost(sessions.db, approval, token_lost)
    if why:
        raise AskerLostRight(why)
    done = _Done()
    claim = partial(_claim, approval, by, client, token_lost, done)
    told = {session_reach.APPROVED: str(approval.id), "approved_by": by.actor}
    _carry_out(sessions, db, approval, claim, told, done)
    if not done.claimed:
        # There was nothing left to do.
        _decide(sessions.db, claim)
    return done.revocations[-1] if done.revocations else None


@once_more
def right_lost(db: Database, approval: Approval, token_lost: TokenCheck) -> str:
    """Return why nobody can approve a request, by what is stored here; empty where somebody can."""
    with db.transaction() as connection:
        return _lost(connection, approval, token_lost, None)


def refuse(db: Database, approval: Approval, by: Session, client: Client) -> str:
    """Refuse a request, or withdraw it where it is one's own; return the outcome. Raises NotWaiting."""
    own = approval.user_id == by.user_id
    outcome = WITHDRAWN if own else REFUSED
    name = EventName.APPROVAL_WITHDRAWN if own else EventName.APPROVAL_REFUSED
    _decide(db, partial(_settle, approval, by, client, outcome, name))
    return outcome


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
        asked = _asked(approval, incident)
        if not {*asked.queries} <= {*incident.queries}:
            raise FilterRemoved(
                "A filter was removed from the incident after this was asked for. Nothing was changed: ask again."
            )
        try:
            found = containing.contain(
                sessions,
                db,
                asked,
                approval.actor,
                client,
                seconds=approval.seconds,
                own=keep,
                maker=maker,
                claim=claim,
                more=told,
            )
        except incidents.IncidentChanged as error:
            raise FilterRemoved(str(error)) from None
        done.revocations.extend(found.revocations)
    elif approval.users:
        scopes = [Scope(user_id=user_id) for user_id in approval.users]
        done.revocations.extend(sessions.revoke_all(scopes, reason, client, detail=told, claim=claim))
    elif approval.kind == Kind.REVOKE:
        scope = _scope(db, approval)
        done.revocations.append(
            sessions.revoke(scope, reason, client, except_session=keep, detail=told, claim=claim)
        )
    else:
        put = sessions.quarantine if approval.kind == Kind.QUARANTINE else sessions.release
        put(_scope(db, approval).sessions, reason, client, detail=told, claim=claim)


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


def _asked(approval: Approval, incident: Incident) -> Incident:
    """Return an incident with just the filters that were asked for. A request from before incidents had several is about the first."""
    first, *more = approval.target.get("filters", [incident.filter])
    return replace(incident, filter=first, more_filters=more)


@once_more
def _decide(db: Database, claim: Claim) -> None:
    with db.transaction() as connection:
        claim(connection, None)


def _check_roles(authority: Authority, approval: Approval) -> None:
    """Ask the identity provider whether the person who asked is still an owner. Raises AskerLostRight. While the provider cannot be
    asked, the roles count that it has last given (`_lost`): the console has to work in an outage.
    """
    if approval.user_id is None:
        return
    try:
        roles = authority.roles(approval.user_id)
    except AuthorityUnavailable:
        return
    if not OWNERS & {*(roles or ())}:
        raise AskerLostRight("The one who asked is no owner of the console any more.")


def _lost(connection: Connection, approval: Approval, token_lost: TokenCheck, made_id: UUID | None) -> str:
    """Return why the one who asked could not ask now; empty where it could. `made_id` is the revocation that this transaction makes."""
    if approval.token_id is not None:
        return token_lost(connection, approval.token_id)
    values = {
        "session_id": approval.session_id,
        "made_id": made_id,
        "harmless": list(ORDINARY_ENDS),
        "owners": sorted(OWNERS),
    }
    why: str = connection.execute(_SESSION_LOST, values).scalar_one()
    return why


def _claim(
    approval: Approval,
    by: Session,
    client: Client,
    token_lost: TokenCheck,
    done: _Done,
    connection: Connection,
    made_id: UUID | None,
) -> None:
    why = _lost(connection, approval, token_lost, made_id)
    if why:
        raise AskerLostRight(why)
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
