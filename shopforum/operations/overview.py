"""Read for the dashboard: open flags, attacks, and the events of the last day by the hour. Every statement is bounded."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from ..core.read_only_database import ReadOnlyDatabase
from ..sessions import live
from ..sessions.vocabulary import FlagKind
from . import labels
from .event_groups import events_of

HOURS = 24
# Rows of the audit log that are counted by the hour: the latest.
_MOST_ROWS = 200_000
# Rows that are counted at most; of more, each number is a lower bound.
MOST_FLAGS, MOST_REPLAYS, MOST_MESSAGES = 20_000, 10_000, 10_000

# The flags that the dashboard counts as attacks, beside replays.
ATTACKS = (
    FlagKind.REFRESH_WITHOUT_SESSION,
    FlagKind.SESSION_WITHOUT_REFRESH_TOKEN,
    FlagKind.SESSION_USE_AFTER_EXPIRE,
)
REPLAYS = "replays"

_ATTACKS = text(
    f"""SELECT kind, sum(count)::bigint AS tries, count(*) AS sessions, max(last_at) AS last_at,
      count(*) FILTER (WHERE s.revocation_id IS NOT NULL) AS revoked, count(*) FILTER (WHERE dismissed_at IS NULL) AS open
    FROM (SELECT session_id, kind, count, last_at, dismissed_at FROM session_flags WHERE kind = ANY (:kinds)
      ORDER BY session_id LIMIT {MOST_FLAGS}) f
    -- OFFSET keeps the planner from reading the whole table instead of these few rows by their key.
    CROSS JOIN LATERAL (SELECT revocation_id FROM sessions WHERE id = f.session_id OFFSET 0) s GROUP BY kind
    UNION ALL
    SELECT '{REPLAYS}', count(*), NULL, max(at), 0, 0 FROM (
      SELECT at FROM audit_log WHERE event = 'authn_token_reuse' ORDER BY id DESC LIMIT {MOST_REPLAYS + 1}) a
    HAVING count(*) > 0"""
)

_ALERTS = text(
    f"""SELECT f.kind, f.count, f.last_at, f.last_address, s.id, s.site, s.user_id, s.user_name
    FROM (SELECT *, kind = ANY (:minor) AS minor FROM session_flags WHERE dismissed_at IS NULL
      ORDER BY minor, last_at DESC) f
    CROSS JOIN LATERAL (SELECT * FROM sessions s WHERE s.id = f.session_id AND {live.UNENDED} OFFSET 0) s
    ORDER BY f.minor, f.last_at DESC LIMIT 5"""
)

_FAILURES = text(
    f"""SELECT count(*) AS count, min(created_at) AS since, (array_agg(revocation_id ORDER BY id))[1] AS revocation_id,
      (array_agg(last_error ORDER BY id DESC))[1] AS last_error
    FROM (SELECT * FROM revocation_outbox WHERE done_at IS NULL AND last_error IS NOT NULL LIMIT {MOST_MESSAGES + 1}) o"""
)

_HOURLY = text(
    f"""WITH hours AS (SELECT generate_series(date_trunc('hour', now(), 'UTC') - interval '{HOURS - 1} hours',
      date_trunc('hour', now(), 'UTC'), interval '1 hour') AS hour)
    SELECT hours.hour, a.event, a.count FROM hours LEFT JOIN (
      SELECT date_bin('1 hour', at, TIMESTAMPTZ '2000-01-01 00:00Z') AS hour, event, count(*) AS count FROM (
        SELECT at, event FROM audit_log WHERE at >= (SELECT min(hour) FROM hours) AND event = ANY (:events)
        ORDER BY at DESC LIMIT {_MOST_ROWS}) recent
      GROUP BY 1, 2) a ON a.hour = hours.hour
    ORDER BY hours.hour"""
)


@dataclass(frozen=True)
class Attack:
    """A kind of attack: how many `tries`, on how many `sessions`, how many of these were `revoked` since and how many flags
    are still `open`; and the last try. Replays have no flag: the session was ended at once.
    """

    tries: int
    last_at: datetime
    sessions: int | None = None
    revoked: int = 0
    open: int = 0


@dataclass(frozen=True)
class Attacks:
    """The attacks by kind; a kind without a try is left out. Where `all_counted` is False, there are at least so many."""

    by_kind: dict[str, Attack]

    @property
    def all_counted(self) -> bool:
        """Return whether all flags were counted."""
        return sum(attack.sessions or 0 for attack in self.by_kind.values()) < MOST_FLAGS


@dataclass(frozen=True)
class Alert:
    """An open flag, with its session."""

    kind: str
    count: int
    last_at: datetime
    last_address: str | None
    id: UUID
    site: str
    user_id: UUID
    user_name: str


@dataclass(frozen=True)
class Failures:
    """How many messages the identity provider has not confirmed after a try, since when; the revocation of the oldest, and
    the last error.
    """

    count: int
    since: datetime
    revocation_id: UUID
    last_error: str | None


@dataclass(frozen=True)
class Hourly:
    """The last HOURS hours, the oldest first, and for each charted event how often it happened in each of them."""

    hours: list[datetime]
    counts: dict[str, list[int]]


def attacks(db: ReadOnlyDatabase) -> Attacks:
    """Return the attacks: each kind of ATTACKS, and REPLAYS."""
    found: dict[str, Attack] = {}
    for row in db.all(_ATTACKS, kinds=list(ATTACKS)):
        found[row["kind"]] = Attack(**{name: value for name, value in row.items() if name != "kind"})
    return Attacks(found)


def alerts(db: ReadOnlyDatabase) -> list[Alert]:
    """Return the latest five open flags on sessions that have not ended; flags that say little come last."""
    minor = [kind for kind, label in labels.FLAGS.items() if label.severity == "info"]
    return [Alert(**row) for row in db.all(_ALERTS, minor=minor)]


def failures(db: ReadOnlyDatabase) -> Failures | None:
    """Return the messages that the identity provider has not confirmed after a try; None if there are none."""
    row = db.only(_FAILURES)
    return Failures(**row) if row["count"] else None


def hourly(db: ReadOnlyDatabase, charted: list[str]) -> Hourly:
    """Count events of the last day by the hour. `charted` names events, or groups of events."""
    rows = db.all(_HOURLY, events=sorted({event for name in charted for event in events_of(name)}))
    hours = sorted({row["hour"] for row in rows})
    counts = {}
    for name in charted:
        by_hour, events = dict.fromkeys(hours, 0), events_of(name)
        for row in rows:
            if row["event"] in events:
                by_hour[row["hour"]] += row["count"]
        counts[name] = list(by_hour.values())
    return Hourly(hours, counts)
