"""How far an act reaches. It is judged in the transaction of the act, by what the act has reached: a filter, a hundred
ids, or ten acts in a row may name the same people.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection, text

from . import audit


@dataclass(frozen=True)
class Limit:
    """How far the acts of one actor may reach without a greater permission.

    `people` is the most people that all acts of the actor may reach within an hour. Sessions on `site` with one of `roles`
    may not be reached at all. The actor's own user, `own`, does not count.
    """

    people: int
    site: str
    roles: frozenset[str]
    own: UUID | None = None


class TooFar(Exception):
    """The act reaches further than its actor may; nothing was changed. The text is for people."""


# Of two acts that one actor sends at the same time, the second counts what the first has reached.
_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtextextended(:actor, 7305441238))")

_GUARDED = text(
    """SELECT 1 FROM sessions s WHERE s.site = :site AND s.roles && CAST(:roles AS text[])
    AND s.user_id IS DISTINCT FROM CAST(:own AS uuid)
    AND (s.id = ANY (CAST(:ids AS uuid[])) OR (s.user_id = CAST(:user_id AS uuid) AND s.ended_at IS NULL)) LIMIT 1"""
)

_LATELY = text(
    """SELECT count(DISTINCT u.id) FROM audit_log a
      CROSS JOIN LATERAL jsonb_array_elements_text(a.detail -> 'users') u (id)
    WHERE a.actor = :actor AND a.at > clock_timestamp() - interval '1 hour'
      AND a.event IN ('authn_token_revoked', 'session_quarantined', 'session_released', 'standing_rule_added')
      AND CAST(u.id AS uuid) IS DISTINCT FROM CAST(:own AS uuid)"""
)


_USERS = text("SELECT DISTINCT user_id FROM sessions WHERE id = ANY (CAST(:ids AS uuid[])) LIMIT :most")


def users_of(connection: Connection, ids: Sequence[UUID]) -> list[str]:
    """Whose the sessions are, as the audit row of an act names them: at most `audit.NAMED`."""
    found = connection.execute(_USERS, {"ids": list(ids), "most": audit.NAMED}).scalars()
    return sorted(map(str, found)) if ids else []


def one_at_a_time(connection: Connection, limit: Limit | None, actor: str) -> None:
    """Take the actor's lock until the transaction ends. To be called before any lock on a session."""
    if limit is not None:
        connection.execute(_ONE_AT_A_TIME, {"actor": actor})


def check(
    connection: Connection,
    limit: Limit | None,
    actor: str,
    ids: Sequence[UUID] = (),
    user_id: UUID | None = None,
) -> None:
    """Judge an act whose audit row was just written in the same transaction, by the sessions that it has reached, or by
    the user. Raises TooFar, and the transaction is rolled back.
    """
    if limit is None:
        return
    values = {"site": limit.site, "roles": sorted(limit.roles), "own": limit.own, "ids": list(ids)}
    if connection.execute(_GUARDED, values | {"user_id": user_id}).first():
        raise TooFar(f"This reaches a session on {limit.site} of somebody who has more rights.")
    people = connection.execute(_LATELY, {"actor": actor, "own": limit.own}).scalar_one()
    if people > limit.people:
        raise TooFar(
            f"With this, {people:,} people would be reached within an hour. More than {limit.people:,} take the permission "
            "to end everyone's sessions."
        )
