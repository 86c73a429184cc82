"""New devices: after a login with a new device its owner is asked about it, on pages and by mail.

The pages of the devices that were signed in before ask. Their sessions are marked at the login, on the row that every
request reads anyway, so a page that has nothing to ask runs no further statement. Only a device that was signed in before
can confirm the new one: a thief cannot confirm a stolen login.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from ..core.database import Database, once_more
from ..core.user_agents import plain_name
from ..mail import outgoing
from ..mail.outgoing import MailSettings
from ..sessions import Login, Session, client_of, live
from ..web.request import Request
from . import letters

# The new session is the one that has this login's refresh token. The other sessions are locked in the order in which every
# act locks several sessions; in another order a concurrent revocation of the same person would deadlock.
_MARK = text(
    f"""
WITH fresh AS (
  SELECT id, created_at FROM sessions WHERE user_id = :user_id AND site = :site AND refresh_token_id = :token_id
), asked AS (
  INSERT INTO new_sign_ins (session_id, user_id, site) SELECT id, :user_id, :site FROM fresh
  ON CONFLICT (session_id) DO NOTHING
), due AS MATERIALIZED (
  SELECT s.id, fresh.id AS new_sign_in FROM sessions s, fresh
  WHERE s.user_id = :user_id AND s.site = :site AND s.id <> fresh.id AND {live.LIVE}
  ORDER BY s.id FOR UPDATE OF s
), marked AS (
  UPDATE sessions s SET new_sign_in = due.new_sign_in FROM due WHERE s.id = due.id
)
SELECT created_at FROM fresh"""
)

# The oldest open question comes first: of two questions, the second must not hide the first.
_OPEN = f"""SELECT n.session_id, s.agent, s.address, s.created_at FROM new_sign_ins n
    JOIN sessions s ON s.id = n.session_id JOIN sessions me ON me.id = :me
    WHERE n.user_id = me.user_id AND n.site = me.site AND n.session_id <> me.id AND n.created_at > me.created_at
      AND {live.LIVE}"""

_NEXT = text(
    f"""
WITH next AS ({_OPEN} ORDER BY n.created_at LIMIT 1), done AS (
  UPDATE sessions SET new_sign_in = NULL WHERE id = :me AND NOT EXISTS (SELECT 1 FROM next)
)
SELECT session_id, agent, host(address) AS address, created_at FROM next"""
)

_KNOWN = text(
    f"""DELETE FROM new_sign_ins WHERE session_id IN (SELECT session_id FROM ({_OPEN}) open WHERE session_id = :id)
    RETURNING 1"""
)

# Only a device that could confirm the new one can take it back.
_ASK_AGAIN = text(
    f"""
WITH doubted AS (
  SELECT s.id, s.user_id, s.site, s.created_at FROM sessions s JOIN sessions me ON me.id = :me
  WHERE s.id = :id AND s.user_id = me.user_id AND s.site = me.site AND s.created_at > me.created_at AND {live.LIVE}
), asked AS (
  INSERT INTO new_sign_ins (session_id, user_id, site, created_at) SELECT id, user_id, site, created_at FROM doubted
  ON CONFLICT (session_id) DO NOTHING
), marked AS (
  UPDATE sessions SET new_sign_in = doubted.id FROM doubted WHERE sessions.id = :me
)
SELECT id FROM doubted"""
)


@dataclass(frozen=True)
class NewSignIn:
    """A login with a new device that the owner is asked about."""

    session_id: UUID
    device: str
    address: str | None
    at: datetime


@once_more
def tell(request: Request, login: Login) -> None:
    """Mark the person's other live sessions on this site, and queue the letter.

    The login calls it for a new device of a person who has logged in to this site before. Raises DBAPIError.
    """
    site, client, settings = request.site, client_of(request), request.services.get(MailSettings)
    values = {"user_id": login.user_id, "site": site.name, "token_id": login.refresh_token_id}
    with request.db.transaction() as connection:
        row = connection.execute(_MARK, values).first()
        if row is not None and settings.on and settings.new_device:
            device = plain_name(client.agent)
            letter = letters.new_device(
                login.user_email,
                login.user_name,
                site,
                row.created_at,
                device,
                client.address,
                login.user_id,
            )
            outgoing.queue(connection, letter)


def asked(db: Database, session: Session) -> NewSignIn | None:
    """Return the login that this session's pages ask about, or None. One statement if the session is marked, else none."""
    if session.new_sign_in is None:
        return None
    row = db.one(_NEXT, me=session.id)
    if row is None:
        return None
    return NewSignIn(row["session_id"], plain_name(row["agent"]), row["address"], row["created_at"])


def confirm(db: Database, session: Session, session_id: UUID) -> bool:
    """Note that the owner knows the device. Return False if this session is newer, or if the question is closed."""
    return bool(db.all(_KNOWN, me=session.id, id=session_id))


@once_more
def ask_again(db: Database, session: Session, session_id: UUID) -> bool:
    """Ask about a device again that this session has confirmed. Return False if it is signed out, or if
    this session could not have confirmed it.
    """
    with db.transaction() as connection:
        return connection.execute(_ASK_AGAIN, {"me": session.id, "id": session_id}).first() is not None
