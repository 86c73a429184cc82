"""Cookies that belong to no session of this site: refused like absent cookies, and told apart in the audit log.

Five cases: a honey token (honey.py), a refresh token without its session id (attack A1), a session id of another site, a session id that was
never issued (OWASP's "strict session management": never adopted, and suspicious), and a cookie that came twice, so that
one of the two was planted. Internal.
"""

from typing import Any
from uuid import UUID

from sqlalchemy import text

from ..core import addresses
from ..core.text import clean
from . import audit, flags, honey, records, refusals
from .audit import Client, Event
from .context import SessionContext
from .model import Pair
from .vocabulary import EventName, FlagKind, InitiatingEntity

# Names of cookies in one row, and characters of a name: the sender chooses them.
_MOST_NAMES, _LONGEST_NAME = 10, 60

# Returns a row where another row of an event may be written: one for each network and hour, and at most sixty a minute.
# So a flood of invented cookies neither fills the log nor hides the other event.
_MAY_WRITE = text(
    """SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM (SELECT address, at FROM audit_log
      WHERE event = :event ORDER BY id DESC LIMIT 200) recent
      WHERE recent.at > now() - interval '1 hour' AND recent.address <<= CAST(:network AS cidr))
    AND (SELECT count(*) FROM (SELECT at FROM audit_log WHERE event = :event ORDER BY id DESC LIMIT 60) latest
      WHERE latest.at > now() - interval '1 minute') < 60"""
)


def note(context: SessionContext, pair: Pair, client: Client) -> None:
    """Record a pair whose session id belongs to no session of this site."""
    owned = note_refresh_token(context, pair, client)
    planted = _note_honey(context, [pair.session_id, None if owned else pair.refresh_token], client)
    if owned or planted or pair.session_id is None:
        return
    hashes = _hashes(context, "session", pair.session_id, elsewhere=True)
    owner = records.by_session_id(context.db, hashes)
    if owner is not None:
        flags.flag(context, owner, client, FlagKind.CROSS_APP_TOKEN)
        refusals.note(context, owner.id, FlagKind.CROSS_APP_TOKEN, client)
    else:
        _note(context, EventName.MADE_UP_SESSION_ID, client)


def note_sent_twice(context: SessionContext, names: list[str], client: Client) -> None:
    """Record that cookies of these names came more than once. None of them was read (`cookies.read`).

    It is an event of its own: an invented session id comes from a guesser, a second cookie was planted in a browser.
    """
    shown = [clean(name, _LONGEST_NAME) for name in names[:_MOST_NAMES]]
    _note(context, EventName.DUPLICATE_COOKIE, client, cookies=shown)


def note_other_refresh_token(context: SessionContext, pair: Pair, client: Client, session_id: UUID) -> None:
    """Record a refresh token that came beside the session id of another session: a stolen one, or a honey token that a thief tries
    beside an own session.
    """
    if not note_refresh_token(context, pair, client, beside=session_id):
        _note_honey(context, [pair.refresh_token], client)


def _note_honey(context: SessionContext, secrets: list[str | None], client: Client) -> bool:
    return honey.note(context.db, context.config.secrets, secrets, context.config.site, client)


def note_refresh_token(
    context: SessionContext, pair: Pair, client: Client, *, beside: UUID | None = None
) -> bool:
    """Flag the session of a refresh token that came without its session id, unless that session is `beside`.

    Returns False where the token belongs to no session. Nobody is ever signed in by it.
    """
    if pair.refresh_token is None:
        return False
    owner = records.by_refresh_token(context.db, _hashes(context, "refresh", pair.refresh_token))
    if owner is not None and owner.id != beside:
        flags.flag(context, owner, client, FlagKind.REFRESH_WITHOUT_SESSION)
        refusals.note(context, owner.id, FlagKind.REFRESH_WITHOUT_SESSION, client)
    return owner is not None


def _hashes(context: SessionContext, kind: str, secret: str, *, elsewhere: bool = False) -> list[bytes]:
    """Return the digests that the database may hold for a secret of this site, or of all other sites."""
    config = context.config
    sites = [site for site in config.sites if site != config.site] if elsewhere else [config.site]
    return [digest for site in sites for digest in config.secrets.digests(site, kind, secret)]


def _note(context: SessionContext, event: EventName, client: Client, **detail: Any) -> None:
    if context.db.one(_MAY_WRITE, event=event, network=addresses.household(client.address)):
        site, user = context.config.site, InitiatingEntity.USER
        audit.append(context.db, Event(event, site, client, initiating_entity=user, detail=detail))
