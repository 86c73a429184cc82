"""The sessions of one user on a site: the owner's device list, the limit, and logins that were sent at once. Internal."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Connection, text

from ..core.database import Database
from .live import CLOSED_GATE, LIVE, STATE
from .model import LoginStart
from .rows import FormLogin, OwnSession
from .vocabulary import ORDINARY_ENDS

_OWN = f"s.user_id = :user_id AND s.site = :site AND {LIVE}"

_LISTED = text(
    f"""SELECT s.id, {STATE} AS state, s.agent, s.address, s.last_agent, s.last_address, s.created_at,
      s.authenticated_at, s.last_seen_at, s.absolute_end, s.quarantined_at, s.bound_at
    FROM sessions s WHERE {_OWN} ORDER BY s.last_seen_at DESC"""
)

_HAS = text("SELECT 1 FROM sessions WHERE id = :id AND user_id = :user_id AND site = :site")

_HELD = text(
    """SELECT 1 FROM sessions WHERE user_id = :user_id AND site = :site AND roles && CAST(:roles AS text[]) LIMIT 1"""
)

_USER_OF_EMAIL = text(
    "SELECT user_id FROM sessions WHERE lower(user_email) = lower(:email) ORDER BY created_at DESC LIMIT 1"
)

# Over one row `s` as if a session had begun then.
_SINCE = """FROM (SELECT CAST(:epoch AS bigint) AS epoch, CAST(:at AS timestamptz) AS authenticated_at, CAST(:site AS text) AS site,
      CAST(:user_id AS uuid) AS user_id) s"""
_REVOKED_SINCE = text(f"SELECT EXISTS ({CLOSED_GATE}) AS found {_SINCE}")
_DISTRUSTED_SINCE = text(
    f"""SELECT EXISTS ({CLOSED_GATE}) OR EXISTS (SELECT 1 FROM sessions t WHERE t.user_id = s.user_id
      AND (t.quarantined_at > s.authenticated_at OR (t.ended_at > s.authenticated_at AND t.revocation_id IS NOT NULL
        AND t.end_reason <> ALL (CAST(:harmless AS text[]))))) AS found {_SINCE}"""
)

_EXCESS = text(
    f"""SELECT s.id FROM sessions s WHERE {_OWN} AND s.id <> ALL (CAST(:leaving AS uuid[]))
    ORDER BY s.last_seen_at DESC, s.created_at DESC OFFSET :keep"""
)

_LOCK_FORM = text("SELECT pg_advisory_xact_lock(hashtextextended(encode(:login_form, 'hex'), 0))")
# A login in the future was before this one, too: the clock has stepped back since, as after a failover whose answers got lost.
_BY_FORM = text(
    f"""SELECT s.id, s.authenticated_at > :at AND s.authenticated_at <= clock_timestamp() AS later
    FROM sessions s WHERE {_OWN} AND s.login_form = :login_form"""
)


def listed(db: Database, user_id: UUID, site: str) -> list[OwnSession]:
    """Return a user's live sessions on a site, last seen first.

    The list is complete, since "sign out the others" ends what it shows; `sessions.max_per_user` bounds it.
    """
    return [OwnSession(**row) for row in db.all(_LISTED, user_id=user_id, site=site)]


def has(db: Database, user_id: UUID, site: str, session_id: UUID) -> bool:
    """Return whether the session is or was the user's on this site."""
    return db.one(_HAS, id=session_id, user_id=user_id, site=site) is not None


def has_held(db: Database, user_id: UUID, site: str, roles: Sequence[str]) -> bool:
    """Return whether a stored session of the user on a site, live or not, has one of some roles."""
    return db.one(_HELD, user_id=user_id, site=site, roles=list(roles)) is not None


def user_of_email(db: Database, email: str) -> UUID | None:
    """Return the user who last signed in under an e-mail address, on whatever site; None where nobody has. One look-up
    in either case, so that its time does not tell.
    """
    row = db.one(_USER_OF_EMAIL, email=email)
    return None if row is None else row["user_id"]


def is_revoked_since(db: Database, start: LoginStart, site: str, user_id: UUID | None) -> bool:
    """Return whether a gate has closed that a login on the site would be behind which began then: of everyone, of the site, or of the
    user, where the user is known.
    """
    found: bool = db.only(_REVOKED_SINCE, site=site, user_id=user_id, **vars(start))["found"]
    return found


def is_distrusted_since(db: Database, start: LoginStart, site: str, user_id: UUID) -> bool:
    """Return whether a gate has closed since, as `is_revoked_since`, or a session of the user on any site was put into quarantine or
    ended for another reason than a logout or a later login.
    """
    values = {"site": site, "user_id": user_id, "harmless": list(ORDINARY_ENDS), **vars(start)}
    found: bool = db.only(_DISTRUSTED_SINCE, **values)["found"]
    return found


def excess(
    connection: Connection, user_id: UUID, site: str, keep: int, leaving: Sequence[UUID]
) -> tuple[UUID, ...]:
    """Return the user's live sessions on the site beyond the `keep` last used. Those in `leaving` do not count."""
    values = {"user_id": user_id, "site": site, "keep": keep, "leaving": list(leaving)}
    return tuple(connection.execute(_EXCESS, values).scalars())


def by_form(
    connection: Connection, user_id: UUID, site: str, login_form: bytes, start: LoginStart
) -> list[FormLogin]:
    """Return the user's live sessions that were begun by a login with this `login_form` (`Sessions.start`), and which of these logins
    were sent later than the one that began at `start`.

    Of two such logins at once the second waits here until the first has ended its transaction.
    """
    connection.execute(_LOCK_FORM, {"login_form": login_form})
    values = {"user_id": user_id, "site": site, "login_form": login_form, "at": start.at}
    return [FormLogin(*row) for row in connection.execute(_BY_FORM, values)]
