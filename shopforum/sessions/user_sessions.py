"""One person's sessions on a site: the list that its owner sees, and how many there may be."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Connection, RowMapping, text

from ..core.database import Database
from .live import LIVE, STATE

_LIVE = f"s.user_id = :user_id AND s.site = :site AND {LIVE}"

_LISTED = text(f"SELECT s.*, {STATE} AS state FROM sessions s WHERE {_LIVE} ORDER BY s.last_seen_at DESC")

_HAS = text("SELECT 1 FROM sessions WHERE id = :id AND user_id = :user_id AND site = :site")

_EXCESS = text(
    f"""SELECT s.id FROM sessions s WHERE {_LIVE} AND s.id <> ALL (CAST(:leaving AS uuid[]))
    ORDER BY s.last_seen_at DESC, s.created_at DESC OFFSET :keep"""
)


_ONE_BY_A_FORM = text("SELECT pg_advisory_xact_lock(hashtextextended(encode(:login_form, 'hex'), 0))")
_BY_FORM = text(
    f"SELECT s.id, s.authenticated_at FROM sessions s WHERE {_LIVE} AND s.login_form = :login_form"
)


def listed(db: Database, user_id: UUID, site: str) -> list[RowMapping]:
    """A user's live sessions on a site, with their `state`, last seen first. All of them: they are what "sign out the others"
    ends, and `sessions.max_per_user` bounds them.
    """
    return db.all(_LISTED, user_id=user_id, site=site)


def has(db: Database, user_id: UUID, site: str, session_id: UUID) -> bool:
    """Whether the session is or was the user's on this site."""
    return db.one(_HAS, id=session_id, user_id=user_id, site=site) is not None


def excess(
    connection: Connection, user_id: UUID, site: str, keep: int, leaving: Sequence[UUID]
) -> tuple[UUID, ...]:
    """The user's live sessions on the site beyond the `keep` last used, not counting those that are `leaving` anyway."""
    values = {"user_id": user_id, "site": site, "keep": keep, "leaving": list(leaving)}
    return tuple(connection.execute(_EXCESS, values).scalars())


def by_form(connection: Connection, user_id: UUID, site: str, login_form: bytes) -> Sequence[RowMapping]:
    """The user's live sessions that were signed in by this form, with `authenticated_at`.

    Of two logins by one form at once the second waits here until the first has ended its transaction.
    """
    connection.execute(_ONE_BY_A_FORM, {"login_form": login_form})
    values = {"user_id": user_id, "site": site, "login_form": login_form}
    return connection.execute(_BY_FORM, values).mappings().all()
