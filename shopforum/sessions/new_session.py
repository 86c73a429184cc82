"""A new session for a user who has just given the right password. Internal: see `Sessions.start`."""

from uuid import UUID

from sqlalchemy import Connection

from ..core.database import once_more
from . import audit, gate_sweep, live, records, revocation, user_sessions
from .audit import Client
from .authority import AuthorityUnavailable
from .context import SessionContext
from .deny_rules import SignInBlocked
from .keyring import new_session_id
from .model import Login, Outcome, Pair, Reason, Session
from .rows import StartedSession
from .scope import Scope
from .vocabulary import EndReason, EventName, InitiatingEntity


def start(
    context: SessionContext, login: Login, client: Client, replaced: UUID | None, login_form: bytes | None
) -> Outcome:
    """Start a session; see `Sessions.start` for the arguments and what is raised."""
    config = context.config
    if config.renewable and not (login.refresh_token and login.refresh_token_id):
        raise ValueError("the provider issued no refresh token: is it enabled for this application?")
    pair = Pair(new_session_id(), login.refresh_token if config.renewable else None)
    challenge = None if config.binding == "off" else new_session_id()
    try:
        started = _commit(context, login, pair, client, replaced, login_form, challenge)
    except SignInBlocked:
        _revoke_token(context, login)
        raise
    if started is None:
        _revoke_token(context, login)
        return Outcome(ended=EndReason.SUPERSEDED)
    session = Session(
        id=started.id,
        site=config.site,
        user_id=login.user_id,
        user_name=login.user_name,
        user_email=login.user_email,
        roles=frozenset(login.roles),
        authenticated_ago=0.0,
        confirmed_ago=0.0,
        ends_in=float(started.ends_in),
    )
    return Outcome(session, issue=pair, max_age=started.ends_in, challenge=challenge)


@once_more
def _commit(
    context: SessionContext,
    login: Login,
    pair: Pair,
    client: Client,
    replaced: UUID | None,
    login_form: bytes | None,
    challenge: str | None,
) -> StartedSession | None:
    """Insert the session and end those that leave for it. None where a login that the browser sent later has started a
    session already: the browser waits for that answer alone.
    """
    config = context.config
    leaving = {replaced} if replaced else set()
    with context.db.transaction() as connection:
        if login_form:
            for other in user_sessions.by_form(
                connection, login.user_id, config.site, login_form, login.start
            ):
                if other.later:
                    return None
                leaving.add(other.id)
        started = _insert(context, connection, login, pair, client, login_form, challenge)
        # ASVS 5.0 7.1.2: at the maximum, those that were idle longest make room.
        gone = tuple(leaving)
        excess = user_sessions.excess(connection, login.user_id, config.site, config.max_per_user, gone)
        if leaving:
            revocation.lock(connection, (*gone, *excess))
            why = Reason(InitiatingEntity.USER, login.actor, EndReason.SUPERSEDED)
            _end(context, connection, gone, why, client, EventName.TOKEN_REVOKED)
        if excess:
            why = Reason(InitiatingEntity.POLICY, "session limit", EndReason.EVICTED)
            _end(context, connection, excess, why, client, EventName.EXCESS_SESSIONS)
        return started


def _insert(
    context: SessionContext,
    connection: Connection,
    login: Login,
    pair: Pair,
    client: Client,
    login_form: bytes | None,
    challenge: str | None,
) -> StartedSession:
    """Insert the session and its audit row. Raises SignInBlocked where a deny rule refuses the login."""
    config = context.config
    started = records.start(
        connection,
        site=config.site,
        user_id=login.user_id,
        user_name=login.user_name,
        user_email=login.user_email,
        roles=list(login.roles),
        refresh_token_id=login.refresh_token_id if config.renewable else None,
        authenticated_at=login.start.at,
        epoch=login.start.epoch,
        idle=config.idle,
        absolute=config.absolute,
        rotate_every=config.rotate_every,
        login_form=login_form,
        binding_window=live.BINDING_WINDOW if challenge else None,
        challenge_hash=config.secrets.digest(config.site, "challenge", challenge) if challenge else None,
        **vars(context.credential(pair)),
        **client.parameters(),
    )
    if started.rule_id:
        raise SignInBlocked(started.rule_id)
    event = context.event(EventName.SESSION_CREATED, client, started.id, login.user_id, InitiatingEntity.USER)
    audit.write(connection, event)
    if started.ended_by:
        gate_sweep.end_late(connection, started.ended_by, started.id)
    return started


def _end(
    context: SessionContext,
    connection: Connection,
    ids: tuple[UUID, ...],
    why: Reason,
    client: Client,
    event: EventName,
) -> None:
    revocation.revoke(connection, Scope(sessions=ids), why, client, sites=context.config.sites, event=event)


def _revoke_token(context: SessionContext, login: Login) -> None:
    """Have the provider revoke the token of a login that is refused or came too late: no browser holds it."""
    if login.refresh_token_id is None:
        return
    try:
        context.authority.revoke(
            context.config.site, refresh_token_id=login.refresh_token_id, user_id=login.user_id
        )
    except AuthorityUnavailable:
        # The token was never handed out, and expires by itself.
        return
