"""Cookies that belong to no session of this site: refused like no cookies at all, and told apart for the audit log.

A refresh token without its session id (attack A1), a session id of another site, or one that we never made (OWASP's
"strict session management": never adopted, and suspicious).
"""

from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA

from . import audit, records, risk_signals
from .audit import Client, Event
from .model import Pair

if TYPE_CHECKING:
    from .lifecycle import Sessions

_BY_SESSION_ID = text(
    """SELECT s.id, s.user_id FROM session_credentials c JOIN sessions s ON s.id = c.session_id
    WHERE c.session_hash = ANY (:hashes)"""
).bindparams(bindparam("hashes", type_=ARRAY(BYTEA)))

# One row a network and hour, and at most sixty a minute: whoever sends made-up cookies shall not write our log full.
_NEWS = text(
    """SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM (SELECT address, at FROM audit_log
      WHERE event = 'strict_session_violation' ORDER BY id DESC LIMIT 200) recent
      WHERE recent.at > now() - interval '1 hour' AND recent.address <<= CAST(:network AS cidr))
    AND (SELECT count(*) FROM (SELECT at FROM audit_log
      WHERE event = 'strict_session_violation' ORDER BY id DESC LIMIT 60) latest
      WHERE latest.at > now() - interval '1 minute') < 60"""
)


def note(sessions: "Sessions", pair: Pair, client: Client) -> None:
    """Write down what cookies are that no session of this site knows."""
    if note_refresh_token(sessions, pair, client) or pair.session_id is None:
        return
    hashes = _hashes(sessions, "session", pair.session_id, elsewhere=True)
    row = sessions.db.one(_BY_SESSION_ID, hashes=hashes)
    if row is not None:
        sessions.note(row, client, "cross_app_token")
    else:
        _note_made_up(sessions, client)


def note_refresh_token(
    sessions: "Sessions", pair: Pair, client: Client, *, beside: UUID | None = None
) -> bool:
    """Count a refresh token that came without its session id on the session it belongs to, unless that is the one
    `beside`; False where it belongs to none. Nobody is ever signed in by it.
    """
    if pair.refresh_token is None:
        return False
    row = records.by_refresh_token(sessions.db, _hashes(sessions, "refresh", pair.refresh_token))
    if row is not None and row["id"] != beside:
        sessions.note(row, client, "refresh_without_session")
    return row is not None


def _hashes(sessions: "Sessions", kind: str, secret: str, *, elsewhere: bool = False) -> list[bytes]:
    """What the database may hold for a secret of this site, or of all the others."""
    config = sessions.config
    sites = [site for site in config.sites if site != config.site] if elsewhere else [config.site]
    return [digest for site in sites for digest in config.secrets.digests(site, kind, secret)]


def _note_made_up(sessions: "Sessions", client: Client) -> None:
    if sessions.db.one(_NEWS, network=risk_signals.network(client.address)):
        event = Event("strict_session_violation", sessions.config.site, client, initiating_entity="user")
        audit.append(sessions.db, event)
