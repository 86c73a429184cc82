"""Apply a provider's news of its users between their logins: new names, roles that may be gone, and suspicions.

For the receiver of its webhooks. Each function runs in the caller's transaction, so that a message is applied once.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA

from . import flags
from .audit import Client, Event
from .live import LIVE
from .vocabulary import FlagKind, InitiatingEntity

# A provider's own refresh reports itself, sooner or later than its response arrives: so far may the two be apart.
_APART = 60
# One message marks so many sessions at most: it is handled while the provider waits. The others follow at their refresh.
_MOST = 10_000


# A late message must not bring an older name back: `before` is the instant of the message.
_RENAME = text(
    f"""WITH m AS (
      SELECT s.id FROM sessions s WHERE s.user_id = :user_id AND {LIVE} AND (s.user_name, s.user_email) <> (:name, :email)
        AND s.roles_read_at <= CAST(:before AS timestamptz) ORDER BY s.id FOR UPDATE)
    UPDATE sessions t SET user_name = :name, user_email = :email FROM m WHERE t.id = m.id RETURNING t.id"""
)

# As if the roles had been read long ago: they are due at the session's next request (`lookup._ROLES_DUE`).
_ROLES_ARE_OLD = text(
    f"""WITH m AS (
      SELECT s.id FROM sessions s WHERE s.site = :site AND s.roles && CAST(:roles AS text[]) AND {LIVE}
        AND s.user_id <> ALL (CAST(:except_users AS uuid[])) AND s.roles_read_at <= CAST(:before AS timestamptz)
      ORDER BY s.id FOR UPDATE LIMIT {_MOST})
    UPDATE sessions t SET roles_read_at = 'epoch' FROM m WHERE t.id = m.id"""
)

_REFRESHED = text(
    f"""SELECT s.id, s.user_id FROM session_credentials c JOIN sessions s ON s.id = c.session_id
    WHERE c.refresh_hash = ANY (:hashes) AND {LIVE} AND (s.lease_until IS NULL OR s.lease_until <= now())
      AND greatest(s.refreshed_at, s.created_at) < CAST(:at AS timestamptz) - :apart * interval '1 second'
    LIMIT 1"""
).bindparams(bindparam("hashes", type_=ARRAY(BYTEA)))


def rename(connection: Connection, user_id: UUID, name: str, email: str, before: datetime) -> int:
    """Give a user's live sessions the user's new name and address, except those that were read later than `before`.

    Returns how many sessions have changed. An earlier address still finds the user: ended sessions keep theirs.
    """
    values = {"user_id": user_id, "name": name, "email": email, "before": before}
    return len(connection.execute(_RENAME, values).all())


def mark_roles_old(
    connection: Connection, site: str, roles: Sequence[str], except_users: Sequence[UUID], before: datetime
) -> None:
    """Have the roles read again of the site's live sessions that have one of these roles, at most 10,000 of them."""
    values = {"site": site, "roles": list(roles), "except_users": list(except_users), "before": before}
    connection.execute(_ROLES_ARE_OLD, values)


def flag_foreign_refresh(
    connection: Connection, site: str, hashes: Sequence[bytes], at: datetime, client: Client
) -> UUID | None:
    """Flag the live session of a refresh token that the provider has refreshed for somebody else at an instant.

    The provider does not know which of its callers are ours, so anybody who has the token can refresh it there. A refresh
    of ours holds the session's lease, or has ended within a minute. Returns the session's id, or None.
    """
    values = {"hashes": list(hashes), "at": at, "apart": _APART}
    row = connection.execute(_REFRESHED, values).first()
    if row is None:
        return None
    event = Event(
        FlagKind.REFRESHED_ELSEWHERE,
        site,
        client,
        initiating_entity=InitiatingEntity.PROVIDER,
        user_id=row.user_id,
        session_id=row.id,
    )
    flags.count(connection, event)
    found: UUID = row.id
    return found
