"""What the heart asks of an identity provider, and the three ways in which it may fail.

The heart knows no provider. A host application hands it an object of this shape with
`config.set_session_authority(authority)`.
"""

from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True)
class Refreshed:
    """A provider's answer to a refresh. The token may be the old one again (reusable) or a new one (one-time)."""

    refresh_token: str = field(repr=False)
    refresh_token_id: UUID | None
    user_id: UUID
    roles: tuple[str, ...] | None = None


class RefreshRefused(Exception):
    """The refresh token is dead: expired, revoked or unknown. The user has to sign in again."""


class AuthorityUnavailable(Exception):
    """No answer that means anything: down, slow, garbled, or refusing us rather than the token. Nobody is signed
    out for that. `retry_after` is in seconds.
    """

    retry_after = 5


class AuthorityMisconfigured(AuthorityUnavailable):
    """The provider refuses this application (its key, its settings): an operator has to mend it."""

    retry_after = 60


class Authority(Protocol):
    """An identity provider as the heart sees it. Every call has a time-out of its own, of a few seconds."""

    def refresh(self, refresh_token: str, user_id: UUID) -> Refreshed:
        """Ask for a new token for the session of this user. Raises RefreshRefused, AuthorityUnavailable."""

    def revoke(self, site: str, *, refresh_token_id: UUID | None, user_id: UUID | None) -> None:
        """End one refresh token, else one user's on a site, else all of the site's. What is unknown is done.
        Raises AuthorityUnavailable.
        """

    def roles(self, user_id: UUID) -> tuple[str, ...] | None:
        """The roles that a user has on this site now; None where the account is closed, locked or not registered
        here. Raises AuthorityUnavailable. Asked only where `sessions.roles_every` is set.
        """
