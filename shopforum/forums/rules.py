"""Settings of the forums, all under `forums.`; durations in seconds.

| key | default | what it is |
|---|---|---|
| forums.post_delay | 10 | between two posts of one person, and between two edits of one post |
| forums.newcomer_delay | 60 | between two posts of somebody who has written little; never less than post_delay |
| forums.newcomer_posts | 5 | so many posts end that; moderators are never newcomers |
| forums.edit_window | 0 | how long a post can be edited by its author; 0 is for ever, as for moderators |
| forums.mentions | 10 | how many people one post can mention, all its edits together |
"""

from collections.abc import Mapping
from dataclasses import dataclass

from ..settings import number
from .people import Person


@dataclass(frozen=True)
class Rules:
    """The settings above, parsed."""

    post_delay: int = 10
    newcomer_delay: int = 60
    newcomer_posts: int = 5
    edit_window: int = 0
    mentions: int = 10

    def pace(self, author: Person) -> dict[str, int]:
        """How fast somebody may write, as the statements of writing.py take it."""
        return {
            "delay": self.post_delay,
            "slow": max(self.post_delay, self.newcomer_delay),
            "few": 0 if author.moderator else self.newcomer_posts,
        }

    def window(self, author: Person | None) -> int:
        """For how many seconds somebody can edit a post of theirs; 0 is for ever."""
        return 0 if author is not None and author.moderator else self.edit_window


def parse(raw: Mapping[str, str]) -> Rules:
    """Read the settings. Raises SettingsError naming the key that makes no sense."""
    defaults = vars(Rules()).items()
    return Rules(
        **{name: number(raw, f"forums.{name}", default, 0, 1_000_000_000) for name, default in defaults}
    )
