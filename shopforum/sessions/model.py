"""The plain values of the heart: a pair of cookies, a session, and what a request's cookies amount to."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from .authority import AuthorityUnavailable


@dataclass(frozen=True)
class Pair:
    """The two cookies as presented, or a new pair to hand out. Never in a log: the repr is empty."""

    session_id: str | None = field(default=None, repr=False)
    refresh_token: str | None = field(default=None, repr=False)


def actor_name(user_email: str, user_id: UUID) -> str:
    """Return a person's name in the audit log: the e-mail address, or the id of a person without one."""
    return user_email or str(user_id)


@dataclass(frozen=True)
class Session:
    """A signed-in session, as views see it. `authenticated_ago` and `ends_in`, to the absolute end, are in seconds.

    `new_sign_in` is another session of the same person, in a new browser, that its owner has not been asked about.
    """

    id: UUID
    site: str
    user_id: UUID
    user_name: str
    user_email: str
    roles: frozenset[str]
    authenticated_ago: float
    ends_in: float
    new_sign_in: UUID | None = None

    @property
    def actor(self) -> str:
        """The person's name in the audit log, as the one who began an act."""
        return actor_name(self.user_email, self.user_id)

    @classmethod
    def of(cls, row: Any, roles: frozenset[str] | None = None) -> "Session":
        """From a row of `records.find`; `roles` are newer ones, where the provider has just told them."""
        return cls(
            id=row["id"],
            site=row["site"],
            user_id=row["user_id"],
            user_name=row["user_name"],
            user_email=row["user_email"],
            roles=frozenset(row["roles"]) if roles is None else roles,
            authenticated_ago=float(row["authenticated_ago"]),
            ends_in=float(row["remaining"]),
            new_sign_in=row["new_sign_in"],
        )


@dataclass(frozen=True)
class Outcome:
    """What a request's cookies amount to. At most one of a session and `ended` (why there is none any more).

    `ended_by` is the revocation that ended it, where it was one. `held` is a session that is alive and not served: in
    quarantine, or refused by a standing rule. Its cookies are kept.
    `presented` is the session that the pair belongs to, dead or alive, as far as that was looked at.
    `issue` is a new pair for the browser, to be kept for `max_age` seconds. Where it is None, no cookie is set.
    """

    session: Session | None = None
    ended: str | None = None
    ended_by: UUID | None = None
    held: UUID | None = None
    presented: UUID | None = None
    issue: Pair | None = None
    max_age: int = 0


@dataclass(frozen=True)
class Login:
    """What the provider said of somebody who has just given the right password."""

    user_id: UUID
    user_name: str
    user_email: str
    roles: tuple[str, ...]
    refresh_token: str | None = field(repr=False)
    refresh_token_id: UUID | None
    # The database's clock before the provider was asked: a revocation that commits meanwhile beats the login.
    authenticated_at: Any

    @property
    def actor(self) -> str:
        """The person's name in the audit log, as the one who began an act."""
        return actor_name(self.user_email, self.user_id)


@dataclass(frozen=True)
class Reason:
    """Why, in CAEP's terms: who began it (admin, user, policy, system or idp), a code, and a text for either side."""

    initiating_entity: str
    actor: str
    code: str
    admin: str = ""
    user: str = ""


class SessionBusy(AuthorityUnavailable):
    """Another request is refreshing this session and has not come back in time: try again, nothing is lost."""

    retry_after = 1
