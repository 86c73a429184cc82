"""The rows that the session core's statements return, as frozen dataclasses: one for each kind of look at a session."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from .model import Session


@dataclass(frozen=True)
class FoundSession:
    """A session as a presented session id found it, before it was touched.

    `paired`: the refresh token belongs to the session id. `presented` is the pair's generation, `pair_status` what that
    means. `live` and `active` are as live.py defines them; `ended_by` is the revocation or the gate that ended it.
    `rule_id` is the deny rule that refuses it. `response_lost`, `rotation_due`, `roles_due`, `moved` and `came_back` are
    what lifecycle and risk signals go by. `ends_in`, to the absolute end, and `authenticated_ago` are in seconds.
    """

    id: UUID
    site: str
    user_id: UUID
    user_name: str
    user_email: str
    roles: list[str]
    refresh_token_id: UUID | None
    agent: str
    last_address: str | None
    last_agent: str
    issued: int
    end_reason: str | None
    quarantined_at: datetime | None
    new_sign_in: UUID | None
    presented: int
    paired: bool
    live: bool
    ended_by: UUID | None
    active: bool
    pair_status: str
    rotation_due: bool
    response_lost: bool
    moved: bool
    came_back: bool
    roles_due: bool
    rule_id: UUID | None
    ends_in: int
    authenticated_ago: float

    def session(self, roles: Sequence[str] | None = None) -> Session:
        """Return the session for views. `roles` replaces the stored roles, where the provider has just sent newer ones."""
        return Session(
            id=self.id,
            site=self.site,
            user_id=self.user_id,
            user_name=self.user_name,
            user_email=self.user_email,
            roles=frozenset(self.roles if roles is None else roles),
            authenticated_ago=self.authenticated_ago,
            ends_in=float(self.ends_in),
            new_sign_in=self.new_sign_in,
        )


@dataclass(frozen=True)
class StartedSession:
    """A session that was just inserted. `ends_in`: seconds until its absolute end. `ended_by`: the revocation that
    closed a gate while the password was checked, if one did. `rule_id`: the deny rule that refuses the login, if any.
    """

    id: UUID
    ends_in: int
    ended_by: UUID | None
    rule_id: UUID | None


@dataclass(frozen=True)
class RenewedSession:
    """A session that was just refreshed. `withheld` is a `Withheld` where no page may be served by now, else None."""

    withheld: str | None


@dataclass(frozen=True)
class SessionOwner:
    """A session by its id, with the user and the site it belongs to."""

    id: UUID
    user_id: UUID
    site: str


@dataclass(frozen=True)
class OwnSession:
    """A live session as its owner's device list shows it. `state` is active or dormant (`State`)."""

    id: UUID
    state: str
    agent: str
    address: str | None
    last_agent: str
    last_address: str | None
    created_at: datetime
    authenticated_at: datetime
    last_seen_at: datetime
    absolute_end: datetime
    quarantined_at: datetime | None


@dataclass(frozen=True)
class FormLogin:
    """A live session, and when the password that began it was given."""

    id: UUID
    authenticated_at: datetime
