"""The context of one site's session rules: the database, the settings and the identity provider.

`Sessions` (lifecycle.py) makes one `SessionContext` and hands it down, so no rule needs the facade above it. Internal.
"""

from dataclasses import dataclass
from uuid import UUID

from ..core.database import Database
from .audit import Client, Event
from .authority import Authority
from .config import Config
from .model import Credential, Pair
from .vocabulary import InitiatingEntity


@dataclass(frozen=True)
class SessionContext:
    """The database, the settings and the identity provider of one site. Holds no state of any session."""

    db: Database
    config: Config
    authority: Authority

    def credential(self, pair: Pair) -> Credential:
        """Return what the database stores of a new pair. Raises ValueError for a pair without a session id."""
        digest, site = self.config.secrets.digest, self.config.site
        if pair.session_id is None:
            raise ValueError("only a pair with a session id is stored")
        return Credential(
            digest(site, "session", pair.session_id),
            digest(site, "refresh", pair.refresh_token) if pair.refresh_token else None,
            self.config.secrets.id,
        )

    def event(
        self, name: str, client: Client, session_id: UUID, user_id: UUID, entity: InitiatingEntity
    ) -> Event:
        """Return a row for the audit log about a session of this site."""
        return Event(
            name, self.config.site, client, initiating_entity=entity, session_id=session_id, user_id=user_id
        )
