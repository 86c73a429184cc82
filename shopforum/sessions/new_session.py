"""A new session for somebody who has just given the right password."""

from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import Connection, RowMapping

from ..core.database import once_more
from . import audit, gate_sweep, records, revocation, user_sessions
from .audit import Client
from .authority import AuthorityUnavailable
from .deny_rules import SignInBlocked
from .keyring import new_session_id
from .model import Login, Outcome, Pair, Reason, Session
from .revocation import Scope

if TYPE_CHECKING:
    from .lifecycle import Sessions


def start(
    sessions: "Sessions", login: Login, client: Client, replaced: UUID | None, login_form: bytes | None
) -> Outcome:
    """See `Sessions.start`."""
    config = sessions.config
    if config.renewable and not (login.refresh_token and login.refresh_token_id):
        raise ValueError("the provider issued no refresh token: is it enabled for this application?")
    pair = Pair(new_session_id(), login.refresh_token if config.renewable else None)
    try:
        row = _commit(sessions, login, pair, client, replaced, login_form)
    except SignInBlocked:
        _withdraw(sessions, login)
        raise
    if row is None:
        _withdraw(sessions, login)
        return Outcome(ended="superseded")
    session = Session.of(
        {"site": config.site, "authenticated_ago": 0.0, "new_sign_in": None, **vars(login), **row}
    )
    return Outcome(session, issue=pair, max_age=row["remaining"])


@once_more
def _commit(
    sessions: "Sessions",
    login: Login,
    pair: Pair,
    client: Client,
    replaced: UUID | None,
    login_form: bytes | None,
) -> RowMapping | None:
    """None where the same form was sent once more, later, and that login is done already: the browser waits for its
    answer alone.
    """
    config = sessions.config
    leaving = {replaced} if replaced else set()
    with sessions.db.transaction() as connection:
        if login_form:
            for other in user_sessions.by_form(connection, login.user_id, config.site, login_form):
                if other["authenticated_at"] > login.authenticated_at:
                    return None
                leaving.add(other["id"])
        row = _insert(sessions, connection, login, pair, client, login_form)
        # ASVS 5.0 7.1.2: at the maximum, those that were idle longest make room.
        gone = tuple(leaving)
        excess = user_sessions.excess(connection, login.user_id, config.site, config.max_per_user, gone)
        if leaving:
            revocation.lock(connection, (*gone, *excess))
            why = Reason("user", login.actor, "superseded")
            _end(sessions, connection, gone, why, client)
        if excess:
            why = Reason("policy", "session limit", "evicted")
            _end(sessions, connection, excess, why, client, event="excess_sessions_exceeded")
        return row


def _insert(
    sessions: "Sessions",
    connection: Connection,
    login: Login,
    pair: Pair,
    client: Client,
    login_form: bytes | None,
) -> RowMapping:
    config = sessions.config
    values = {k: v for k, v in vars(login).items() if k != "refresh_token"} | {"roles": list(login.roles)}
    if not config.renewable:
        values["refresh_token_id"] = None
    row = records.start(
        connection,
        site=config.site,
        idle=config.idle,
        absolute=config.absolute,
        login_form=login_form,
        **values,
        **vars(sessions.credential(pair)),
        **records.where(client),
    )
    if row["rule_id"]:
        raise SignInBlocked(row["rule_id"])
    audit.write(connection, sessions.event("session_created", client, row["id"], login.user_id, "user"))
    if row["ended_by"]:
        gate_sweep.end_late(connection, row["ended_by"], row["id"])
    return row


def _end(
    sessions: "Sessions",
    connection: Connection,
    ids: tuple[UUID, ...],
    why: Reason,
    client: Client,
    event: str = "authn_token_revoked",
) -> None:
    sites = sessions.config.sites
    revocation.revoke(connection, Scope(sessions=ids), why, client, sites=sites, event=event)


def _withdraw(sessions: "Sessions", login: Login) -> None:
    """Have the provider take back the token of a login that is refused or came too late: nobody has it, and nobody should."""
    if login.refresh_token_id is None:
        return
    try:
        sessions.authority.revoke(
            sessions.config.site, refresh_token_id=login.refresh_token_id, user_id=login.user_id
        )
    except AuthorityUnavailable:
        # It was never given to anybody, and runs out by itself.
        return
