"""The state of an incident: what is alive of its filters, what its acts have ended and refused, and the people to notify.

It is read from the audit log, whose rows name the incident, and from the sessions themselves.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, func, or_, select, text

from ..core.listing import Listing
from ..core.read_only_database import ReadOnlyDatabase
from ..sessions import tables as session_tables
from ..sessions.vocabulary import EventName
from . import (
    act_queries,
    audit_queries,
    counts,
    deny_rules,
    incidents,
    revocation_queries,
    session_queries,
)
from .deny_rules import DenyRuleRow
from .incidents import Incident
from .rows import ActRow, Affected, AuditRow, Receipt

# Rows of the audit log that an incident's page shows.
MOST = 200


_MOST_ACTS = 1000


# People that a page shows; the list to notify has them all.
SHOWN = 50


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
        said = [rule.columns() for rule in incidents.rules_of(self.incident, 1)]
        return [
            row for row in self.rules if row.state == deny_rules.IN_FORCE and row.rule.columns() not in said
        ]


_a = session_tables.audit_log
_INCIDENT_OF = text("(detail ->> 'incident') = :incident AND detail ? 'incident'")


_ENDED = text(
    """SELECT now() AS checked_at, count(DISTINCT s.id) AS ended, count(DISTINCT s.user_id) AS people,
      coalesce(sum(f.count), 0)::bigint AS uses, max(f.last_at) AS last_use_at
    FROM sessions s LEFT JOIN session_flags f ON f.session_id = s.id AND f.kind = 'session_use_after_expire'
    WHERE s.revocation_id = ANY (CAST(:ids AS uuid[]))"""
)


def events(incident: Incident) -> Listing[AuditRow]:
    """Return the list of an incident's acts and notes, newest first."""
    return audit_queries.AUDIT.where(_INCIDENT_OF.bindparams(incident=str(incident.id)))


def acts(db: ReadOnlyDatabase, incident: Incident) -> list[AuditRow]:
    """Return the rows of an incident's revocations and deny rules, newest first, at most a thousand."""
    kinds = (EventName.TOKEN_REVOKED, EventName.DENY_RULE_ADDED)
    return events(incident).where(_a.c.event.in_(kinds)).first(db, _MOST_ACTS)


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


def _revocations(found: Sequence[AuditRow]) -> list[UUID]:
    return list(dict.fromkeys(row.revocation_id for row in found if row.revocation_id))
