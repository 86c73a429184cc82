"""The interface of an identity provider, and the three ways in which it may fail.

The session core knows no provider. A host application passes an object of this shape to
`config.set_session_authority(authority)`.
"""

from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from .audit import Client


@dataclass(frozen=True)
class Refreshed:
    """A provider's answer to a refresh. The token is the old one again (reusable) or a new one (one-time).

    `roles`, `name` and `email` are the user's as of now; None where the provider does not say.
    """

    refresh_token: str = field(repr=False)
    refresh_token_id: UUID | None
    user_id: UUID
    roles: tuple[str, ...] | None = None
    name: str | None = None
    email: str | None = None


class RefreshRefused(Exception):
    """The refresh token is expired, revoked or unknown. The user has to sign in again."""


class AuthorityUnavailable(Exception):
    """The provider is down, slow, garbled, or refuses this application rather than the token. Nobody is signed out for
    that. `retry_after` is in seconds.
    """

    retry_after = 5


class AuthorityMisconfigured(AuthorityUnavailable):
    """The provider refuses this application, for its key or its settings: an operator has to fix it."""

    retry_after = 60


class Authority(Protocol):
    """An identity provider as the session core calls it. Each call has its own timeout of a few seconds."""

    def refresh(self, refresh_token: str, user_id: UUID, client: Client) -> Refreshed:
        """Ask for a new token for the session of this user. `client` is the browser, for the provider's own detection of
        threats. Raises RefreshRefused, AuthorityUnavailable.
        """

    def revoke(self, site: str, *, refresh_token_id: UUID | None, user_id: UUID | None) -> None:
        """Revoke one refresh token; without its id, all tokens of the user on the site; without a user, all of the site.

        A token that the provider does not know counts as revoked. Raises AuthorityUnavailable.
        """

    def roles(self, user_id: UUID) -> tuple[str, ...] | None:
        """Return the roles that a user has on this site now; None where the account is closed, locked or not registered
        here. Called only where `sessions.roles_every` is set or roles were marked as old (`provider_events.py`). Raises
        AuthorityUnavailable.
        """
