"""The webhooks' purges."""

from ..core.purge import Purge

PURGES = (
    # Longer than FusionAuth retries a delivery. An event that is sent again later ends no session that is younger than
    # the event (`apply_event.py`).
    Purge("webhook_events", "taken_at < now() - interval '1 day'", order="taken_at"),
)
