"""The forums' purges. The letters about the inbox are in letters.py."""

from ..core.purge import Purge

PURGES = (
    # Ids rise with time, so only the oldest messages are looked at, and no index by time is needed. Posts and the log of
    # the moderators stay; only the message about them is deleted.
    Purge(
        "forum_inbox",
        """id <= (SELECT max(id) FROM (SELECT id FROM forum_inbox ORDER BY id LIMIT :step) oldest)
          AND created_at < now() - interval '1 year'""",
        order="id",
    ),
)
