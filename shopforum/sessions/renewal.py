"""A session that has idled out, renewed by the provider once for however many tabs ask us.

Whoever takes the lease asks, with no connection held; the UPDATE that ends it repeats every condition, so that a
revocation wins whichever commits first. Here, too, the provider is asked for roles that may have been taken away.
"""

import uuid
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import RowMapping

from . import records
from .audit import Client
from .authority import AuthorityUnavailable, Refreshed, RefreshRefused
from .keyring import REFRESH_TOKEN, new_session_id
from .model import Outcome, Pair, Reason, Session
from .revocation import Scope

if TYPE_CHECKING:
    from .lifecycle import Sessions


def refresh(sessions: "Sessions", row: RowMapping, pair: Pair, client: Client) -> Outcome | None:
    """Renew a dormant session; None where another request is doing so. Raises AuthorityUnavailable."""
    if row["refresh_token_id"] is None or pair.refresh_token is None:
        return Outcome(ended="expired")
    lease = uuid.uuid4()
    if not records.claim(sessions.db, row, lease, sessions.config.lease):
        return None
    try:
        answer = _ask(sessions, pair.refresh_token, row["user_id"])
    except RefreshRefused:
        expired = sessions.event("session_expired", client, row["id"], row["user_id"], "idp")
        if records.expire(sessions.db, expired, lease, "refresh_refused"):
            return Outcome(ended="expired")
        # Too late: the lease has passed to another request, which may have used a one-time token up.
        return None
    except BaseException:
        # Whatever it was, it was not the token: the next request may try again at once.
        records.release(sessions.db, row["id"], lease)
        raise
    return _renew(sessions, row, answer, lease, client)


def repeat(sessions: "Sessions", row: RowMapping, pair: Pair, client: Client) -> Outcome | None:
    """The browser still shows a one-time token that was exchanged a while ago: that response got lost.

    Within its own grace the provider answers with the newer token again. If it does not, the session goes on as
    it is; nobody is signed out for a lost response before the idle time-out. The lease is kept until it runs
    out, so that the provider is not asked by every request.
    """
    lease = uuid.uuid4()
    if pair.refresh_token is not None and records.claim(sessions.db, row, lease, sessions.config.lease):
        try:
            answer = _ask(sessions, pair.refresh_token, row["user_id"])
        except (RefreshRefused, AuthorityUnavailable):
            # It may have been revoked while the provider was asked: look again.
            return None
        return _renew(sessions, row, answer, lease, client)
    return Outcome(Session.of(row))


def read_roles(sessions: "Sessions", row: RowMapping, client: Client) -> bool:
    """Ask for the session's roles again. False where another request does so just now; else the row is to be looked at
    again, since the session may have been revoked meanwhile.

    The roles stay as they were while the provider is away. Where the account is closed, its sessions on this site are
    ended (ASVS 5.0 7.4.2, 8.3.2).
    """
    if not records.claim_roles(sessions.db, row["id"], sessions.config.roles_every):
        return False
    try:
        roles = sessions.authority.roles(row["user_id"])
    except AuthorityUnavailable:
        return True
    if roles is None:
        reason = Reason("idp", "identity provider", "account_closed")
        sessions.revoke(Scope(user_id=row["user_id"], site=row["site"]), reason, client)
    else:
        records.set_roles(sessions.db, row["id"], roles)
    return True


def _ask(sessions: "Sessions", refresh_token: str, user_id: UUID) -> Refreshed:
    """The provider's answer. One whose token no cookie can hold is none: taken, it would lose the session."""
    answer = sessions.authority.refresh(refresh_token, user_id)
    if not REFRESH_TOKEN.fullmatch(answer.refresh_token):
        raise AuthorityUnavailable("the answer's refresh token does not fit into a cookie")
    return answer


def _renew(
    sessions: "Sessions", row: RowMapping, answer: Refreshed, lease: UUID, client: Client
) -> Outcome | None:
    """Take the provider's answer; None where the session was revoked meanwhile, or the lease ran out: look
    again, the row knows which.
    """
    if answer.user_id != row["user_id"] or answer.refresh_token_id not in (None, row["refresh_token_id"]):
        return _mixed_up(sessions, row, client)
    successor = Pair(new_session_id(), answer.refresh_token)
    renewed = records.renew(
        sessions.db,
        sessions.event("session_renewed", client, row["id"], row["user_id"], "user"),
        sessions.credential(successor),
        id=row["id"],
        lease=lease,
        idle=sessions.config.idle,
        refresh_token_id=answer.refresh_token_id,
        roles=list(answer.roles) if answer.roles is not None else None,
    )
    if renewed is None:
        return None
    if renewed["held"]:
        # Since the provider was asked: the new pair must not get lost, but no page is served.
        return Outcome(ended=renewed["held"], held=row["id"], issue=successor, max_age=row["remaining"])
    roles = frozenset(answer.roles) if answer.roles is not None else None
    return Outcome(Session.of(row, roles), issue=successor, max_age=row["remaining"])


def _mixed_up(sessions: "Sessions", row: RowMapping, client: Client) -> Outcome:
    """The provider answered for somebody else: nothing it says can be trusted with this session."""
    reason = Reason("system", "refresh", "identity_mismatch")
    sessions.revoke(Scope(sessions=(row["id"],)), reason, client)
    return Outcome(ended="expired")
