"""Applying an event from FusionAuth: once, in one transaction with all that follows from it.

An event is about an instant, and ends only sessions that were authenticated by then. So a late event, or an old one that an
attacker replays, ends sessions that should have ended long ago, and no newer one: no event is too old to be accepted. This
matters because FusionAuth delivers at least once and must never be told that a delivery failed.

FusionAuth waits for our response before it commits, and the event may be about our own revocation. So FusionAuth is not
asked anything meanwhile, and the echo of a revocation that we have sent to FusionAuth ends nothing: there is no loop.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, text

from ..api_tokens import tokens
from ..core.database import Database, once_more
from ..core.permissions import TOKEN_MAKERS
from ..sessions import Reason, Scope, audit, live, outbox, provider_events, revocation
from ..sessions.audit import Client
from ..sessions.keyring import Keyring
from ..sessions.vocabulary import EndReason, EventName, InitiatingEntity
from . import event_mapping
from .event_mapping import Act, Effect, Event, Fact, ForeignRefresh, LostRoles, NewIdentity

# How far FusionAuth's clock may be from the database's: the difference that `shopforum check` tolerates.
SKEW = timedelta(seconds=5)

# Of several concurrent deliveries, the others wait here until the first has committed. An event from the future is stored
# with its own instant: otherwise it could be purged, and then replayed, before its instant has come.
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

_WITH_LOST_ROLES = text(
    f"""SELECT id FROM sessions s WHERE user_id = ANY (CAST(:users AS uuid[])) AND site = :site AND {live.LIVE}
    AND roles && CAST(:roles AS text[]) AND roles_read_at <= CAST(:before AS timestamptz)"""
)

_REFUSE = text(
    """INSERT INTO webhook_refusals AS r (why, count, last_at) VALUES (:why, 1, clock_timestamp())
    ON CONFLICT (why) DO UPDATE SET last_at = clock_timestamp(),
      count = CASE WHEN r.last_at < clock_timestamp() - interval '1 hour' THEN 1 ELSE r.count + 1 END
    RETURNING count"""
)


class RefusedError(Exception):
    """The delivery is refused. `why` is a code for the audit log."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@once_more
def apply(
    db: Database, event: Event, effects: Sequence[Effect], client: Client, keys: Keyring, late_after: float
) -> None:
    """Apply what follows from an event; nothing if it is a duplicate.

    The audit log marks an event that is older than `late_after` seconds as late. `keys` digests a refresh token.
    """
    with db.transaction() as connection:
        taken = connection.execute(
            _TAKE, {"id": event.id, "type": event.type, "at": event.created_at}
        ).first()
        if taken is None:
            return
        detail: dict[str, Any] = {"webhook": event.type, "webhook_id": str(event.id)}
        if taken.age > late_after:
            detail["late_seconds"] = taken.age
        for effect in effects:
            _carry_out(connection, event, effect, client, keys, detail)


def _carry_out(
    connection: Connection,
    event: Event,
    effect: Effect,
    client: Client,
    keys: Keyring,
    detail: dict[str, Any],
) -> None:
    # A webhook may be late, and the user may have signed in again since.
    before = event.created_at + SKEW
    match effect:
        case Act():
            _end(connection, event, effect, client, detail)
        case LostRoles(members=None):
            provider_events.mark_roles_old(connection, effect.site, effect.roles, effect.kept, before)
        case LostRoles():
            values = {"site": effect.site, "roles": list(effect.roles), "before": before}
            ids = (
                connection.execute(_WITH_LOST_ROLES, values | {"users": list(effect.members or ())})
                .scalars()
                .all()
            )
            if ids:
                _revoke(connection, event, Scope(sessions=tuple(ids)), EndReason.ROLE_REMOVED, client, detail)
        case NewIdentity():
            changed = provider_events.rename(connection, effect.user_id, effect.name, effect.email, before)
            if changed:
                fact = Fact(EventName.USER_UPDATED, "all", effect.user_id, {"sessions": changed})
                _note(connection, fact, event_mapping.origin(event), detail)
        case ForeignRefresh():
            hashes = keys.digests(effect.site, "refresh", effect.token)
            origin = event_mapping.origin(event)
            provider_events.flag_foreign_refresh(connection, effect.site, hashes, event.created_at, origin)
        case Fact():
            _note(connection, effect, event_mapping.origin(event), detail)


def _note(connection: Connection, fact: Fact, client: Client, detail: dict[str, Any]) -> None:
    row = audit.Event(
        fact.name,
        fact.site,
        client,
        InitiatingEntity.PROVIDER,
        user_id=fact.user_id,
        detail={**detail, **fact.detail},
    )
    audit.write(connection, row)


def _end(connection: Connection, event: Event, act: Act, client: Client, detail: dict[str, Any]) -> None:
    """End the sessions of an act, if one is left and the event is no echo of our own revocation."""
    if act.user_id and act.site == "admin" and act.roles is not None and not TOKEN_MAKERS & {*act.roles}:
        # Sessions with the role may have ended already, so the tokens are revoked independently of them.
        actor = tokens.Actor("FusionAuth", client, InitiatingEntity.PROVIDER)
        tokens.revoke_made_by(connection, act.user_id, actor)
    scope = None if _is_echo(connection, event, act) else _scope(connection, event, act)
    if scope is not None:
        _revoke(connection, event, scope, act.reason, client, detail)


def _revoke(
    connection: Connection, event: Event, scope: Scope, why: str, client: Client, detail: dict[str, Any]
) -> None:
    revocation.revoke(
        connection,
        scope,
        Reason(InitiatingEntity.PROVIDER, "FusionAuth", why),
        client,
        sites=(),
        detail=detail,
        upstream=False,
        before=event.created_at + SKEW,
    )


@once_more
def refuse(db: Database, why: str, client: Client, site: str) -> None:
    """Count a refused delivery. The first one within an hour is written to the audit log, and each power of two after it."""
    with db.transaction() as connection:
        count = connection.execute(_REFUSE, {"why": why}).scalar_one()
        if audit.is_sampled(count):
            detail = {"kind": why, "count": count}
            event = audit.Event(
                EventName.WEBHOOK_REFUSED, site, client, InitiatingEntity.PROVIDER, detail=detail
            )
            audit.write(connection, event)


def _scope(connection: Connection, event: Event, act: Act) -> Scope | None:
    """Return the sessions to end, or None if none is left."""
    values: dict[str, Any] = {"user_id": act.user_id, "site": act.site, "token_id": act.token_id}
    values["before"] = event.created_at + SKEW
    if act.token_id is not None or act.roles is not None:
        statement = _ONE if act.token_id is not None else _WITH_OTHER_ROLES
        roles = {} if act.roles is None else {"roles": list(act.roles)}
        found = connection.execute(statement, values | roles).scalars().all()
        return Scope(sessions=tuple(found)) if found else None
    return Scope(user_id=act.user_id, site=act.site)


def _is_echo(connection: Connection, event: Event, act: Act) -> bool:
    """Return whether the event is the echo of a revocation that we have sent to FusionAuth.

    Applied, an echo would close a second gate and end the sessions of people who have logged in again since ours. The event
    of a single token needs no check: its session has ended already, and the event ends no other.
    """
    if event.type != event_mapping.REVOKED or act.token_id is not None:
        return False
    return outbox.take_echo(connection, act.site, act.user_id, event.created_at, SKEW)
