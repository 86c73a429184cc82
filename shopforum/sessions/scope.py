"""The scope of a revocation: sessions by id, or everything of a user, of a site, of a user on a site, or of everyone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

# Sessions of one statement of an act: to write a hundred thousand takes longer than one statement may.
STEP = 10_000


@dataclass(frozen=True)
class Scope:
    """The sessions to end: by id, or of a user and/or a site, or of everyone. Raises ValueError for none or several of these.

    `filter_text` is the filter that found the sessions, as the audit log shows it. It may have found none: the attempt
    is recorded, too.
    """

    # Sessions that one act ends by id, at most.
    MOST: ClassVar[int] = 100_000

    sessions: tuple[UUID, ...] = ()
    user_id: UUID | None = None
    site: str | None = None
    everyone: bool = False
    filter_text: str = ""

    def __post_init__(self) -> None:
        if self.by_id + bool(self.user_id or self.site) + self.everyone != 1:
            raise ValueError("a scope is sessions, or a user and/or a site, or everyone")
        if len(self.sessions) > self.MOST:
            raise ValueError(f"more than {self.MOST} sessions: end all of a user, of a site or of everyone")

    @property
    def by_id(self) -> bool:
        """True where the scope names sessions by id, so that no gate closes."""
        return bool(self.sessions or self.filter_text)

    @property
    def wide(self) -> bool:
        """True for a whole site or everyone: too many sessions to count before the gate closes."""
        return self.everyone or (self.site is not None and self.user_id is None)

    @property
    def name(self) -> str:
        """The scope's kind: session, filter, user, site or everyone."""
        if self.by_id:
            return "filter" if self.filter_text else "session"
        if self.user_id:
            return "user"
        return "site" if self.site else "everyone"

    @property
    def gate(self) -> str | None:
        """The key of the gate that this scope closes; None for sessions by id."""
        if self.by_id:
            return None
        if self.user_id:
            return f"user:{self.user_id}" + (f"@{self.site}" if self.site else "")
        return f"site:{self.site}" if self.site else "everyone"


def steps(ids: Sequence[UUID]) -> Iterator[list[UUID]]:
    """Yield the ids of an act's sessions, STEP at a time, in the order in which every act locks sessions."""
    ordered = sorted(ids)
    for first in range(0, len(ordered), STEP):
        yield ordered[first : first + STEP]
