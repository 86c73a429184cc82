"""The reach of an act: how many people it touches, and whether it touches somebody with more rights.

The reach is judged in the transaction of the act, by the sessions that the act has touched. So the same people count
the same, whether they were named by a filter, by a hundred ids, or in ten acts in a row.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection, text

from . import audit
from .vocabulary import EventName


@dataclass(frozen=True)
class Limit:
    """The reach that the acts of one actor have without the permission for whole sites.

    `people`: the most people whom all acts of the actor may reach within an hour. Sessions on `site` with one of `roles`
    may not be reached at all. The actor's own user, `own`, does not count. `names` are further names in the audit log under
    which the same person acts, such as the API tokens that the person has made: what they have reached counts as well.
    """

    people: int
    site: str
    roles: frozenset[str]
    own: UUID | None = None
    names: frozenset[str] = frozenset()


# The last step of an act's transaction, given the id of what was made, if it has one. An exception from it undoes the act.
Claim = Callable[[Connection, UUID | None], None]


def guarded_user(limit: Limit | None, user_id: UUID | None, site: str | None) -> UUID | None:
    """Return the user of an act on a user's sessions, where the act includes the guarded site; `site` None means all sites."""
    return user_id if limit and site in (None, limit.site) else None


class TooFar(Exception):
    """The act reaches further than its actor may; nothing was changed. The text is shown to the actor."""


# The key in the detail of an act that a second person has approved, whatever its kind. The limit of an hour counts the
# acts that a person has done alone, under all names. It counts approved acts neither for the one who asked nor for the
# one who approved.
APPROVED = "approval"

# Of two acts that one actor sends at the same time, the second waits and counts what the first has reached. All names of a person
# are locked in one order.
_LOCK_ACTOR = text(
    """SELECT pg_advisory_xact_lock(key) FROM (SELECT DISTINCT hashtextextended(name, 7305441238) AS key
      FROM unnest(CAST(:actors AS text[])) AS n (name) ORDER BY key) AS ordered"""
)

_REACHES_GUARDED = text(
    """SELECT 1 FROM sessions s WHERE s.site = :site AND s.roles && CAST(:roles AS text[])
    AND s.user_id IS DISTINCT FROM CAST(:own AS uuid)
    AND (s.id = ANY (CAST(:ids AS uuid[])) OR (s.user_id = CAST(:user_id AS uuid) AND s.ended_at IS NULL)) LIMIT 1"""
)

_PEOPLE_WITHIN_THE_HOUR = text(
    f"""SELECT count(*) FROM (
      SELECT CAST(u.id AS uuid) AS id FROM audit_log a
        CROSS JOIN LATERAL jsonb_array_elements_text(a.detail -> 'users') u (id)
      WHERE a.actor = ANY (CAST(:actors AS text[])) AND a.actor <> '' AND a.at > clock_timestamp() - interval '1 hour'
        AND a.event IN ('{EventName.TOKEN_REVOKED}', '{EventName.SESSION_QUARANTINED}', '{EventName.SESSION_RELEASED}',
          '{EventName.DENY_RULE_ADDED}') AND NOT a.detail ? '{APPROVED}'
      UNION SELECT s.user_id FROM sessions s WHERE s.id = ANY (CAST(:ids AS uuid[]))) people
    WHERE people.id IS DISTINCT FROM CAST(:own AS uuid)"""
)


_USERS = text("SELECT DISTINCT user_id FROM sessions WHERE id = ANY (CAST(:ids AS uuid[])) LIMIT :most")


def users_of(connection: Connection, ids: Sequence[UUID]) -> list[str]:
    """Return the ids of the sessions' users, as the audit row of an act names them: at most `audit.NAMED`."""
    found = connection.execute(_USERS, {"ids": list(ids), "most": audit.NAMED}).scalars()
    return sorted(map(str, found)) if ids else []


def lock_actor(connection: Connection, limit: Limit | None, actor: str) -> None:
    """Take the actor's lock until the transaction ends. Call it before any lock on a session.

    Without a limit there is nothing to count, and no lock is taken.
    """
    if limit is not None:
        connection.execute(_LOCK_ACTOR, {"actors": [actor, *limit.names]})


def people_within_the_hour(
    connection: Connection, actors: Sequence[str], own: UUID | None, ids: Sequence[UUID] = ()
) -> int:
    """Return how many people the acts under these names have reached within the hour, and the sessions `ids` belong to, without the
    actor's own user, `own`.
    """
    values = {"actors": list(actors), "own": own, "ids": list(ids)}
    found: int = connection.execute(_PEOPLE_WITHIN_THE_HOUR, values).scalar_one()
    return found


def check(
    connection: Connection,
    limit: Limit | None,
    actor: str,
    ids: Sequence[UUID] = (),
    user_id: UUID | None = None,
) -> None:
    """Judge an act by the sessions or the user that it has reached, together with the audit rows of the hour, of which the same
    transaction has just written its own. An act of several transactions names the sessions of them all in the first, before it reaches
    them: else it would be stopped half-way.

    Raises TooFar beyond the limit; the caller's transaction is then rolled back.
    """
    if limit is None:
        return
    values = {"site": limit.site, "roles": sorted(limit.roles), "own": limit.own, "ids": list(ids)}
    if connection.execute(_REACHES_GUARDED, values | {"user_id": user_id}).first():
        raise TooFar(f"This would reach a session on {limit.site} of somebody who has more rights.")
    people = people_within_the_hour(connection, [actor, *limit.names], limit.own, ids)
    if people > limit.people:
        raise TooFar(
            f"With this, {people:,} people would be reached within an hour. More than {limit.people:,} need the permission "
            "to end everyone's sessions."
        )
