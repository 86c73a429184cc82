"""The login's purges."""

from ..core.purge import Purge

PURGES = (
    # Failed tries are forgiven after some hours.
    Purge("login_failures", "last_at < now() - interval '2 days'", order="last_at"),
    # Saved submissions hold what people wrote.
    Purge("kept_forms", "created_at < now() - interval '1 day'", order="created_at"),
    # As long as the cookie of a known device lives.
    Purge("login_devices", "last_at < now() - interval '400 days'", order="last_at"),
)
