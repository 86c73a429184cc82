"""The signed-in person who acts on the forums, and the permission of moderators."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True)
class Person:
    """A signed-in person. The name is stored with each text that the person writes."""

    id: UUID
    name: str
    moderator: bool = False
