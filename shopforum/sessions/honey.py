"""Honey tokens: secrets that belong to nobody and are planted where a thief would look.

One is planted as a cookie in a jar, as a refresh token, or as an API token behind its prefix: in a backup, a vault, a ticket, a wiki.
It opens nothing and is in no list of sessions. Its presenter has read the place where it was planted, and reveals an
address. The response is the same as to any unknown cookie or token.
"""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA

from ..core.database import Database, once_more
from . import audit
from .audit import Client, Event
from .keyring import Keyring, new_session_id
from .vocabulary import EventName, InitiatingEntity

_KIND = "honey"

_PLANT = text(
    "INSERT INTO honey_tokens (hash, key_id, place, actor) VALUES (:hash, :key_id, :place, :actor) RETURNING id"
)

_HIT = text(
    """UPDATE honey_tokens SET hits = hits + 1, first_hit_at = coalesce(first_hit_at, clock_timestamp()),
      last_hit_at = clock_timestamp(), last_address = CAST(:address AS inet), last_agent = :agent
    WHERE hash = ANY (:hashes) AND retired_at IS NULL RETURNING id, place, hits"""
).bindparams(bindparam("hashes", type_=ARRAY(BYTEA)))

_RETIRE = text(
    """UPDATE honey_tokens SET retired_at = clock_timestamp(), retired_by = :actor
    WHERE id = :id AND retired_at IS NULL RETURNING place"""
)


@once_more
def plant(db: Database, keys: Keyring, place: str, actor: str, client: Client) -> tuple[UUID, str]:
    """Make a honey token for a place; return its id and the secret, which has the shape of a session id and cannot be shown again."""
    secret = new_session_id()
    values = {"hash": keys.digest("", _KIND, secret), "key_id": keys.id, "place": place, "actor": actor}
    with db.transaction() as connection:
        made: UUID = connection.execute(_PLANT, values).scalar_one()
        audit.write(connection, _event(EventName.HONEY_PLANTED, "all", made, place, client, actor))
    return made, secret


@once_more
def note(db: Database, keys: Keyring, secrets: Iterable[str | None], site: str, client: Client) -> bool:
    """Record that secrets were presented which belong to nobody; return whether one of them is a honey token.

    The audit row is written at the first use and at every power of two after it.
    """
    hashes = [digest for secret in secrets if secret for digest in keys.digests("", _KIND, secret)]
    with db.transaction() as connection:
        rows = connection.execute(_HIT, {"hashes": hashes, **client.parameters()}).all()
        for row in rows:
            if audit.is_sampled(row.hits):
                audit.write(connection, _event(EventName.HONEY_USED, site, row.id, row.place, client))
    return bool(rows)


@once_more
def retire(db: Database, honey_id: UUID, actor: str, client: Client) -> bool:
    """Retire a honey token: it is not noticed any more. False where there is none, or it was retired before."""
    with db.transaction() as connection:
        row = connection.execute(_RETIRE, {"id": honey_id, "actor": actor}).first()
        if row is not None:
            event = _event(EventName.HONEY_RETIRED, "all", honey_id, row.place, client, actor)
            audit.write(connection, event)
    return row is not None


def _event(name: str, site: str, honey_id: UUID, place: str, client: Client, actor: str = "") -> Event:
    """Return an event. Without an actor it was the holder of the secret, whoever that is."""
    return Event(
        name,
        site,
        client,
        initiating_entity=InitiatingEntity.ADMIN if actor else InitiatingEntity.USER,
        actor=actor,
        detail={"honey": str(honey_id), "place": place},
    )
