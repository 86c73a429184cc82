"""Read revocations: their receipts, what happened since, and what the identity provider was told."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column, func, or_, select, text

from ..core.database import ResultRow
from ..core.listing import Listing
from ..core.read_only_database import ReadOnlyDatabase
from ..core.rows import build, columns
from ..sessions import tables
from . import session_queries
from .filters import RevocationFilter
from .rows import Affected, Message, OutboxRow, Receipt, Revocation
from .session_queries import s

_r = tables.revocations
REVOCATION_ID: Column[Any] = _r.c.id


def _revocation(row: ResultRow) -> Revocation:
    return Revocation(**row)


# Revocations by admins, by rules and by the identity provider, newest first; logouts are only in the audit log.
REVOCATIONS = Listing(
    select(*(_r.c[name] for name in columns(Revocation))).where(_r.c.initiating_entity != "user"),
    (_r.c.created_at, REVOCATION_ID),
    _revocation,
)


def listing(db: ReadOnlyDatabase, chosen: RevocationFilter) -> Listing[Revocation]:
    """Return the revocations that match a filter, newest first. Looks up people."""
    found = REVOCATIONS
    if chosen.user:
        people = session_queries.ids_of(session_queries.people(db, chosen.user))
        ended = select(s.c.revocation_id).where(
            s.c.user_id == func.any(people), s.c.revocation_id.is_not(None)
        )
        found = found.where(or_(_r.c.user_id == func.any(people), REVOCATION_ID.in_(ended)))
    if chosen.note:
        noted = (_r.c.reason_admin, _r.c.reason_user, _r.c.typed)
        found = found.where(or_(*(session_queries.contains(column, chosen.note) for column in noted)))
    if chosen.reason:
        found = found.where(_r.c.reason_code == chosen.reason)
    if chosen.actor:
        found = found.where(session_queries.contains(_r.c.actor, chosen.actor))
    if chosen.since:
        found = found.where(_r.c.created_at >= chosen.since)
    if chosen.until:
        found = found.where(_r.c.created_at < chosen.until)
    return found


def people(ids: Sequence[UUID]) -> Listing[Affected]:
    """Return the people whose sessions are marked as ended by one of these revocations, to be notified."""
    statement = (
        select(
            s.c.user_id,
            func.max(s.c.user_name).label("user_name"),
            func.max(s.c.user_email).label("user_email"),
            func.string_agg(s.c.site.distinct(), ", ").label("sites"),
            func.count().label("sessions"),
            func.min(s.c.created_at).label("first_sign_in"),
            func.max(s.c.last_seen_at).label("last_seen_at"),
            func.max(s.c.ended_at).label("ended_at"),
            func.max(_r.c.reason_user).label("tell"),
        )
        .join(_r, _r.c.id == s.c.revocation_id)
        .where(s.c.revocation_id == func.any(session_queries.ids_of(ids)))
        .group_by(s.c.user_id)
    )
    return Listing(statement, (s.c.user_id,), _affected, descending=False)


def _affected(row: ResultRow) -> Affected:
    told = f"We have signed you out on {row['sites']}. {row['tell'] or 'Please log in again.'}"
    return Affected(**{**row, "tell": told})


_RECEIPT = f"""SELECT {", ".join(f"r.{name}" for name in columns(Revocation))}, o.* FROM revocations r CROSS JOIN LATERAL (
      SELECT count(*) FILTER (WHERE o.done_at IS NOT NULL) AS confirmed,
        count(*) FILTER (WHERE o.done_at IS NULL AND o.last_error IS NULL) AS pending,
        count(*) FILTER (WHERE o.done_at IS NULL AND o.last_error IS NOT NULL) AS failed,
        max(o.done_at) AS confirmed_at,
        (SELECT s.user_name FROM sessions s WHERE s.revocation_id = r.id LIMIT 1) AS user_name
      FROM revocation_outbox o WHERE o.revocation_id = r.id) o"""
_RECEIPTS = text(f"{_RECEIPT} WHERE r.id = ANY (CAST(:ids AS uuid[]))")
_LATEST = text(
    f"""{_RECEIPT} WHERE r.id = ANY (ARRAY(SELECT id FROM revocations WHERE initiating_entity <> 'user'
      ORDER BY created_at DESC, id DESC LIMIT :count)) ORDER BY r.created_at DESC, r.id DESC"""
)

_SINCE = text(
    """SELECT count(*) AS marked, coalesce(sum(f.count), 0)::bigint AS uses, max(f.last_at) AS last_use_at,
      ARRAY(SELECT DISTINCT t.maker_id FROM api_tokens t JOIN revocations r ON r.id = :id
        WHERE t.revoked_at IS NULL AND t.maker_id IS NOT NULL AND (
          ((r.site IS NULL OR r.site = 'admin') AND (r.scope IN ('everyone', 'site') OR r.user_id = t.maker_id))
          OR EXISTS (SELECT 1 FROM sessions m WHERE m.revocation_id = r.id AND m.user_id = t.maker_id
            AND m.site = 'admin'))) AS token_makers,
      (SELECT CAST(a.detail ->> 'incident' AS uuid) FROM audit_log a
        WHERE a.revocation_id = :id AND a.detail ? 'incident' ORDER BY a.id LIMIT 1) AS incident_id
    FROM (
      SELECT id FROM sessions WHERE revocation_id = :id LIMIT 100001) s
    LEFT JOIN session_flags f ON f.session_id = s.id AND f.kind = 'session_use_after_expire'"""
)

# The message about a session: the one about its own refresh token, or about its site.
_MESSAGES = text(
    """SELECT s.id AS session_id, o.* FROM sessions s CROSS JOIN LATERAL (
      SELECT o.done_at, o.attempts, o.next_try_at, o.last_error FROM revocation_outbox o
      WHERE o.revocation_id = s.revocation_id AND o.site = s.site
        AND (o.refresh_token_id = s.refresh_token_id OR o.refresh_token_id IS NULL)
      ORDER BY o.done_at DESC NULLS FIRST LIMIT 1) o
    WHERE s.id = ANY (CAST(:ids AS uuid[])) AND s.refresh_token_id IS NOT NULL"""
)

_OUTBOX = text(
    f"""SELECT {", ".join(columns(OutboxRow))}
    FROM revocation_outbox WHERE revocation_id = :id ORDER BY done_at DESC NULLS FIRST, id LIMIT 50"""
)


@dataclass(frozen=True)
class Since:
    """The events since a revocation: `marked` sessions are marked as ended by it, at most 100,001; their cookies came
    back in so many `uses` after their end. `token_makers` are the users whose console sessions it reached and whose
    API tokens are not revoked. `incident_id`: the incident that it is an act of.
    """

    marked: int
    uses: int
    last_use_at: datetime | None
    token_makers: list[UUID]
    incident_id: UUID | None


def receipts(db: ReadOnlyDatabase, ids: Sequence[UUID]) -> dict[UUID, Receipt]:
    """Return the receipts of revocations, by id; unknown ids are left out."""
    return {row["id"]: Receipt(**row) for row in db.all(_RECEIPTS, ids=list(ids))}


def latest_receipts(db: ReadOnlyDatabase, count: int) -> list[Receipt]:
    """Return the receipts of the latest revocations of REVOCATIONS, newest first."""
    return [Receipt(**row) for row in db.all(_LATEST, count=count)]


def receipt(db: ReadOnlyDatabase, revocation_id: UUID) -> Receipt | None:
    """Return the receipt of a revocation, or None if there is no such revocation."""
    return receipts(db, [revocation_id]).get(revocation_id)


def since(db: ReadOnlyDatabase, revocation_id: UUID) -> Since:
    """Return what happened since a revocation."""
    return Since(**db.only(_SINCE, id=revocation_id))


def messages(db: ReadOnlyDatabase, ids: Sequence[UUID]) -> dict[UUID, Message]:
    """Return what the identity provider was told of each session. A session without a refresh token has no message."""
    return {row["session_id"]: build(Message, row) for row in db.all(_MESSAGES, ids=list(ids))}


def outbox(db: ReadOnlyDatabase, revocation_id: UUID) -> list[OutboxRow]:
    """Return the messages of a revocation, at most 50, unconfirmed ones first."""
    return [OutboxRow(**row) for row in db.all(_OUTBOX, id=revocation_id)]
