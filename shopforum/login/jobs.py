"""The login's purges, and what it stores under keys."""

from ..core.keyed import Keyed
from ..core.purge import Purge

PURGES = (
    # Failed tries are forgiven after some hours.
    Purge("login_failures", "last_at < now() - interval '2 days'", order="last_at"),
    # Saved submissions hold what people wrote.
    Purge("kept_forms", "created_at < now() - interval '1 day'", order="created_at"),
    # As long as the cookie of a known device lives.
    Purge("login_devices", "last_at < now() - interval '400 days'", order="last_at"),
)

KEYED = (
    Keyed("saved submissions", "kept_forms", "key_id", "created_at + interval '1 day'", "are lost"),
    Keyed(
        "counters of failed logins",
        "login_failures",
        "key_id",
        "last_at + interval '2 days'",
        "begin at zero",
    ),
    Keyed(
        "known devices",
        "login_devices",
        "key_id",
        "last_at + interval '400 days'",
        "count as new at their next login",
        needed=False,
    ),
)
