"""The outcome of a request's two cookies: the rules that every signed-in request goes through, in their order.

A request is signed in only by a session id and a refresh token that were issued together. Session ids are replaced in
two phases: the old pair stays good until the browser has shown the new one, so a lost response costs nothing. A pair
that was replaced and comes back after its grace has two holders, and the session ends. Internal: see `Sessions.resume`.
"""

from dataclasses import dataclass, replace
from uuid import UUID

from . import (
    deny_rules,
    flags,
    lookup,
    quarantine,
    records,
    renewal,
    revocation,
    risk_signals,
    unmatched_cookies,
)
from .audit import Client
from .context import SessionContext
from .keyring import new_session_id
from .model import Outcome, Pair, Reason, SessionBusy
from .rows import FoundSession
from .scope import Scope
from .vocabulary import EndReason, EventName, FlagKind, InitiatingEntity, PairStatus, State, Withheld


@dataclass(frozen=True)
class Presented:
    """A request as far as its session is concerned. `only`, `touch` and `refresh` are those of `Sessions.resume`."""

    pair: Pair
    client: Client
    only: UUID | None = None
    touch: bool = True
    refresh: bool = True


def resume_once(context: SessionContext, presented: Presented) -> Outcome | None:
    """Judge the cookies by one look at the session. None where it has to be looked at again: another request is
    refreshing it, or the provider was asked meanwhile. Raises AuthorityUnavailable.
    """
    pair, client = presented.pair, presented.client
    found = _find(context, presented) if pair.session_id else None
    if found is None:
        if pair.session_id or pair.refresh_token:
            unmatched_cookies.note(context, pair, client)
        return Outcome()
    if not found.paired:
        flags.flag(context, found, client, FlagKind.SESSION_WITHOUT_REFRESH_TOKEN)
        unmatched_cookies.note_refresh_token(context, pair, client, beside=found.id)
        return Outcome()
    outcome = _judge(context, found, presented)
    return outcome and replace(outcome, presented=found.id)


def _judge(context: SessionContext, found: FoundSession, presented: Presented) -> Outcome | None:
    """Judge a pair that was issued together."""
    client = presented.client
    if not found.live:
        if found.ended_by:
            flags.flag(context, found, client, FlagKind.SESSION_USE_AFTER_EXPIRE)
        reason = found.end_reason or (State.REVOKED if found.ended_by else State.EXPIRED)
        return Outcome(ended=reason, ended_by=found.ended_by)
    # A sibling is forgiven in the same browser, which may well show the first answer to a repeated refresh. Rotations
    # have no siblings: a thief who is always first, and waits for the owner to get another, would never be found.
    spent = found.pair_status == PairStatus.SPENT
    if spent or (found.pair_status == PairStatus.SIBLING and client.agent != found.last_agent):
        return _end_replayed(context, found, client)
    foreign = presented.only is not None and found.id != presented.only
    if foreign and presented.refresh and (found.rule_id or found.quarantined_at):
        ended = Withheld.BLOCKED if found.rule_id else Withheld.QUARANTINED
        return Outcome(ended=ended, withheld_session=found.id)
    if foreign or not presented.refresh:
        # The session is only to be ended; or the form belongs to another session, and the caller refuses it. Either way
        # this session is left untouched.
        return Outcome(found.session())
    withheld = _withhold(context, found, client)
    if withheld is not None:
        return withheld
    if _is_elsewhere(context, found, client):
        _find(context, presented, judged=True)
    return _serve(context, found, presented)


def _withhold(context: SessionContext, found: FoundSession, client: Client) -> Outcome | None:
    """Refuse a live session that a deny rule refuses or that is in quarantine; None where it may be served."""
    if found.rule_id:
        deny_rules.hit(context.db, found.rule_id)
        flags.flag(context, found, client, FlagKind.SESSION_BLOCKED)
        return Outcome(ended=Withheld.BLOCKED, withheld_session=found.id)
    if found.quarantined_at is None and not _quarantine_suspicious(context, found, client):
        return None
    return Outcome(ended=Withheld.QUARANTINED, withheld_session=found.id)


def _is_elsewhere(context: SessionContext, found: FoundSession, client: Client) -> bool:
    """Return whether the request is the first from its place, on a site that acts upon risk signals.

    Such a place counts as the session's only after it was judged: of many requests sent at once, the later ones would
    otherwise show no signal.
    """
    place = (client.address, client.agent)
    return context.config.risk == "enforce" and (found.last_address, found.last_agent) != place


def _quarantine_suspicious(context: SessionContext, found: FoundSession, client: Client) -> bool:
    """Flag the risk signals of a request. True where they have put the session into quarantine."""
    config = context.config
    if config.risk == "off":
        return False
    signals = [kind for kind in risk_signals.signals(found, client) if kind in config.risk_signals]
    for kind in signals:
        flags.flag(context, found, client, kind)
    if not signals or config.risk == "monitor":
        return False
    reason = Reason(InitiatingEntity.POLICY, "risk signals", signals[0])
    quarantine.enter(context.db, [found.id], reason, client)
    return True


def _serve(context: SessionContext, found: FoundSession, presented: Presented) -> Outcome | None:
    """Serve a good pair of a live session; promote, refresh or rotate what is due."""
    pair, client = presented.pair, presented.client
    if found.pair_status == PairStatus.NEXT:
        records.promote(context.db, found, client)
    if not found.active:
        if not presented.touch:
            raise SessionBusy("a prefetch refreshes nothing: nobody waits for it")
        return renewal.refresh(context, found, pair, client)
    if found.roles_due and renewal.read_roles(context, found, client):
        return None
    if found.pair_status in (PairStatus.CURRENT, PairStatus.SIBLING) and presented.touch:
        if found.response_lost:
            return renewal.repeat(context, found, pair, client)
        if found.rotation_due:
            return _rotate(context, found, pair)
    return Outcome(found.session())


def _find(context: SessionContext, presented: Presented, *, judged: bool = False) -> FoundSession | None:
    """Look the session up. `judged`: the request's place has been judged, and may count as the session's."""
    return lookup.find(
        context,
        presented.pair,
        presented.client,
        only=presented.only,
        touch=presented.touch,
        move=judged or context.config.risk != "enforce",
    )


def _rotate(context: SessionContext, found: FoundSession, pair: Pair) -> Outcome:
    """Hand a successor to one tab; the others are served as they are and get no cookie."""
    successor = Pair(new_session_id(), pair.refresh_token)
    if records.rotate(context.db, found, context.credential(successor)):
        return Outcome(found.session(), issue=successor, max_age=found.ends_in)
    return Outcome(found.session())


def _end_replayed(context: SessionContext, found: FoundSession, client: Client) -> Outcome:
    """End a session whose replaced pair came back after its grace: two browsers hold it, and one of them stole it."""
    reason = Reason(InitiatingEntity.POLICY, "replay detection", EndReason.REPLAYED)
    detail = {
        "presented": str(found.presented or ""),
        "last_address": str(found.last_address or ""),
        "last_agent": found.last_agent,
    }
    revocation_id = revocation.revoke_and_tell(
        context,
        Scope(sessions=(found.id,)),
        reason,
        client,
        event=EventName.TOKEN_REUSE,
        detail=detail,
    )
    return Outcome(ended=EndReason.REPLAYED, ended_by=revocation_id)
