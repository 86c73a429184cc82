"""Taking an event of FusionAuth's: once, in one transaction with what it ends.

An event speaks of an instant, and ends only what was authenticated by then. So a late one, or an old one that somebody
has kept and sends again, ends what should have ended long ago and nothing since: there is no age at which it has to be
refused, and FusionAuth, which delivers at least once, is never told that a delivery failed.

FusionAuth waits for our answer before it commits, and it may be our own revocation that it tells us of. So FusionAuth
is not asked anything meanwhile, and an echo of what we have told it ends nothing: nothing goes in circles.
"""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from ..api_tokens import tokens
from ..core.database import Database, once_more
from ..core.permissions import TOKEN_MAKERS
from ..sessions import Reason, Scope, audit, live, outbox, revocation
from ..sessions.audit import Client
from . import event_mapping
from .event_mapping import Act, Event

# How far FusionAuth's clock may be from the database's: what `shopforum check` lets pass.
SKEW = timedelta(seconds=5)

# Of several deliveries at once the others wait here until the first has committed. One from the future is remembered from
# its own instant on, or it could be sent again when it has been forgotten and its instant has not come.
_TAKE = text(
    """INSERT INTO webhook_events (id, type, taken_at)
    VALUES (:id, :type, greatest(clock_timestamp(), CAST(:at AS timestamptz))) ON CONFLICT (id) DO NOTHING
    RETURNING extract(epoch FROM clock_timestamp() - CAST(:at AS timestamptz))::bigint AS age"""
)

_ONE = text(
    """SELECT id FROM sessions WHERE user_id = :user_id AND refresh_token_id = :token_id AND ended_at IS NULL
    AND (CAST(:site AS text) IS NULL OR site = :site)"""
)

_WITH_OTHER_ROLES = text(
    f"""SELECT id FROM sessions s WHERE user_id = :user_id AND site = :site AND {live.LIVE}
    AND NOT roles <@ CAST(:roles AS text[])
    AND roles_read_at <= CAST(:before AS timestamptz)"""
)

_REFUSE = text(
    """INSERT INTO webhook_refusals AS r (why, count, last_at) VALUES (:why, 1, clock_timestamp())
    ON CONFLICT (why) DO UPDATE SET last_at = clock_timestamp(),
      count = CASE WHEN r.last_at < clock_timestamp() - interval '1 hour' THEN 1 ELSE r.count + 1 END
    RETURNING count"""
)


class RefusedError(Exception):
    """The delivery is not taken. `why` is a code for the audit log."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@once_more
def take(db: Database, event: Event, act: Act, client: Client, late_after: float) -> UUID | None:
    """End what the event means; returns the revocation, or None where nothing was left to end, or the event was taken
    before. An event older than `late_after` seconds is called late in the audit log.
    """
    with db.transaction() as connection:
        taken = connection.execute(
            _TAKE, {"id": event.id, "type": event.type, "at": event.created_at}
        ).first()
        if taken is None:
            return None
        if act.user_id and act.site == "admin" and act.roles is not None and not TOKEN_MAKERS & {*act.roles}:
            # The sessions that had the role may be gone already, and then nothing else would tell.
            tokens.revoke_made_by(connection, act.user_id, tokens.Actor("FusionAuth", client, "idp"))
        scope = None if _is_echo(connection, event, act) else _scope(connection, event, act)
        if scope is None:
            return None
        reason = Reason("idp", "FusionAuth", act.reason)
        detail: dict[str, Any] = {"webhook": event.type, "webhook_id": str(event.id)}
        if taken.age > late_after:
            detail["late_seconds"] = taken.age
        return revocation.revoke(
            connection,
            scope,
            reason,
            client,
            sites=(),
            detail=detail,
            upstream=False,
            # A webhook may be late, and somebody has signed in anew since.
            before=event.created_at + SKEW,
        )


@once_more
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
    values["before"] = event.created_at + SKEW
    if act.token_id is not None or act.roles is not None:
        statement = _ONE if act.token_id is not None else _WITH_OTHER_ROLES
        roles = {} if act.roles is None else {"roles": list(act.roles)}
        found = connection.execute(statement, values | roles).scalars().all()
        return Scope(sessions=tuple(found)) if found else None
    return Scope(user_id=act.user_id, site=act.site)


def _is_echo(connection: Connection, event: Event, act: Act) -> bool:
    """Whether FusionAuth tells us what we have told it. Taken for news, it would close a second gate, over those who have
    logged in again since ours. The end of one token needs no look: its session has ended, and nothing else is meant.
    """
    if event.type != event_mapping.REVOKED or act.token_id is not None:
        return False
    return outbox.take_echo(connection, act.site, act.user_id, event.created_at, SKEW)
