"""Read the audit log: by filter, of a session, of a user."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Column, ColumnElement, and_, cast, func, literal_column, select, text
from sqlalchemy.dialects.postgresql import INET

from ..core.database import Database, ResultRow
from ..core.ids import parse_uuid
from ..core.listing import Listing
from ..core.read_only_database import ReadOnlyDatabase
from ..core.rows import columns
from ..sessions import audit_chain, tables
from ..sessions.audit_chain import Head
from ..sessions.vocabulary import EventName
from . import session_queries
from .event_groups import events_of
from .filters import AuditFilter
from .rows import AuditRow, SessionRow

_a = tables.audit_log
AUDIT_ID: Column[Any] = _a.c.id

# The reason of an act, and the condition under which it has one: that of the index on these rows.
_REASON: ColumnElement[Any] = literal_column("(audit_log.detail ->> 'reason_admin')")
_REASONED: ColumnElement[bool] = literal_column("(audit_log.detail ->> 'reason_admin') <> ''")

_OF_CALL = text(
    f"""SELECT revocation_id, detail ->> 'rule' AS rule FROM audit_log
    WHERE actor = :actor AND request_id = :request_id
      AND (revocation_id IS NOT NULL OR event = '{EventName.DENY_RULE_ADDED}') LIMIT 1"""
)

# A row that a worker would have sealed long ago.
_UNSEALED = text("SELECT 1 FROM audit_log WHERE seq IS NULL AND at < now() - interval '5 seconds' LIMIT 1")

# Rows that one statement of a whole export reads.
_STEP = 2000

# Those of an act, and those that a restore had lost and that were applied again under another id.
_KNOWN = text(
    f"""SELECT revocation_id AS id FROM audit_log WHERE revocation_id = ANY (CAST(:ids AS uuid[]))
    UNION SELECT CAST(detail ->> 'revocation' AS uuid) FROM audit_log
    WHERE event = '{EventName.TOKEN_REVOKED}' AND detail ? 'applied_again'"""
)

_LOGINS = (
    EventName.SESSION_CREATED,
    EventName.LOGIN_FAIL,
    EventName.LOGIN_FAIL_MAX,
    EventName.LOGIN_LOCK,
    EventName.SESSION_LOGOUT,
)


def _row(row: ResultRow) -> AuditRow:
    return AuditRow(**row)


# All rows without their seal, newest first; and the sealed ones by their number, the newest first.
AUDIT = Listing(select(*(_a.c[name] for name in columns(AuditRow))), (AUDIT_ID,), _row)
SEALED = Listing(AUDIT.statement.where(_a.c.seq.is_not(None)), (_a.c.seq,), _row)


def listing(db: ReadOnlyDatabase, chosen: AuditFilter) -> Listing[AuditRow]:
    """Return the rows that match a filter, newest first. Looks up people, and whether a whole actor is meant."""
    found = AUDIT
    if chosen.event:
        names = events_of(chosen.event)
        found = found.where(_a.c.event == names[0] if len(names) == 1 else _a.c.event.in_(names))
    for column, value in (
        (_a.c.session_id, chosen.session),
        (_a.c.request_id, chosen.request),
        (_a.c.site, chosen.site),
    ):
        if value:
            found = found.where(column == value)
    if chosen.user:
        found = found.where(_about(db, chosen.user))
    if chosen.actor:
        found = found.where(_by(db, chosen.actor))
    if chosen.ip:
        found = found.where(_a.c.address.op("<<=")(cast(chosen.ip, INET)))
    if chosen.note:
        found = found.where(_REASONED, session_queries.contains(_REASON, chosen.note))
    if chosen.since:
        found = found.where(_a.c.at >= chosen.since)
    if chosen.until:
        found = found.where(_a.c.at < chosen.until)
    return found


def _about(db: ReadOnlyDatabase, wanted: str) -> ColumnElement[bool]:
    """Match the rows about a person. An id needs no session: those of old users may be purged."""
    user_id = parse_uuid(wanted)
    if user_id:
        return _a.c.user_id == user_id
    return _a.c.user_id == func.any(session_queries.ids_of(session_queries.people(db, wanted)))


def _by(db: ReadOnlyDatabase, wanted: str) -> ColumnElement[bool]:
    """Match the rows of an actor: by the whole name where somebody has it, which has an index, otherwise by a part of it."""
    whole = _a.c.actor == wanted
    if db.one(select(AUDIT_ID).where(whole, _a.c.actor != "").limit(1)):
        return whole
    return and_(_a.c.actor != "", session_queries.contains(_a.c.actor, wanted))


def oldest_first(db: Database) -> Iterator[AuditRow]:
    """Yield the whole audit log, oldest first, in steps: no connection is held in between."""
    after = 0
    while rows := db.all(AUDIT.statement.where(after < AUDIT_ID).order_by(AUDIT_ID).limit(_STEP)):
        yield from map(_row, rows)
        after = rows[-1]["id"]


def sealed_rows(
    events: Sequence[str] = (), session_id: UUID | None = None, user_id: UUID | None = None
) -> Listing[AuditRow]:
    """Return the sealed rows by their numbers, newest first: all, or those of some events, of a session, of a user."""
    found = SEALED
    if events:
        found = found.where(_a.c.event.in_(events))
    if session_id:
        found = found.where(_a.c.session_id == session_id)
    if user_id:
        found = found.where(_a.c.user_id == user_id)
    return found


def following(db: ReadOnlyDatabase, listing: Listing[AuditRow], after: int) -> list[AuditRow]:
    """Return the next sealed rows of a list after a number, oldest first, at most 500."""
    statement = listing.statement.where(_a.c.seq > after).order_by(_a.c.seq)
    return [_row(row) for row in db.all(statement.limit(500))]


def has_unsealed(db: ReadOnlyDatabase) -> bool:
    """Return whether a row waits for its seal longer than a running worker takes."""
    return db.one(_UNSEALED) is not None


@dataclass(frozen=True)
class Made:
    """A thing that a request has made: a revocation or a deny rule."""

    revocation_id: UUID | None
    rule_id: UUID | None


def made_by_call(db: Database, actor: str, request_id: str) -> Made | None:
    """Return what an actor's request has made, or None."""
    row = db.one(_OF_CALL, actor=actor, request_id=request_id)
    return None if row is None else Made(row["revocation_id"], row["rule"] and UUID(row["rule"]))


def known_revocations(db: ReadOnlyDatabase, ids: Sequence[UUID]) -> set[UUID]:
    """Return which of these revocations the audit log knows, with all that `shopforum recover` has applied again."""
    return {row["id"] for row in db.all(_KNOWN, ids=[*ids])}


def of_session(db: ReadOnlyDatabase, session: SessionRow) -> list[AuditRow]:
    """Return a session's rows, latest first, at most 100: its own and those of the revocation that ended it."""
    found = AUDIT.where(_a.c.session_id == session.id).first(db, 100)
    if session.revocation_id:
        seen = {row.id for row in found}
        ended = AUDIT.where(_a.c.revocation_id == session.revocation_id).first(db, 20)
        found += [row for row in ended if row.id not in seen]
        found.sort(key=lambda row: row.id, reverse=True)
    return found


def of_user(db: ReadOnlyDatabase, user_id: UUID) -> list[AuditRow]:
    """Return the latest 30 rows about a user."""
    return AUDIT.where(_a.c.user_id == user_id).first(db, 30)


def new_devices(db: ReadOnlyDatabase, session_ids: Sequence[UUID]) -> set[UUID]:
    """Return those of the sessions that began with a device that was new to their user."""
    found = select(_a.c.session_id).where(
        _a.c.session_id == func.any(session_queries.ids_of(session_ids)),
        _a.c.event == EventName.LOGIN_SUCCESS,
        _a.c.detail["new_device"].as_string() == "true",
    )
    return {row["session_id"] for row in db.all(found)} if session_ids else set()


def logins_of_user(db: ReadOnlyDatabase, user_id: UUID) -> list[AuditRow]:
    """Return the latest 15 logins, failed logins and logouts of a user, among the latest thousand rows about the user: an
    index has the user's rows, none has the user's logins.
    """
    latest = select(AUDIT_ID).where(_a.c.user_id == user_id).order_by(AUDIT_ID.desc()).limit(1000)
    return AUDIT.where(AUDIT_ID.in_(latest), _a.c.event.in_(_LOGINS)).first(db, 15)


def sealed(db: Database) -> Head:
    """Return how far the audit log is sealed: a number, and a seal that stands for all rows up to it."""
    return audit_chain.head(db)
