"""The signed-in person who acts on the forums, and the permission of moderators."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True)
class Person:
    """A signed-in person. The name is stored with each text that the person writes."""

    id: UUID
    name: str
    moderator: bool = False


def viewing(viewer: Person | None) -> dict[str, UUID | bool | None]:
    """Return the parameters :viewer and :moderator of the statements that read. A visitor is NULL: no marker is theirs."""
    if viewer is None:
        return {"viewer": None, "moderator": False}
    return {"viewer": viewer.id, "moderator": viewer.moderator}
