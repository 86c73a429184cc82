"""The worker's jobs for API tokens. Safe to run in several workers at once."""

from ..core.database import Database
from ..core.purge import purge
from . import tokens

# After a day a bucket is empty.
_PURGE = purge("api_rates", "at < now() - interval '1 day'", "at")


def run_once(db: Database, step: int = 500) -> int:
    """Delete at most `step` old rows, and revoke the tokens of makers who have lost the right; return how many in all."""
    return len(db.all(_PURGE, step=step)) + tokens.revoke_orphans(db)
