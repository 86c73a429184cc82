"""What an act names: sessions, a user, a site, everyone, or whatever a filter matches."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from ..core.ids import parse_uuid
from ..core.sites import SITES

# The word that stands for everyone where an act has to be confirmed by typing.
EVERYONE = "everyone"


@dataclass(frozen=True)
class Target:
    """Sessions, a user (on a site), a site, everyone, or the sessions that a filter matches.

    `filter` is the query string of the list, `ip=192.0.2.0%2F24&site=store`: an address or a block is named so, too.
    """

    sessions: tuple[UUID, ...] = ()
    user_id: UUID | None = None
    site: str | None = None
    filter: str | None = None
    everyone: bool = False

    @classmethod
    def parse(
        cls, *, filter_query: str = "", sessions: Iterable[str] = (), user: str = "", site: str = ""
    ) -> "Target":
        """Read what a form or an address names. A filter comes before sessions, and these before a user and a site.

        Raises ValueError, whose text is for people, for a text that is no id or no site.
        """
        if filter_query:
            return cls(filter=filter_query)
        ids = tuple(dict.fromkeys(_id(text, "session") for text in sessions))
        if ids:
            return cls(sessions=ids)
        if site and site not in SITES:
            raise ValueError("There is no such site.")
        return cls(user_id=_id(user, "user") if user else None, site=site or None)

    @property
    def whole_site(self) -> bool:
        """Whether it is everything of a site."""
        return self.site is not None and self.user_id is None

    def fields(self) -> dict[str, Any]:
        """The fields of a form or an address that name the same."""
        named = {"session": self.sessions, "user": self.user_id, "site": self.site, "filter": self.filter}
        return {name: value for name, value in named.items() if value}


def _id(text: str, what: str) -> UUID:
    found = parse_uuid(text.strip())
    if found is None:
        raise ValueError(f"The form names a {what} by something that is no id.")
    return found
