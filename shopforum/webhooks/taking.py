"""Taking an event of FusionAuth's: once, in time, in one transaction with what it ends.

FusionAuth waits for our answer before it commits, and it may be our own revocation that it tells us of. So FusionAuth
is not asked anything meanwhile, and sessions that have ended already are left as they are: nothing goes in circles.
"""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from ..sessions import Reason, Scope, audit, records, revocation
from ..sessions.audit import Client
from ..sessions.database import Database
from .meaning import Act, Event

# How far FusionAuth's clock may be from the database's: what `shopforum check` lets pass.
SKEW = timedelta(seconds=5)

_TAKE = text(
    "INSERT INTO webhook_events (id, type) VALUES (:id, :type) ON CONFLICT (id) DO NOTHING RETURNING 1"
)

_ONE = text(
    """SELECT id FROM sessions WHERE user_id = :user_id AND refresh_token_id = :token_id AND ended_at IS NULL
    AND (CAST(:site AS text) IS NULL OR site = :site)"""
)

_WITH_OTHER_ROLES = text(
    f"""SELECT id FROM sessions s WHERE user_id = :user_id AND site = :site AND ended_at IS NULL
    AND absolute_end > clock_timestamp() AND NOT {records.GATED} AND NOT roles <@ CAST(:roles AS text[])"""
)

# Our own revocation, or one that reaches further, closed a gate over this a moment ago: its echo.
_KNOWN = text(
    """SELECT 1 FROM revocation_gates WHERE key = ANY (CAST(:keys AS text[]))
    AND not_before BETWEEN CAST(:at AS timestamptz) - interval '1 minute' AND CAST(:at AS timestamptz)"""
)

_REFUSE = text(
    """INSERT INTO webhook_refusals AS r (why, count, last_at) VALUES (:why, 1, clock_timestamp())
    ON CONFLICT (why) DO UPDATE SET last_at = clock_timestamp(),
      count = CASE WHEN r.last_at < clock_timestamp() - interval '1 hour' THEN 1 ELSE r.count + 1 END
    RETURNING count"""
)


class RefusedError(Exception):
    """The event is not taken. `why` is a code for the audit log."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def check_age(db: Database, event: Event, max_age: int) -> None:
    """Raise RefusedError for an event that is too old, or from the future: a signature alone is good for ever."""
    try:
        age = records.now(db) - _instant(event)
    except (OverflowError, ValueError, OSError):
        raise RefusedError("late") from None
    if not -SKEW <= age <= timedelta(seconds=max_age):
        raise RefusedError("late")


def take(db: Database, event: Event, act: Act, client: Client) -> UUID | None:
    """End what the event means; returns the revocation, or None where nothing was left to end. Raises RefusedError where
    the event was taken before.
    """
    with db.transaction() as connection:
        if connection.execute(_TAKE, {"id": event.id, "type": event.type}).first() is None:
            raise RefusedError("replayed")
        scope = _scope(connection, event, act)
        if scope is None:
            return None
        reason = Reason("idp", "FusionAuth", act.reason)
        detail = {"webhook": event.type, "webhook_id": str(event.id)}
        return revocation.revoke(
            connection,
            scope,
            reason,
            client,
            sites=(),
            detail=detail,
            upstream=False,
            # A webhook may be late, and somebody has signed in anew since.
            before=_instant(event) + SKEW,
        )


def refuse(db: Database, why: str, client: Client, site: str) -> None:
    """Count a refusal; the audit row is written at the first of an hour and at every power of two after it."""
    with db.transaction() as connection:
        count = connection.execute(_REFUSE, {"why": why}).scalar_one()
        if count & (count - 1) == 0:
            detail = {"kind": why, "count": count}
            event = audit.Event("webhook_refused", site, client, initiating_entity="idp", detail=detail)
            audit.write(connection, event)


def _scope(connection: Connection, event: Event, act: Act) -> Scope | None:
    """What to end; None where nothing is left of it."""
    values: dict[str, Any] = {"user_id": act.user_id, "site": act.site, "token_id": act.token_id}
    if act.token_id is not None or act.roles is not None:
        statement = _ONE if act.token_id is not None else _WITH_OTHER_ROLES
        roles = {} if act.roles is None else {"roles": list(act.roles)}
        found = connection.execute(statement, values | roles).scalars().all()
        return Scope(sessions=tuple(found)) if found else None
    scope = Scope(user_id=act.user_id, site=act.site)
    user, site = act.user_id, act.site
    over = (Scope(everyone=True), site and Scope(site=site), user and Scope(user_id=user), scope)
    known = {"keys": [one.gate for one in over if one], "at": _instant(event) + SKEW}
    if event.type == "jwt.refresh-token.revoke" and connection.execute(_KNOWN, known).first():
        return scope if revocation.any_live(connection, scope, _instant(event) + SKEW) else None
    return scope


def _instant(event: Event) -> datetime:
    return datetime.fromtimestamp(event.created_at / 1000, UTC)
