"""The account's purges."""

from ..core.purge import Purge

PURGES = (
    # The session of such a question has ended long ago.
    Purge("new_sign_ins", "created_at < now() - interval '60 days'", order="created_at"),
)
