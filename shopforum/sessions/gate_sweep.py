"""The sweep behind a gate: rows of sessions that a gate has ended are marked as ended, in small steps.

A session behind a closed gate is over at once, whatever its row says. The mark is for the lists and for the receipt,
which counts marked rows. The sessions of a site or of everyone are counted here alone, step by step: until `marked_at` is
written, `matched` of the revocation says "at least".
"""

from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from ..core.database import Database, once_more
from .live import UNENDED
from .scope import Scope

# Sessions marked in one transaction.
STEP = 500

# Sessions that a revocation's gate has ended and that are not marked. The scope is bound and not joined with the revocation's row, or a user's revocation would not
# use the index of users. Sessions of a site and of everyone are found in the order of their absolute ends: sessions that
# expired long ago are not read, and those that began after the gate stand at the end.
_BEHIND = f"""{UNENDED}
    AND (CAST(:user_id AS uuid) IS NULL OR s.user_id = :user_id) AND (CAST(:site AS text) IS NULL OR s.site = :site)
    AND s.epoch < :epoch AND (CAST(:until AS timestamptz) IS NULL OR s.authenticated_at <= :until)"""

# A row that another transaction has locked is left for the next step. A login that was in flight got a token that the
# provider's bulk revocation may have missed, so the provider is told of it by its own message.
_MARK = text(
    f"""
WITH ended AS (
  UPDATE sessions s SET ended_at = clock_timestamp(), end_reason = r.reason_code, revocation_id = r.id,
    lease = NULL, lease_until = NULL
  FROM revocations r WHERE r.id = :revocation_id AND s.id = ANY (ARRAY(
    SELECT s.id FROM sessions s WHERE {_BEHIND} ORDER BY s.absolute_end LIMIT :step FOR UPDATE OF s SKIP LOCKED))
  RETURNING s.id, s.site, s.user_id, s.refresh_token_id, s.created_at > r.created_at AS late
), told AS (
  INSERT INTO revocation_outbox (revocation_id, site, user_id, refresh_token_id)
  SELECT :revocation_id, site, user_id, refresh_token_id FROM ended WHERE late AND refresh_token_id IS NOT NULL
)
SELECT count(*) FROM ended"""
)

_COUNT = text("UPDATE revocations SET matched = matched + :marked WHERE id = :id")

_MORE = text(f"SELECT 1 FROM sessions s WHERE {_BEHIND} ORDER BY s.absolute_end LIMIT 1")

# A login that began before a revocation and ends after it. The provider issued its token after the bulk revocation.
_END_LATE = text(
    """
WITH ended AS (
  UPDATE sessions s SET ended_at = clock_timestamp(), end_reason = r.reason_code, revocation_id = r.id
  FROM revocations r WHERE s.id = :id AND r.id = :revocation_id AND s.ended_at IS NULL
  RETURNING s.site, s.user_id, s.refresh_token_id
)
INSERT INTO revocation_outbox (revocation_id, site, user_id, refresh_token_id)
SELECT :revocation_id, site, user_id, refresh_token_id FROM ended WHERE refresh_token_id IS NOT NULL"""
)

_NUMBER = text("SELECT epoch, authenticated_until AS until FROM revocations WHERE id = :id")

# A revocation whose sessions are all marked is looked at once more when it has settled: looking for nothing reads every
# live session of its reach.
_SETTLED = "created_at < clock_timestamp() - interval '1 minute'"
_OPEN = text(
    f"""SELECT id, scope, user_id, site, epoch, authenticated_until AS until, {_SETTLED} AS settled
    FROM revocations WHERE marked_at IS NULL AND (swept_at IS NULL OR {_SETTLED}) ORDER BY created_at LIMIT 20"""
)

_SWEPT = text("UPDATE revocations SET swept_at = clock_timestamp() WHERE id = :id")

_CLOSE = text("UPDATE revocations SET marked_at = clock_timestamp() WHERE id = :id")


def end_late(connection: Connection, revocation_id: UUID, session_id: UUID) -> None:
    """End a session that was revoked while its password was checked, and have its token revoked at the provider."""
    connection.execute(_END_LATE, {"revocation_id": revocation_id, "id": session_id})


@once_more
def mark(db: Database, revocation_id: UUID, scope: Scope) -> int:
    """Mark up to STEP sessions that the scope's gate has ended; returns how many. Several processes may run it at once."""
    with db.transaction() as connection:
        number = connection.execute(_NUMBER, {"id": revocation_id}).mappings().one()
        values = {"revocation_id": revocation_id, "step": STEP, **_values(scope), **number}
        marked = int(connection.execute(_MARK, values).scalar_one())
        if scope.wide and marked:
            connection.execute(_COUNT, {"id": revocation_id, "marked": marked})
        return marked


def sweep(db: Database) -> int:
    """Mark one step of sessions for each of the oldest open revocations; returns how many sessions were marked.

    A revocation without unmarked sessions is closed after a minute, which makes room for younger ones. Of those of whole
    sites and of everyone the older is marked first: the younger would otherwise count the older one's sessions as its own.
    """
    total, older_has_more = 0, False
    for row in db.all(_OPEN):
        scope = Scope(user_id=row["user_id"], site=row["site"], everyone=row["scope"] == "everyone")
        if scope.wide and older_has_more:
            continue
        marked = mark(db, row["id"], scope)
        total += marked
        older_has_more |= scope.wide and marked == STEP
        # A login that did not see the gate may still be committing, so the revocation stays open for a while.
        if marked:
            continue
        if not row["settled"]:
            db.all(_SWEPT, id=row["id"])
        elif not db.one(_MORE, epoch=row["epoch"], until=row["until"], **_values(scope)):
            db.all(_CLOSE, id=row["id"])
    return total


def _values(scope: Scope) -> dict[str, Any]:
    return {"user_id": scope.user_id, "site": scope.site}
