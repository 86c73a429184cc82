"""Reading for the dashboard: what is open, what was tried, and the last day by the hour. Every statement is bounded."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from sqlalchemy import RowMapping, text

from ..core.read_only_database import ReadOnlyDatabase
from ..sessions import live
from . import audit_queries, labels

HOURS = 24
_HOUR = timedelta(hours=1)
# Rows of the trail that the chart is drawn from, the latest.
_MOST_ROWS = 200_000

# What the dashboard has a card for.
ATTACKS = ("refresh_without_session", "session_without_refresh_token", "session_use_after_expire")

_ATTACKS = text(
    """SELECT kind, sum(count) AS tries, count(*) AS sessions, max(last_at) AS last_at,
      count(*) FILTER (WHERE s.revocation_id IS NOT NULL) AS cut, count(*) FILTER (WHERE dismissed_at IS NULL) AS open
    FROM (SELECT session_id, kind, count, last_at, dismissed_at FROM session_flags WHERE kind = ANY (:kinds)
      ORDER BY session_id LIMIT 20000) f
    -- OFFSET keeps the planner from reading the whole table instead of these few rows by their key.
    CROSS JOIN LATERAL (SELECT revocation_id FROM sessions WHERE id = f.session_id OFFSET 0) s GROUP BY kind"""
)

_ALERTS = text(
    f"""SELECT f.kind, f.count, f.last_at, f.last_address, s.id, s.site, s.user_id, s.user_name
    FROM (SELECT *, kind = ANY (:minor) AS minor FROM session_flags WHERE dismissed_at IS NULL
      ORDER BY minor, last_at DESC) f
    CROSS JOIN LATERAL (SELECT * FROM sessions s WHERE s.id = f.session_id AND {live.UNENDED} OFFSET 0) s
    ORDER BY f.minor, f.last_at DESC LIMIT 5"""
)

_REPLAYS = text(
    """SELECT count(*) AS tries, max(at) AS last_at FROM (
      SELECT at FROM audit_log WHERE event = 'authn_token_reuse' ORDER BY id DESC LIMIT 10001) a"""
)

_FAILURES = text(
    """SELECT count(*) AS count, min(created_at) AS since, (array_agg(revocation_id ORDER BY id))[1] AS revocation_id,
      (array_agg(last_error ORDER BY id DESC))[1] AS last_error
    FROM (SELECT * FROM revocation_outbox WHERE done_at IS NULL AND attempts > 0 LIMIT 10001) o"""
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
class Series:
    """A row of the chart: a count for each hour. `urls` lead to what each of them counts, `url` to all."""

    label: str
    kind: str
    counts: list[int]
    url: str
    urls: list[str]


# What each row of the chart counts: an event, or a group of them, which is what its link shows.
_SERIES = (
    ("Logins", "success", "session_created"),
    ("Failed logins", "warning", "any_failed_login"),
    ("Refreshes", "info", "session_renewed"),
    ("Revocations", "danger", "authn_token_revoked"),
    ("Suspicious uses", "danger", "any_signal"),
)


def attacks(db: ReadOnlyDatabase) -> dict[str, RowMapping]:
    """By kind of ATTACKS, and `replays`: how many `tries`, on how many `sessions`, how many of these were `cut` off since
    and are still `open` to be looked at, and the last.
    """
    found = {row["kind"]: row for row in db.all(_ATTACKS, kinds=list(ATTACKS))}
    replays = db.one(_REPLAYS)
    return {**found, **({"replays": replays} if replays and replays["tries"] else {})}


def alerts(db: ReadOnlyDatabase) -> list[RowMapping]:
    """The latest five flags that nobody has dismissed, on sessions that have not ended; those that say little last."""
    return db.all(_ALERTS, minor=[kind for kind, word in labels.FLAGS.items() if word.kind == "info"])


def failures(db: ReadOnlyDatabase) -> RowMapping | None:
    """What the identity provider was told in vain so far, or None if there is nothing."""
    row = db.one(_FAILURES)
    return row if row and row["count"] else None


def chart(db: ReadOnlyDatabase) -> tuple[list[str], list[Series]]:
    """The last day: the hours' names (UTC) and a series for each of what is charted."""
    events = sorted({event for _, _, name in _SERIES for event in labels.events(name)})
    rows = db.all(_HOURLY, events=events)
    hours = sorted({row["hour"] for row in rows})
    series = []
    for label, kind, name in _SERIES:
        counts, chosen = dict.fromkeys(hours, 0), labels.events(name)
        for row in rows:
            if row["event"] in chosen:
                counts[row["hour"]] += row["count"]
        urls = [_url(event=name, since=_minute(hour), until=_minute(hour + _HOUR)) for hour in hours]
        series.append(Series(label, kind, list(counts.values()), _url(event=name), urls))
    return [hour.astimezone(UTC).strftime("%H:00") for hour in hours], series


def _url(**fields: str) -> str:
    return f"/audit?{urlencode(fields)}"


def _minute(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M")


def revocations(db: ReadOnlyDatabase) -> list[RowMapping]:
    """The latest five."""
    return db.all(
        audit_queries.revocations()
        .order_by(audit_queries.REVOKED_AT.desc(), audit_queries.REVOCATION_ID.desc())
        .limit(5)
    )


def events(db: ReadOnlyDatabase) -> list[RowMapping]:
    """The latest ten rows of the trail."""
    return db.all(audit_queries.rows().order_by(audit_queries.AUDIT_ID.desc()).limit(10))
