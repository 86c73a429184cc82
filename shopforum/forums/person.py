"""The signed-in person who acts on the forums, and the permission of moderators."""

from dataclasses import dataclass
from uuid import UUID

from ..sessions.acts import ActingSession


@dataclass(frozen=True)
class Person:
    """A signed-in person. The name is stored with each text that the person writes. `acting` is the session on which the person acts."""

    id: UUID
    name: str
    moderator: bool = False
    acting: ActingSession | None = None


def viewing(viewer: Person | None) -> dict[str, UUID | bool | None]:
    """Return the parameters :viewer and :moderator of the statements that read. A visitor is NULL and has no markers."""
    if viewer is None:
        return {"viewer": None, "moderator": False}
    return {"viewer": viewer.id, "moderator": viewer.moderator}
