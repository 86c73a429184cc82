"""Reading what was done: the audit trail, and revocations with what the identity provider has said to them."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Column, RowMapping, Select, func, select, text

from ..core.database import Database
from ..core.read_only_database import ReadOnlyDatabase
from ..sessions import audit_chain, tables
from ..sessions.audit_chain import Head
from . import labels, session_queries
from .filters import AuditFilter

_a = tables.audit_log
AUDIT_ID: Column[Any] = _a.c.id
SEQ: Column[Any] = _a.c.seq
REVOKED_AT: Column[Any] = tables.revocations.c.created_at
REVOCATION_ID: Column[Any] = tables.revocations.c.id


def rows() -> Select[Any]:
    """The rows of the trail as pages show them: all but the seal."""
    return select(*(column for column in _a.c if column.name != "mac"))


def audit(chosen: AuditFilter) -> Select[Any]:
    """The rows of the trail that a filter leaves, to be paged."""
    statement = rows()
    if chosen.event:
        names = labels.events(chosen.event)
        statement = statement.where(_a.c.event == names[0] if len(names) == 1 else _a.c.event.in_(names))
    for named, value in (
        (_a.c.actor, chosen.actor),
        (_a.c.user_id, chosen.user),
        (_a.c.session_id, chosen.session),
        (_a.c.site, chosen.site),
    ):
        if value:
            statement = statement.where(named == value)
    if chosen.since:
        statement = statement.where(_a.c.at >= chosen.since)
    if chosen.until:
        statement = statement.where(_a.c.at < chosen.until)
    return statement


def followed(
    events: Sequence[str] = (), session_id: UUID | None = None, user_id: UUID | None = None
) -> Select[Any]:
    """The sealed rows of the audit log, of some events, a session or a user alone, to be read in the order of `SEQ`."""
    statement = rows().where(SEQ.is_not(None))
    if events:
        statement = statement.where(_a.c.event.in_(events))
    if session_id:
        statement = statement.where(_a.c.session_id == session_id)
    if user_id:
        statement = statement.where(_a.c.user_id == user_id)
    return statement


# Rows that a worker would have sealed long ago.
_OVERDUE = text("SELECT 1 FROM audit_log WHERE seq IS NULL AND at < now() - interval '5 seconds' LIMIT 1")

_OF_CALL = text(
    """SELECT revocation_id FROM audit_log WHERE actor = :actor AND request_id = :request_id
    AND revocation_id IS NOT NULL LIMIT 1"""
)


def sealing_is_overdue(db: ReadOnlyDatabase) -> bool:
    """Return whether rows have waited for their seal for more than five seconds: no worker runs."""
    return db.one(_OVERDUE) is not None


def revocation_of_call(db: Database, actor: str, request_id: str) -> UUID | None:
    """Return the revocation that an actor's request has made, or None."""
    row = db.one(_OF_CALL, actor=actor, request_id=request_id)
    return None if row is None else row["revocation_id"]


def of_session(db: ReadOnlyDatabase, session: RowMapping) -> list[RowMapping]:
    """A session's story, latest first, at most 100 rows: its own and that of the revocation that ended it."""
    own = rows().where(_a.c.session_id == session["id"]).order_by(_a.c.id.desc()).limit(100)
    found = db.all(own)
    if session["revocation_id"]:
        seen = {row["id"] for row in found}
        ended = (
            rows().where(_a.c.revocation_id == session["revocation_id"]).order_by(_a.c.id.desc()).limit(20)
        )
        found += [row for row in db.all(ended) if row["id"] not in seen]
        found.sort(key=lambda row: row["id"], reverse=True)
    return found


_LAMPS = """count(*) FILTER (WHERE o.done_at IS NOT NULL) AS confirmed,
    count(*) FILTER (WHERE o.done_at IS NULL AND o.attempts = 0) AS pending,
    count(*) FILTER (WHERE o.done_at IS NULL AND o.attempts > 0) AS failed"""

_COUNTED = text(
    f"""SELECT r.*, r.matched AS revoked, r.scope NOT IN ('site', 'everyone') OR r.marked_at IS NOT NULL AS exact, o.* FROM revocations r CROSS JOIN LATERAL (
      SELECT {_LAMPS}, max(o.done_at) AS confirmed_at,
        (SELECT s.user_name FROM sessions s WHERE s.revocation_id = r.id LIMIT 1) AS somebody
      FROM revocation_outbox o WHERE o.revocation_id = r.id) o
    WHERE r.id = ANY (CAST(:ids AS uuid[]))"""
)


def revocations() -> Select[Any]:
    """What admins, rules and the identity provider have ended, to be paged; logouts are only in the trail."""
    r = tables.revocations
    return select(r).where(r.c.initiating_entity != "user")


def counted(db: ReadOnlyDatabase, ids: list[UUID]) -> dict[UUID, RowMapping]:
    """Revocations with how many sessions they `matched` and have `revoked`, at least so many where it is not `exact` because
    a site's or everyone's are still being counted; how many of their messages the provider
    has `confirmed`, are `pending` or have `failed` so far, and the name of `somebody` whose session they ended.
    """
    return {row["id"]: row for row in db.all(_COUNTED, ids=ids)}


_ENDED = text(
    """SELECT count(*) AS ended, coalesce(sum(f.count), 0) AS knocks, max(f.last_at) AS last_knock,
      ARRAY(SELECT DISTINCT t.maker_id FROM api_tokens t JOIN revocations r ON r.id = :id
        WHERE t.revoked_at IS NULL AND t.maker_id IS NOT NULL AND (
          ((r.site IS NULL OR r.site = 'admin') AND (r.scope IN ('everyone', 'site') OR r.user_id = t.maker_id))
          OR EXISTS (SELECT 1 FROM sessions m WHERE m.revocation_id = r.id AND m.user_id = t.maker_id
            AND m.site = 'admin'))) AS makers
    FROM (
      SELECT id FROM sessions WHERE revocation_id = :id LIMIT 100001) s
    LEFT JOIN session_flags f ON f.session_id = s.id AND f.kind = 'session_use_after_expire'"""
)

# What the provider was to be told of a session: its own row, or that of its site.
_MESSAGES = text(
    """SELECT s.id AS session_id, o.* FROM sessions s CROSS JOIN LATERAL (
      SELECT o.done_at, o.attempts, o.next_try_at, o.last_error FROM revocation_outbox o
      WHERE o.revocation_id = s.revocation_id AND o.site = s.site
        AND (o.refresh_token_id = s.refresh_token_id OR o.refresh_token_id IS NULL)
      ORDER BY o.done_at DESC NULLS FIRST LIMIT 1) o
    WHERE s.id = ANY (CAST(:ids AS uuid[])) AND s.refresh_token_id IS NOT NULL"""
)

_OUTBOX = text(
    """SELECT site, user_id, refresh_token_id, created_at, done_at, attempts, next_try_at, last_error
    FROM revocation_outbox WHERE revocation_id = :id ORDER BY done_at DESC NULLS FIRST, id LIMIT 50"""
)


def ended(db: ReadOnlyDatabase, revocation_id: UUID) -> RowMapping:
    """How many sessions are marked as `ended` by it, how often they have knocked since, and which of those whose console
    sessions it reached, by their ids, are `makers` of API tokens that are not revoked.
    """
    return db.only(_ENDED, id=revocation_id)


def ended_by(db: ReadOnlyDatabase, ids: Sequence[UUID]) -> UUID | None:
    """The one revocation that has ended sessions of these, or None where it was none, or several."""
    by = session_queries.s.c.revocation_id
    found = db.all(
        select(by)
        .where(session_queries.s.c.id == func.any(session_queries.ids_of(ids)), by.is_not(None))
        .distinct()
        .limit(2)
    )
    return found[0]["revocation_id"] if len(found) == 1 else None


def sessions_of(revocation_id: UUID) -> Select[Any]:
    """The sessions that are marked as ended by a revocation, to be paged."""
    return session_queries.listed().where(session_queries.s.c.revocation_id == revocation_id)


def messages(db: ReadOnlyDatabase, ids: list[UUID]) -> dict[UUID, RowMapping]:
    """For each session, what the provider has said; none where it had nothing to be told."""
    return {row["session_id"]: row for row in db.all(_MESSAGES, ids=ids)}


def outbox(db: ReadOnlyDatabase, revocation_id: UUID) -> list[RowMapping]:
    """What the provider is told, at most 50 messages, open ones first."""
    return db.all(_OUTBOX, id=revocation_id)


def sealed(db: ReadOnlyDatabase) -> Head:
    """How far the trail is sealed: a number, and a seal that stands for all rows up to it."""
    return audit_chain.head(db)
