"""The canary: a made-up session that the worker revokes every minute, to measure how soon a revocation is felt.

It is no row of `sessions`, so no list, count, filter, incident, flag or export can hold it, and no cookie opens it. Its table
has the columns by which `live.LIVE` decides. A node says at `/probe` whether a canary is live: by the definition, the
database connections and the threads of its pages.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import text

from ..core.database import Database
from ..core.purge import Purge
from ..core.read_only_database import ReadOnlyDatabase
from ..core.settings import SettingsError, read, setting
from ..sessions import LoginStart, live

FUSIONAUTH = "fusionauth"

PURGES = (
    Purge("canaries", "minute < now() - interval '1 hour'", order="minute"),
    Purge("canary_times", "at < now() - interval '1 day'", order="at"),
)

# Of all workers one makes the canary of a minute.
_MAKE = text(
    """INSERT INTO canaries (minute, site, epoch, absolute_end)
    VALUES (date_trunc('minute', now()), :site, :epoch, now() + interval '5 minutes')
    ON CONFLICT (minute) DO NOTHING RETURNING id"""
)
_LIVE = text(f"SELECT 1 FROM canaries s WHERE s.id = :id AND {live.LIVE}")
_REVOKE = text("UPDATE canaries SET ended_at = clock_timestamp() WHERE id = :id")
_NOTE = text("INSERT INTO canary_times (place, seconds, why) VALUES (:place, :seconds, :why)")

# The last day by place, as columns of `Effect`. A place that was taken out of the settings is left out after an hour.
EFFECTS = """SELECT place, percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) AS median,
      percentile_cont(0.99) WITHIN GROUP (ORDER BY seconds) AS p99, count(seconds) AS measured,
      count(*) FILTER (WHERE seconds IS NULL AND at > now() - interval '10 minutes') AS unfelt,
      coalesce((array_agg(why ORDER BY at DESC) FILTER (WHERE seconds IS NULL))[1], '') AS why,
      extract(epoch FROM clock_timestamp() - max(at))::float8 AS age
    FROM canary_times WHERE at > now() - interval '1 day'
    GROUP BY place HAVING max(at) > now() - interval '1 hour' ORDER BY place"""
_EFFECTS = text(EFFECTS)


def _nodes(value: str) -> tuple[str, ...]:
    """Read addresses such as http://10.0.0.5:6543, separated by spaces. Raises ValueError."""
    found = tuple(one.rstrip("/") for one in value.split())
    for one in found:
        parts = urlsplit(one)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path or parts.query:
            raise ValueError("takes addresses such as http://10.0.0.5:6543, separated by spaces")
        if parts.username is not None:
            raise ValueError("takes addresses without a user name")
        # An impossible port raises here.
        _ = parts.port
    return found


@dataclass(frozen=True, kw_only=True)
class CanarySettings:
    """The places where the worker measures how soon a revocation is felt. Without nodes and without an account it measures nothing."""

    nodes: tuple[str, ...] = setting(
        "canary.nodes",
        (),
        "addresses of web processes, or of the proxy before them, where the worker measures every minute how soon a revocation "
        "is felt; empty: off",
        convert=_nodes,
        kind="URLs",
    )
    email: str = setting(
        "canary.email",
        "",
        "an account at FusionAuth that is nobody's, registered for the store, to measure the same there; empty: off",
    )
    password: str = setting("canary.password", "", "its password", secret=True)

    @property
    def places(self) -> tuple[str, ...]:
        """The places that are measured, by the names under which they are told."""
        return (*self.nodes, *([FUSIONAUTH] if self.email else []))


def parse(raw: Mapping[str, str]) -> CanarySettings:
    """Read the settings. Raises SettingsError, also for an account without a password."""
    settings = read(CanarySettings, raw)
    if bool(settings.email) != bool(settings.password):
        raise SettingsError("canary.email and canary.password are set both or not at all")
    return settings


@dataclass(frozen=True)
class Effect:
    """The time that revocations took to be felt at a place, of the last day: the median and the 99th percentile in seconds, None where
    none was felt, of so many `measured`.

    `unfelt` of the last ten minutes were not felt; `why` is the latest reason. `age`: seconds since the newest measurement.
    """

    place: str
    median: float | None
    p99: float | None
    measured: int
    unfelt: int
    why: str
    age: float


def make(db: Database, site: str, start: LoginStart) -> UUID | None:
    """Make the canary of this minute; return its id, or None where another worker has made it."""
    row = db.one(_MAKE, site=site, epoch=start.epoch)
    return row["id"] if row else None


def is_live(db: Database, canary: UUID) -> bool:
    """Return whether a page would be served to the canary."""
    return db.one(_LIVE, id=canary) is not None


def revoke(db: Database, canary: UUID) -> None:
    """End the canary. It is committed when this returns, as durably as a revocation is."""
    db.all(_REVOKE, id=canary)


def note(db: Database, place: str, seconds: float | None, why: str) -> None:
    """Store a measurement; `seconds` None where the revocation was not felt, and why."""
    db.all(_NOTE, place=place, seconds=seconds, why=why)


def effects(db: ReadOnlyDatabase) -> Sequence[Effect]:
    """Return how long revocations took to be felt, by place."""
    return [Effect(**row) for row in db.all(_EFFECTS)]
