"""Who acts on the forums, as plain values, and what can stand in the way of it."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True)
class Person:
    """Somebody signed in. The name is stored with what they write."""

    id: UUID
    name: str
    moderator: bool = False


class Missing(Exception):
    """There is no such thing, or not for this person: which of the two is not said."""


class Locked(Exception):
    """The topic takes no changes from members."""


class Stale(Exception):
    """The text was changed after the form was made."""


class TooLate(Exception):
    """The time in which a post can be edited is over."""


class TooSoon(Exception):
    """The person wrote a moment ago. `wait` is in seconds, at least 1; a `newcomer` waits longer than others."""

    def __init__(self, wait: int, newcomer: bool = False) -> None:
        super().__init__(f"wait {wait} seconds")
        self.wait = wait
        self.newcomer = newcomer
