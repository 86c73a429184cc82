"""The purges and jobs of the API tokens."""

from ..core.jobs import Job
from ..core.keyed import Keyed
from ..core.purge import Purge
from . import tokens

PURGES = (
    # A bucket has long run empty after a day.
    Purge("api_rates", "at < now() - interval '1 day'", order="at"),
)
JOBS = (Job("revoke orphaned API tokens", tokens.revoke_orphans),)
# A token that is used moves to the newest key.
KEYED = (
    Keyed(
        "API tokens", f"api_tokens t WHERE {tokens.USABLE}", "t.key_id", tokens.ENDS, "are refused with 401"
    ),
)
