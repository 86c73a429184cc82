"""Bound sessions: a key of the device, and a short-lived cookie beside the two that only a signature of that key renews.

A thief who copies the cookies can use them until the bound cookie expires, and cannot renew it: the private key does not leave
the device (W3C, Device Bound Session Credentials; binding_views.py speaks to the browser). A login offers the binding for
`live.BINDING_WINDOW` seconds. From the first accepted proof on, a request without a bound cookie of the session is refused (resume.py),
and nothing but a login undoes that.

A renewal changes no row of `sessions`, and needs no identity provider. Internal: see
`Sessions.bind` and `Sessions.renew_bound_cookie`.
"""

import hmac
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA

from ..core import metrics
from ..core.database import once_more
from . import audit, binding_proof, flags, lookup
from .audit import Client, Event
from .binding_proof import BadProof, DeviceKey
from .context import SessionContext
from .keyring import new_session_id
from .live import LIVE
from .model import Pair
from .rows import BoundSession, FoundSession
from .vocabulary import EventName, FlagKind, InitiatingEntity, SkipReason, Withheld

log = logging.getLogger(__name__)

# Challenges of one session and one purpose that are good at the same time: renewals run ahead, and two may overlap.
_CHALLENGES = 5
# Bound cookies of one session that are good at the same time. A browser has two or three; the holder of a key in software
# could fill the table.
_COOKIES = 20
# Seconds that a challenge outlives the bound cookie it was sent with: the next renewal signs it, without asking for another.
_CHALLENGE_OVERTIME = 300
# Seconds that a bound cookie outlives the browser's own: its response was under way, and so is a request that left in time. Such a
# request would else be taken for a thief's.
_COOKIE_OVERTIME = 5

_hashes = bindparam("challenge_hashes", type_=ARRAY(BYTEA))

# `renewal` comes with a bound cookie, to a browser that has just signed. `asked` is given to any request that asks.
_GIVE_CHALLENGE = """INSERT INTO session_challenges (hash, session_id, purpose, expires_at)
  SELECT CAST(:next_hash AS bytea), session_id, '{purpose}', now() + :challenge_life * interval '1 second' FROM"""
_RENEWAL_CHALLENGE = _GIVE_CHALLENGE.format(purpose="renewal")
_BOUND_COOKIE = """INSERT INTO session_bound_cookies (hash, session_id, expires_at)
  SELECT CAST(:cookie_hash AS bytea), session_id, now() + :cookie_life * interval '1 second' FROM"""

# The oldest challenges make room for the one that the statement gives out. Two renewals at once skip each other's rows.
# A challenge that was asked for pushes out none that came with a cookie: asking needs no key.
_TRIM_CHALLENGES = f"""DELETE FROM session_challenges WHERE hash = ANY (ARRAY(
    SELECT hash FROM session_challenges
    WHERE session_id = (SELECT session_id FROM {{source}}) AND purpose = '{{purpose}}' AND hash <> ALL (:challenge_hashes)
    ORDER BY expires_at DESC OFFSET {_CHALLENGES - 1} FOR UPDATE SKIP LOCKED))"""

_TRIM_COOKIES = f"""DELETE FROM session_bound_cookies WHERE hash = ANY (ARRAY(
    SELECT hash FROM session_bound_cookies WHERE session_id = (SELECT session_id FROM proven)
    ORDER BY expires_at DESC OFFSET {_COOKIES - 1} FOR UPDATE SKIP LOCKED))"""

# Of two registrations of one session, the second waits for the row and finds it bound: a thief with the cookies would bind a
# key of his own.
_BIND = text(
    f"""
WITH used AS (
  DELETE FROM session_challenges c WHERE c.hash = ANY (:challenge_hashes) AND c.session_id = :id
    AND c.purpose = 'registration' AND c.expires_at > now() RETURNING c.session_id
), bound AS (
  UPDATE sessions s SET bound_at = now() FROM used
  WHERE s.id = :id AND s.id = used.session_id AND s.bound_at IS NULL AND s.quarantined_at IS NULL AND {LIVE}
  RETURNING s.id AS session_id
), keyed AS (
  INSERT INTO session_keys (session_id, algorithm, public_key) SELECT session_id, :algorithm, :public_key FROM bound
), challenged AS (
  {_RENEWAL_CHALLENGE} bound
)
{_BOUND_COOKIE} bound RETURNING 1"""
).bindparams(_hashes)

# Found by the browser's name for it alone: before a link from another site is followed, the browser sends no cookies along.
# `elsewhere`: the browser has signed in again since, and this answer must not set the older session's cookie.
_BOUND_SESSION = text(
    f"""SELECT s.id, s.user_id, k.algorithm, k.public_key, {LIVE} AS live,
      EXISTS (SELECT 1 FROM session_credentials c WHERE c.session_hash = ANY (:session_hashes) AND c.session_id <> s.id)
        AS elsewhere
    FROM session_keys k JOIN sessions s ON s.id = k.session_id WHERE k.session_id = :id AND s.site = :site"""
).bindparams(bindparam("session_hashes", type_=ARRAY(BYTEA)))

_CHALLENGE = text(
    f"""
WITH bound AS (
  SELECT k.session_id FROM session_keys k JOIN sessions s ON s.id = k.session_id WHERE k.session_id = :id AND {LIVE}
), trimmed AS (
  {_TRIM_CHALLENGES.format(source="bound", purpose="asked")}
)
{_GIVE_CHALLENGE.format(purpose="asked")} bound RETURNING 1"""
).bindparams(_hashes)

# A challenge is used up by the statement that renews: of two that bring the same one, the second finds it gone.
_RENEW = text(
    f"""
WITH used AS (
  DELETE FROM session_challenges c USING sessions s
  WHERE c.hash = ANY (:challenge_hashes) AND c.session_id = :id AND c.purpose IN ('renewal', 'asked')
    AND c.expires_at > now() AND s.id = c.session_id AND {LIVE} RETURNING c.session_id
), proven AS (
  UPDATE session_keys k SET last_proof_at = now(), proofs = proofs + 1 FROM used
  WHERE k.session_id = used.session_id RETURNING k.session_id
), trimmed AS (
  {_TRIM_CHALLENGES.format(source="proven", purpose="renewal")}
), fewer AS (
  {_TRIM_COOKIES}
), challenged AS (
  {_RENEWAL_CHALLENGE} proven
)
{_BOUND_COOKIE} proven RETURNING 1"""
).bindparams(_hashes)

_NOTE_SKIPPED = text(
    "UPDATE session_keys SET skipped_reason = :reason, skipped_at = now() WHERE session_id = :id"
)

_WITHOUT_KEY = {
    SkipReason.QUOTA_EXCEEDED: Withheld.WITHOUT_KEY_QUOTA,
    SkipReason.SERVER_ERROR: Withheld.WITHOUT_KEY_SERVER,
    SkipReason.UNREACHABLE: Withheld.WITHOUT_KEY_NETWORK,
}


@dataclass(frozen=True)
class Binding:
    """The answer to a registration or a renewal.

    `identifier` is the session's name at the browser, "" in the answer to a refused registration. With `cookie`, the proof was
    accepted, and the browser gets a bound cookie. Without it, `challenge` is to be signed. With neither, the browser has to
    give the binding up. `challenge` beside `cookie` is for the next renewal.
    """

    identifier: str
    cookie: str | None = field(default=None, repr=False)
    challenge: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Skipped:
    """A browser's statement that it could not renew the bound cookie of the session that it knows by `identifier`."""

    reason: SkipReason
    identifier: str


def bind(context: SessionContext, pair: Pair, proof: str, audience: str, client: Client) -> Binding:
    """Bind the session of a pair to the key that the proof carries; see `Sessions.bind`."""
    offered = context.config.binding != "off" and pair.session_id
    found = lookup.find(context, pair, client) if offered else None
    if found is None or not (found.paired and found.live):
        return _refused(context)
    try:
        key, challenge = binding_proof.registration(proof, audience)
    except BadProof as bad:
        return _refused(context, found, client, bad.why)
    answer = Binding(key.identifier(found.id), new_session_id(), new_session_id())
    event = context.event(EventName.SESSION_BOUND, client, found.id, found.user_id, InitiatingEntity.USER)
    event = replace(event, detail={"algorithm": key.algorithm, "key": key.thumbprint})
    if not _commit(context, answer, challenge, key, event):
        return _refuse_challenge(context, pair, client)
    _count(context, "bound")
    return answer


def renew(
    context: SessionContext, identifier: str, pair: Pair, proof: str | None, audience: str, client: Client
) -> Binding:
    """Answer a browser that wants a new bound cookie; see `Sessions.renew_bound_cookie`."""
    bound = _find(context, identifier, pair)
    if bound is None or not bound.live or bound.elsewhere:
        _count(context, "ended")
        return Binding(identifier)
    challenge = None
    if proof is not None:
        try:
            challenge = binding_proof.renewal(proof, _key(bound), audience)
        except BadProof as bad:
            return _refused(context, bound, client, bad.why, identifier)
        answer = Binding(identifier, new_session_id(), new_session_id())
        if context.db.one(_RENEW, **_values(context, bound.id, answer, challenge)):
            _count(context, "renewed")
            return answer
        # The challenge is used up or too old, as after a lost answer; or the session has ended since.
    answer = Binding(identifier, challenge=new_session_id())
    if not context.db.one(_CHALLENGE, **_values(context, bound.id, answer, challenge)):
        _count(context, "ended")
        return Binding(identifier)
    _count(context, "challenged")
    return answer


def note_without_key(
    context: SessionContext, found: FoundSession, client: Client, skipped: Sequence[Skipped]
) -> Withheld:
    """Record a request of a bound session that came without its key; return why it is not served.

    A browser may say why it has not renewed the cookie. That explains the refusal, and prevents none.
    """
    flags.flag(context, found, client, FlagKind.SESSION_USED_WITHOUT_KEY)
    _count(context, "without_key")
    named = [one for one in skipped if binding_proof.session_id(one.identifier) == found.id]
    if not named or _find(context, named[0].identifier, Pair()) is None:
        return Withheld.WITHOUT_KEY
    reason = named[0].reason
    log.warning("the browser of session %s has not renewed its bound cookie: %s", found.id, reason)
    context.db.all(_NOTE_SKIPPED, id=found.id, reason=reason)
    return _WITHOUT_KEY[reason]


@once_more
def _commit(context: SessionContext, answer: Binding, challenge: str, key: DeviceKey, event: Event) -> bool:
    """Bind the event's session; False where the challenge is not good, or the session is bound or over by now."""
    if event.session_id is None:
        raise ValueError("the event of a binding names its session")
    with context.db.transaction() as connection:
        values = _values(context, event.session_id, answer, challenge) | vars(key)
        if connection.execute(_BIND, values).first() is None:
            return False
        audit.write(connection, event)
        return True


def _find(context: SessionContext, identifier: str, pair: Pair) -> BoundSession | None:
    """Return the bound session that a browser knows by this name, or None."""
    session_id, config = binding_proof.session_id(identifier), context.config
    hashes = config.secrets.digests(config.site, "session", pair.session_id) if pair.session_id else []
    row = context.db.one(_BOUND_SESSION, id=session_id, site=config.site, session_hashes=hashes)
    bound = None if row is None else BoundSession(**row)
    return bound if bound and hmac.compare_digest(_key(bound).identifier(bound.id), identifier) else None


def _key(bound: BoundSession) -> DeviceKey:
    return DeviceKey(bound.algorithm, bound.public_key)


def _values(
    context: SessionContext, session_id: UUID, answer: Binding, challenge: str | None
) -> dict[str, object]:
    """Return the parameters of the statements: hashes of what was presented, and of what is given out."""
    config = context.config
    site, secrets = config.site, config.secrets
    return {
        "id": session_id,
        "challenge_hashes": secrets.digests(site, "challenge", challenge) if challenge else [],
        "next_hash": secrets.digest(site, "challenge", answer.challenge) if answer.challenge else None,
        "challenge_life": config.binding_life + _CHALLENGE_OVERTIME,
        "cookie_hash": secrets.digest(site, "bound", answer.cookie) if answer.cookie else None,
        "cookie_life": config.binding_life + _COOKIE_OVERTIME,
    }


def _refuse_challenge(context: SessionContext, pair: Pair, client: Client) -> Binding:
    """Refuse a registration whose signature is good and whose challenge is not.

    Counted as long as the session could be bound: the challenge was invented, or another registration was faster. A browser
    whose key store is slow may only have come too late.
    """
    found = lookup.find(context, pair, client)
    if found is None or not found.live or found.quarantined_at or found.unbindable:
        return _refused(context)
    return _refused(context, found, client, "bound_already" if found.bound else "challenge")


def _refused(
    context: SessionContext,
    session: FoundSession | BoundSession | None = None,
    client: Client | None = None,
    why: str = "",
    identifier: str = "",
) -> Binding:
    """Refuse a registration or a proof; with a session, the refusal is counted as a flag of it.

    The answer has the session's name at the browser only where the browser has given it: for a thief with the cookies, the
    name would be news.
    """
    _count(context, "refused")
    if session is not None and client is not None:
        event = context.event(
            FlagKind.SESSION_BINDING_REFUSED, client, session.id, session.user_id, InitiatingEntity.USER
        )
        flags.note(context.db, replace(event, detail={"why": why}))
    return Binding(identifier)


def _count(context: SessionContext, outcome: str) -> None:
    metrics.BINDINGS.labels(context.config.site, outcome).inc()
