"""The outcome of a request's two cookies: the rules that every signed-in request goes through, in their order.

A request is signed in only by a session id and a refresh token that were issued together. rotation.py has the rules:
what a pair is to its session, and what follows. This module reads the facts, applies the rules, and acts. Internal: see
`Sessions.resume`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from . import (
    binding,
    deny_rules,
    flags,
    lookup,
    quarantine,
    records,
    refusals,
    renewal,
    revocation,
    risk_signals,
    unmatched_cookies,
)
from .audit import Client
from .authority import RefreshRefused
from .binding import Skipped
from .context import SessionContext
from .keyring import new_session_id
from .model import Outcome, Pair, Reason, SessionBusy
from .rotation import Step, next_step
from .rows import FoundSession
from .scope import Scope
from .vocabulary import EndReason, EventName, FlagKind, InitiatingEntity, State, Withheld


@dataclass(frozen=True)
class Presented:
    """A request as far as its session is concerned. `only`, `touch`, `refresh`, `end` and `skipped` are those of
    `Sessions.resume`.

    `token_refused`: the provider was asked again for a lost token, and gives it no more.
    """

    pair: Pair
    client: Client
    only: UUID | None = None
    touch: bool = True
    refresh: bool = True
    end: bool = False
    skipped: Sequence[Skipped] = ()
    token_refused: bool = False


def resume_once(context: SessionContext, presented: Presented) -> Outcome | None:
    """Judge the cookies by one look at the session. None where it has to be looked at again: another request is
    refreshing it, or the provider was asked meanwhile. Raises AuthorityUnavailable.
    """
    pair, client = presented.pair, presented.client
    found = lookup.find(context, pair, client) if pair.session_id else None
    if found is None:
        if pair.session_id or pair.refresh_token:
            unmatched_cookies.note(context, pair, client)
        return Outcome()
    if not found.paired:
        flags.flag(context, found, client, FlagKind.SESSION_WITHOUT_REFRESH_TOKEN)
        unmatched_cookies.note_other_refresh_token(context, pair, client, found.id)
        refusals.note(
            context, found.id, FlagKind.SESSION_WITHOUT_REFRESH_TOKEN, client, **refusals.facts(found)
        )
        return Outcome()
    outcome = _judge(context, found, presented)
    if outcome is None:
        return None
    if outcome.ended is not None:
        refusals.note(context, found.id, outcome.ended, client, **refusals.facts(found))
    return replace(outcome, presented=found.id)


def _judge(context: SessionContext, found: FoundSession, presented: Presented) -> Outcome | None:
    """Judge a pair that was issued together."""
    client = presented.client
    if not found.live:
        if found.ended_by:
            flags.flag(context, found, client, FlagKind.SESSION_USE_AFTER_EXPIRE)
        reason = found.end_reason or (State.REVOKED if found.ended_by else State.EXPIRED)
        return Outcome(ended=reason, ended_by=found.ended_by)
    if found.bound and not found.with_key and not presented.end:
        # Before the rules of rotation: a pair without its key shows that it was copied, and says nothing of the browser.
        why = binding.note_without_key(context, found, client, presented.skipped)
        return Outcome(ended=why, withheld_session=found.id, without_key=True)
    facts = found.facts(elsewhere=risk_signals.is_elsewhere(found.last_address, found.last_agent, client))
    step = next_step(facts, context.config.timing, quiet=not presented.touch)
    if step is Step.END:
        return _end_replayed(context, found, client)
    if presented.end:
        # Also while nothing is served on it.
        return Outcome(found.session())
    foreign = presented.only is not None and found.id != presented.only
    if foreign or not presented.refresh:
        # The form belongs to another session, and the caller refuses it; or a page says that a form was refused. Either
        # way this session is left untouched.
        if found.rule_id or found.quarantined_at:
            return Outcome(ended=_why_withheld(found), withheld_session=found.id)
        return Outcome(found.session())
    withheld = _withhold(context, found, client)
    if withheld is not None:
        return withheld
    return _carry_out(context, found, presented, step)


def _why_withheld(found: FoundSession) -> Withheld:
    """Return why nothing is served on a session that a deny rule refuses or that is in quarantine."""
    if found.rule_id:
        return Withheld.BLOCKED
    return Withheld.NOT_BOUND if found.quarantine_reason == EndReason.NOT_BOUND else Withheld.QUARANTINED


def _withhold(context: SessionContext, found: FoundSession, client: Client) -> Outcome | None:
    """Refuse a live session that a deny rule refuses or that is in quarantine; None where it may be served."""
    if found.rule_id:
        deny_rules.hit(context.db, found.rule_id)
        flags.flag(context, found, client, FlagKind.SESSION_BLOCKED)
        return Outcome(ended=Withheld.BLOCKED, withheld_session=found.id)
    if found.quarantined_at:
        return Outcome(ended=_why_withheld(found), withheld_session=found.id)
    if found.unbindable and context.config.binding == "require":
        reason = Reason(InitiatingEntity.POLICY, "device binding", EndReason.NOT_BOUND)
        quarantine.enter(context.db, [found.id], reason, client)
        return Outcome(ended=Withheld.NOT_BOUND, withheld_session=found.id)
    if not _quarantine_suspicious(context, found, client):
        return None
    return Outcome(ended=Withheld.QUARANTINED, withheld_session=found.id)


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
    records.see_place(context.db, found, client)
    reason = Reason(InitiatingEntity.POLICY, "risk signals", signals[0])
    quarantine.enter(context.db, [found.id], reason, client)
    return True


def _carry_out(
    context: SessionContext, found: FoundSession, presented: Presented, step: Step
) -> Outcome | None:
    """Do what the rules say of a pair that may be served. None where the session has to be looked at again."""
    pair, client, config = presented.pair, presented.client, context.config
    if step is Step.TAKE_OVER:
        if not records.take_over(
            context.db, found, client, idle=config.idle, rotate_every=config.rotate_every
        ):
            return None
        found = found.taken_over(config.timing)
        step = next_step(found.facts(), config.timing, quiet=not presented.touch)
    if step is Step.QUARANTINE:
        return _quarantine(context, found, client)
    if step is Step.WAIT:
        return None
    if step is Step.REFRESH:
        if not presented.touch:
            raise SessionBusy("a prefetch refreshes nothing: nobody waits for it")
        return renewal.refresh(context, found, pair, client)
    if found.roles_due and renewal.read_roles(context, found, client):
        return None
    _note_use(context, found, presented)
    if step is Step.HAND_OUT:
        if found.token_outdated and not presented.token_refused:
            try:
                return renewal.repeat(context, found, pair, client)
            except RefreshRefused:
                return resume_once(context, replace(presented, token_refused=True))
        return _hand_out(context, found, pair, client)
    return Outcome(found.session())


def _note_use(context: SessionContext, found: FoundSession, presented: Presented) -> None:
    """Extend the session by a use of its head, at most once in `touch_every` from one place. A pair in its grace extends
    nothing, but the place it was used from is written down.
    """
    client, config = presented.client, context.config
    new_place = (found.last_address, found.last_agent) != (client.address, client.agent)
    if found.number == found.head and presented.touch:
        if new_place or found.touch_due:
            records.touch(context.db, found, client, idle=config.idle, touch_every=config.touch_every)
    elif new_place:
        records.see_place(context.db, found, client)


def _hand_out(context: SessionContext, found: FoundSession, pair: Pair, client: Client) -> Outcome:
    """Hand a successor to one tab. The others are served as they are and get no cookie."""
    successor, timing = Pair(new_session_id(), pair.refresh_token), context.config.timing
    handed = records.hand_out(
        context.db, found, context.credential(successor), client, retry=timing.retry, cap=timing.cap
    )
    return Outcome(
        found.session(), issue=successor if handed else None, max_age=found.ends_in if handed else 0
    )


def _quarantine(context: SessionContext, found: FoundSession, client: Client) -> Outcome:
    """Ask for the password: the browser fell back to older cookies, or shows none of those that it was given."""
    starved = found.number == found.head
    code = EndReason.SUCCESSORS_UNSHOWN if starved else EndReason.OLDER_COOKIES
    reason = Reason(InitiatingEntity.POLICY, "rotation", code)
    quarantine.enter(context.db, [found.id], reason, client)
    return Outcome(ended=Withheld.QUARANTINED, withheld_session=found.id)


def _end_replayed(context: SessionContext, found: FoundSession, client: Client) -> Outcome:
    """End a session whose replaced pair came back after its grace: two browsers hold it, and one of them stole it."""
    reason = Reason(InitiatingEntity.POLICY, "replay detection", EndReason.REPLAYED)
    age = found.replaced_age
    detail = {
        "presented": found.number,
        "replaced_seconds": None if age is None else round(age),
        "head": found.head,
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
