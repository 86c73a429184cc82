"""The API's purges."""

from ..core.purge import Purge

PURGES = (
    # The response of a call with an Idempotency-Key is kept for a day.
    Purge("api_replays", "created_at < now() - interval '1 day'", order="created_at"),
)
