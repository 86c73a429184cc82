"""A refresh: a session that has idled out is renewed by the provider, once for however many tabs ask.

The request that takes the lease asks the provider, with no connection held. The UPDATE that ends the refresh repeats
every condition, so a revocation wins whichever commits first. The provider is asked here, too, for roles that it may
have taken away. Internal.
"""

import uuid
from uuid import UUID

from ..core import metrics
from . import records, revocation
from .audit import Client
from .authority import AuthorityUnavailable, Refreshed, RefreshRefused
from .context import SessionContext
from .keyring import REFRESH_TOKEN, new_session_id
from .model import Outcome, Pair, Reason
from .rows import FoundSession, SessionOwner
from .scope import Scope
from .vocabulary import EndReason, EventName, InitiatingEntity, State


def refresh(context: SessionContext, found: FoundSession, pair: Pair, client: Client) -> Outcome | None:
    """Renew a dormant session; None where another request is doing so. Raises AuthorityUnavailable."""
    if found.refresh_token_id is None or pair.refresh_token is None:
        return Outcome(ended=State.EXPIRED)
    lease = uuid.uuid4()
    cap = context.config.timing.cap
    if not records.claim(context.db, found, lease, context.config.lease, cap):
        return None
    try:
        answer = _ask(context, pair.refresh_token, found.user_id, client)
    except RefreshRefused:
        _count(context, "refused")
        expired = context.event(
            EventName.SESSION_EXPIRED, client, found.id, found.user_id, InitiatingEntity.PROVIDER
        )
        if records.expire(context.db, expired, lease, EndReason.REFRESH_REFUSED):
            return Outcome(ended=State.EXPIRED, spent=True)
        # Too late: the lease has passed to another request, which may have exchanged the one-time token.
        return None
    except BaseException:
        # The token was not at fault: the next request may try again at once.
        _count(context, "unavailable")
        records.release(context.db, found.id, lease)
        raise
    outcome = _renew(context, found, answer, pair, lease, client)
    _count(context, "renewed" if outcome and outcome.issue else "lost")
    return outcome


def repeat(context: SessionContext, found: FoundSession, pair: Pair, client: Client) -> Outcome | None:
    """Ask again for the answer to a refresh whose response was lost: the browser still shows the one-time token that was
    exchanged a while ago. None where the session is to be looked up again.

    Within its own grace the provider answers with the newer token again. Raises RefreshRefused where it does not: the
    session then goes on with the older token, and nobody is signed out for a lost response before the idle timeout.
    Served as it is while the provider is away; the lease is kept until it runs out, so that not every request asks.
    """
    lease, cap = uuid.uuid4(), context.config.timing.cap
    if pair.refresh_token is None or not records.claim(context.db, found, lease, context.config.lease, cap):
        return Outcome(found.session())
    try:
        answer = _ask(context, pair.refresh_token, found.user_id, client)
    except AuthorityUnavailable:
        # The session may have been revoked while the provider was asked.
        return None
    except RefreshRefused:
        records.release(context.db, found.id, lease)
        raise
    return _renew(context, found, answer, pair, lease, client)


def read_roles(context: SessionContext, found: FoundSession | SessionOwner, client: Client) -> bool:
    """Ask the provider for the session's roles. False where another request is doing so. After True the session is to be
    looked up again: it may have been revoked meanwhile.

    The roles stay as they were while the provider is away. If the account is closed, the user's sessions on this site
    end (ASVS 5.0 7.4.2, 8.3.2).
    """
    if not records.claim_roles(context.db, found.id, context.config.roles_every):
        return False
    try:
        roles = context.authority.roles(found.user_id)
    except AuthorityUnavailable:
        return True
    if roles is None:
        reason = Reason(InitiatingEntity.PROVIDER, "identity provider", EndReason.ACCOUNT_CLOSED)
        scope = Scope(user_id=found.user_id, site=found.site)
        revocation.revoke_and_tell(context, scope, reason, client)
    else:
        records.set_roles(context.db, found.id, roles)
    return True


def _count(context: SessionContext, outcome: str) -> None:
    metrics.REFRESHES.labels(context.config.site, outcome).inc()


def _ask(context: SessionContext, refresh_token: str, user_id: UUID, client: Client) -> Refreshed:
    """Ask the provider for a new token. Raises RefreshRefused, AuthorityUnavailable.

    An answer whose token does not fit into a cookie is rejected: accepting it would sign the user out.
    """
    answer = context.authority.refresh(refresh_token, user_id, client)
    if not REFRESH_TOKEN.fullmatch(answer.refresh_token):
        raise AuthorityUnavailable("the answer's refresh token does not fit into a cookie")
    return answer


def _renew(
    context: SessionContext,
    found: FoundSession,
    answer: Refreshed,
    pair: Pair,
    lease: UUID,
    client: Client,
) -> Outcome | None:
    """Store the provider's answer under a new pair. None where the session was revoked meanwhile, or the lease ran out:
    the session is to be looked up again.
    """
    if answer.user_id != found.user_id or answer.refresh_token_id not in (None, found.refresh_token_id):
        return _end_mismatch(context, found, client)
    successor, timing = Pair(new_session_id(), answer.refresh_token), context.config.timing
    # The provider gives a one-time token again only for a while: a lost response is noticed sooner.
    retry = timing.retry if answer.refresh_token == pair.refresh_token else timing.retry_lost
    renewed = records.renew(
        context.db,
        context.event(EventName.SESSION_RENEWED, client, found.id, found.user_id, InitiatingEntity.USER),
        context.credential(successor),
        id=found.id,
        lease=lease,
        with_key=found.with_key,
        idle=context.config.idle,
        retry=retry,
        refresh_token_id=answer.refresh_token_id,
        roles=list(answer.roles) if answer.roles is not None else None,
        user_name=answer.name,
        user_email=answer.email,
    )
    if renewed is None:
        return None
    if renewed.withheld:
        # Withheld since the provider was asked: the new pair must not get lost, but no page is served.
        return Outcome(
            ended=renewed.withheld, withheld_session=found.id, issue=successor, max_age=found.ends_in
        )
    return Outcome(found.session(answer), issue=successor, max_age=found.ends_in)


def _end_mismatch(context: SessionContext, found: FoundSession, client: Client) -> Outcome:
    """End a session for which the provider has answered with another user or token: the answer cannot be trusted."""
    reason = Reason(InitiatingEntity.SYSTEM, "refresh", EndReason.IDENTITY_MISMATCH)
    revocation.revoke_and_tell(context, Scope(sessions=(found.id,)), reason, client)
    return Outcome(ended=State.EXPIRED)
