"""The settings of the forums, under `forums.`; durations in seconds."""

from collections.abc import Mapping
from dataclasses import dataclass

from ..core.settings import read, setting
from .person import Person

_MOST = 1_000_000_000


@dataclass(frozen=True, kw_only=True)
class ForumSettings:
    """The limits for posts: how often people may post, and how long they may edit."""

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
        "seconds between two posts of a newcomer; never less than post_delay",
        least=0,
        most=_MOST,
    )
    newcomer_posts: int = setting(
        "forums.newcomer_posts",
        5,
        "a person with fewer posts is a newcomer; moderators never are",
        least=0,
        most=_MOST,
    )
    edit_window: int = setting(
        "forums.edit_window",
        0,
        "seconds during which an author can edit a post; 0 is for ever, as for moderators",
        least=0,
        most=_MOST,
    )
    mentions: int = setting(
        "forums.mentions", 10, "people whom one post can mention, all its edits together", least=0, most=_MOST
    )

    def pace(self, author: Person) -> dict[str, int]:
        """Return the parameters of the statements in members.py that limit how often a person posts, in seconds."""
        return {
            "delay": self.post_delay,
            "slow": max(self.post_delay, self.newcomer_delay),
            "few": 0 if author.moderator else self.newcomer_posts,
        }

    def window(self, author: Person | None) -> int:
        """Return for how many seconds a person can edit a post of their own; 0 is for ever."""
        return 0 if author is not None and author.moderator else self.edit_window


def parse(raw: Mapping[str, str]) -> ForumSettings:
    """Read the forums' settings. Raises SettingsError."""
    return read(ForumSettings, raw)
