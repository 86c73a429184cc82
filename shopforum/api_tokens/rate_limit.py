"""Limit the rate of API calls: leaky buckets in the database, so that all processes count together."""

import math
from dataclasses import dataclass

from sqlalchemy import text

from ..core.database import Database


@dataclass(frozen=True)
class Rate:
    """The size of a bucket in calls (`burst`), and how fast it empties."""

    burst: int
    per_second: float

    @property
    def retry_after(self) -> int:
        """Seconds until there is room for one more call."""
        return math.ceil(1 / self.per_second)


class TooFast(Exception):
    """The bucket is full. `retry_after` is in whole seconds."""

    def __init__(self, rate: Rate) -> None:
        super().__init__(f"{rate.retry_after} seconds")
        self.retry_after = rate.retry_after


_LEVEL = "greatest(r.level - extract(epoch FROM clock_timestamp() - r.at) * :per_second, 0) + 1"


def taken(keys: str) -> str:
    """Return SQL that counts a call in the buckets that the query `keys` names; it returns a row for each that had room."""
    return f"""INSERT INTO api_rates AS r (key, level, at)
    SELECT k.*, 1, clock_timestamp() FROM ({keys}) k
    ON CONFLICT (key) DO UPDATE SET level = {_LEVEL}, at = clock_timestamp() WHERE {_LEVEL} <= :burst RETURNING key"""


_TAKE = text(taken("SELECT CAST(:key AS text)"))


def take(db: Database, key: str, rate: Rate) -> None:
    """Count one call. Raises TooFast."""
    if not db.all(_TAKE, key=key, **vars(rate)):
        raise TooFast(rate)
