"""The plain values of the session core: a pair of cookies, a session, and the outcome of a request's cookies."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from .authority import AuthorityUnavailable


@dataclass(frozen=True)
class Pair:
    """The two cookies as presented, or a new pair to hand out. Never in a log: its repr is empty.

    `bound_cookie` came beside the two. It is good for nothing without them (binding.py).
    """

    session_id: str | None = field(default=None, repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    bound_cookie: str | None = field(default=None, repr=False)


def actor_name(user_email: str, user_id: UUID) -> str:
    """Return a person's name in the audit log: the e-mail address, or the id of a person without one."""
    return user_email or str(user_id)


@dataclass(frozen=True)
class Credential:
    """The stored half of a pair: digests of the session id and of the refresh token it was issued with, and the id of the key
    that made them. Internal.
    """

    session_hash: bytes
    refresh_hash: bytes | None
    key_id: str


@dataclass(frozen=True)
class Session:
    """A signed-in session, as views see it. `authenticated_ago`, `confirmed_ago` and `ends_in`, to the absolute end, are in
    seconds. `authenticated_ago` is the age of the password; `confirmed_ago` that of the password, or of the code that has stood
    in for it since.

    `new_sign_in` is another session of the same user, in a new browser, that its owner has not been asked about yet.
    """

    id: UUID
    site: str
    user_id: UUID
    user_name: str
    user_email: str
    roles: frozenset[str]
    authenticated_ago: float
    confirmed_ago: float
    ends_in: float
    new_sign_in: UUID | None = None

    @property
    def actor(self) -> str:
        """The name of this person in the audit log, as the one who began an act."""
        return actor_name(self.user_email, self.user_id)


@dataclass(frozen=True)
class Outcome:
    """The outcome of a request's cookies. At most one of `session` and `ended`, the reason why nothing is served.

    `ended` is an `EndReason`, a `State` or a `Withheld`. `ended_by` is the revocation that ended the session, if one
    did. `withheld_session` is a session that is alive but not served: in quarantine, or refused by a deny rule. Its
    cookies are kept. `without_key`: withheld because the session is bound, and the request came without its key. `presented` is the session that the pair belongs to, dead or alive, as far as it was looked up.
    `issue` is a new pair for the browser, to be kept for `max_age` seconds. Without it no cookie is set. `spent`: this
    request has found the presented refresh token dead, so the browser still holds the pair, and it has no use any more. `challenge`: the browser may bind the new session to its device by signing it.
    """

    session: Session | None = None
    ended: str | None = None
    ended_by: UUID | None = None
    withheld_session: UUID | None = None
    presented: UUID | None = None
    issue: Pair | None = None
    max_age: int = 0
    spent: bool = False
    without_key: bool = False
    challenge: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class LoginStart:
    """The moment at which a login began, before the provider was asked (`Sessions.login_start`).

    `at` is the database's clock, a UTC instant. `epoch` is the number of the newest revocation that had committed: a
    revocation that commits later beats the login, whatever the clock says.
    """

    at: datetime
    epoch: int


@dataclass(frozen=True)
class Login:
    """A completed login: what the identity provider says of a user who has just given the right password.

    A revocation that has committed since `start` beats the login.
    """

    user_id: UUID
    user_name: str
    user_email: str
    roles: tuple[str, ...]
    refresh_token: str | None = field(repr=False)
    refresh_token_id: UUID | None
    start: LoginStart

    @property
    def actor(self) -> str:
        """The person's name in the audit log, as the one who began an act."""
        return actor_name(self.user_email, self.user_id)


@dataclass(frozen=True)
class Reason:
    """The reason for an act, in CAEP's terms: an `InitiatingEntity`, the actor's name, a code, and a text for either side."""

    initiating_entity: str
    actor: str
    code: str
    admin: str = ""
    user: str = ""


class SessionBusy(AuthorityUnavailable):
    """Another request is refreshing this session and has not finished in time. A retry loses nothing."""

    retry_after = 1
