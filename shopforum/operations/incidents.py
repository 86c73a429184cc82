"""Incidents: what happened and whom it concerns, in one place.

An incident names sessions by one filter or several: those that match any. `containing.py` ends them and refuses what matches;
`incident_reports.py` shows how an incident stands. The acts and the notes of an incident are rows of
the audit log, whose detail names the incident: they are sealed, and an act is never without its row.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column, insert, or_, select, text

from ..core.database import Database, ResultRow, once_more
from ..core.listing import Listing
from ..core.read_only_database import ReadOnlyDatabase
from ..core.rows import columns
from ..sessions import Client, Reason, Rule, audit
from ..sessions.audit import Event
from ..sessions.vocabulary import EventName, InitiatingEntity
from . import (
    deny_rules,
    session_queries,
    tables,
    user_queries,
)
from .filters import SessionFilter, parse_query

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


_i = tables.incidents


INCIDENT_ID: Column[Any] = _i.c.id


def _incident(row: ResultRow) -> Incident:
    return Incident(**row)


INCIDENTS = Listing(
    select(*(_i.c[name] for name in columns(Incident))), (_i.c.created_at, INCIDENT_ID), _incident
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


def named(db: ReadOnlyDatabase, chosen: SessionFilter) -> SessionFilter:
    """Return the filter with a whole e-mail address of one user replaced by the user's id, so that a deny rule can say the same."""
    users = user_queries.of_email(db, chosen.user) if "@" in chosen.user[1:] else []
    return replace(chosen, user=str(users[0])) if len(users) == 1 else chosen


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


def rules_of(incident: Incident, seconds: float) -> list[Rule]:
    """Return the rules that refuse for so many seconds what matches a filter of the incident; none for a filter that no rule says the
    same as.
    """
    found = [deny_rules.of_filter(chosen) for chosen in incident.filters]
    return [deny_rules.make(seconds, **fields) for fields in found if fields]


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
