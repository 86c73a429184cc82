"""The acts of sessions: what somebody did while signed in, kept for a while, so that an incident can tell what a thief did.

A row has the session, the kind of act, when, from which address and browser, and a reference to the object, such as an order's
number. It has no content: no text of a post, no postal address. It is written in the transaction of the act, in the database of
the act, and deleted after `sessions.acts_days`. Acts of the console's admins are in the audit log, and not again here.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from pyramid.httpexceptions import HTTPForbidden
from sqlalchemy import Connection, text

from ..core.database import Database, once_more
from ..core.purge import Purge
from ..core.relay import Relayed
from . import tables
from .audit import Client
from .policy import client_of
from .request import SessionRequest
from .vocabulary import ActKind

PURGES = (Purge("session_acts", "expires_at < now()", order="expires_at"),)
# A session does one thing with one object at a time.
RELAYED = (Relayed(tables.acts, ordered="id", since="at", same=("session_id", "at", "kind", "reference")),)

_WRITE = text(
    """INSERT INTO session_acts (session_id, user_id, site, kind, reference, address, agent, expires_at)
    SELECT :session_id, :user_id, :site, :kind, :reference, CAST(:address AS inet), :agent,
      clock_timestamp() + :days * interval '1 day' WHERE :days > 0"""
)


@dataclass(frozen=True)
class ActingSession:
    """The session on which somebody acts, and the client of the request. Acts are kept for `days`; 0: none is."""

    session_id: UUID
    user_id: UUID
    site: str
    client: Client
    days: int


def acting(request: SessionRequest) -> ActingSession:
    """Return the session on which a request acts. Raises HTTPForbidden for a visitor's."""
    session = request.identity
    if session is None:
        raise HTTPForbidden
    days = request.sessions.config.acts_days
    return ActingSession(session.id, session.user_id, session.site, client_of(request), days)


def write(connection: Connection, by: ActingSession | None, kind: ActKind, reference: object = "") -> None:
    """Write down an act in its own transaction. `by` is None for what no session does, as a program."""
    if by is None:
        return
    values: dict[str, Any] = {"session_id": by.session_id, "user_id": by.user_id, "site": by.site}
    values |= {"kind": kind, "reference": str(reference), "days": by.days}
    values |= {"address": by.client.address, "agent": by.client.agent}
    connection.execute(_WRITE, values)


@once_more
def note(db: Database, by: ActingSession, kind: ActKind, reference: object = "") -> None:
    """Write down an act that changes nothing, such as an export, in a transaction of its own."""
    with db.transaction() as connection:
        write(connection, by, kind, reference)
