"""The settings of the forums, under `forums.`; durations in seconds."""

from collections.abc import Mapping
from dataclasses import dataclass

from ..core.settings import read, setting
from .person import Person

_MOST = 1_000_000_000


@dataclass(frozen=True, kw_only=True)
class Rules:
    """How fast and how long people may write."""

    post_delay: int = setting(
        "forums.post_delay",
        10,
        "seconds between two posts of one person, and between two edits of one post",
        least=0,
        most=_MOST,
    )
    newcomer_delay: int = setting(
        "forums.newcomer_delay",
        60,
        "seconds between two posts of somebody who has written little; never less than post_delay",
        least=0,
        most=_MOST,
    )
    newcomer_posts: int = setting(
        "forums.newcomer_posts",
        5,
        "so many posts end that; moderators are never newcomers",
        least=0,
        most=_MOST,
    )
    edit_window: int = setting(
        "forums.edit_window",
        0,
        "seconds for which a post can be edited by its author; 0 is for ever, as for moderators",
        least=0,
        most=_MOST,
    )
    mentions: int = setting(
        "forums.mentions", 10, "people that one post can mention, all its edits together", least=0, most=_MOST
    )

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
    """Read the settings. Raises SettingsError."""
    return read(Rules, raw)
