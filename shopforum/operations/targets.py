"""The target of an act: sessions, a user, a site, everyone, or the sessions that a filter matches."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from ..core.ids import parse_uuid
from ..core.sites import SITES

# The word to type where an act on everyone has to be confirmed.
EVERYONE = "everyone"


@dataclass(frozen=True)
class Target:
    """Sessions, a user (on a site), a site, everyone, or the sessions that a filter matches.

    `keep` names the one session of the user that stays.
    `filter` is the query string of the list, `ip=192.0.2.0%2F24&site=store`; it also names an address or a block. `any_of` are several
    of them, for the sessions that match any.
    """

    sessions: tuple[UUID, ...] = ()
    user_id: UUID | None = None
    keep: UUID | None = None
    site: str | None = None
    filter: str | None = None
    any_of: tuple[str, ...] = ()
    everyone: bool = False

    @classmethod
    def parse(
        cls,
        *,
        filter_query: str = "",
        sessions: Iterable[str] = (),
        user: str = "",
        keep: str = "",
        site: str = "",
    ) -> "Target":
        """Read the target of a form or a URL. A filter comes first, then all but one session of a user, then sessions, then
        a user and a site.

        Raises ValueError with a text for people where something is not an id or not a site.
        """
        if filter_query:
            return cls(filter=filter_query)
        if keep:
            return cls(user_id=_id(user, "user"), keep=_id(keep, "session"))
        ids = tuple(dict.fromkeys(_id(text, "session") for text in sessions))
        if ids:
            return cls(sessions=ids)
        if site and site not in SITES:
            raise ValueError("There is no such site.")
        return cls(user_id=_id(user, "user") if user else None, site=site or None)

    @property
    def whole_site(self) -> bool:
        """Return whether it is all of a site."""
        return self.site is not None and self.user_id is None

    def fields(self) -> dict[str, Any]:
        """Return the fields of a form or a URL that name the same target."""
        named = {
            "session": self.sessions,
            "user": self.user_id,
            "keep": self.keep,
            "site": self.site,
            "filter": self.filter,
        }
        return {name: value for name, value in named.items() if value}


def _id(text: str, what: str) -> UUID:
    found = parse_uuid(text.strip())
    if found is None:
        raise ValueError(f"The form names a {what} by a text that is not an id.")
    return found
