"""Reading for the dashboard: what is open, what was tried, and the last day by the hour. Every statement is bounded."""

from dataclasses import dataclass
from datetime import UTC

from sqlalchemy import RowMapping, text

from . import trail
from .reading import Reading

HOURS = 24
# Rows of the trail that the chart is drawn from, the latest.
_MOST_ROWS = 200_000

_ATTACKS = text(
    """SELECT kind, sum(count) AS tries, count(*) AS sessions, max(last_at) AS last_at
    FROM (SELECT kind, count, last_at FROM session_flags LIMIT 100000) f GROUP BY kind"""
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
      SELECT date_trunc('hour', at, 'UTC') AS hour, event, count(*) AS count FROM (
        SELECT at, event FROM audit_log WHERE at >= (SELECT min(hour) FROM hours) AND event = ANY (:events)
        ORDER BY at DESC LIMIT {_MOST_ROWS}) recent
      GROUP BY 1, 2) a ON a.hour = hours.hour
    ORDER BY hours.hour"""
)


@dataclass(frozen=True)
class Series:
    """A row of the chart: a count for each hour."""

    label: str
    kind: str
    counts: list[int]
    url: str | None = None


# What each row of the chart counts; its link goes to the first event.
_SERIES = (
    ("Logins", "success", ("session_created",)),
    ("Failed logins", "warning", ("authn_login_fail", "authn_login_fail_max", "authn_login_lock")),
    ("Renewals", "info", ("session_renewed",)),
    ("Revocations", "danger", ("authn_token_revoked", "authn_token_reuse")),
)


def attacks(db: Reading) -> dict[str, RowMapping]:
    """By kind of flag, and `replays`: how many `tries` were blocked, on how many `sessions`, and the last."""
    found = {row["kind"]: row for row in db.all(_ATTACKS)}
    replays = db.one(_REPLAYS)
    return {**found, **({"replays": replays} if replays and replays["tries"] else {})}


def failures(db: Reading) -> RowMapping | None:
    """What the identity provider was told in vain so far, or None if there is nothing."""
    row = db.one(_FAILURES)
    return row if row and row["count"] else None


def chart(db: Reading) -> tuple[list[str], list[Series]]:
    """The last day: the hours' names (UTC) and a series for logins, failures, renewals and revocations."""
    rows = db.all(_HOURLY, events=[event for _, _, names in _SERIES for event in names])
    hours = sorted({row["hour"] for row in rows})
    series = []
    for label, kind, events in _SERIES:
        counts = dict.fromkeys(hours, 0)
        for row in rows:
            if row["event"] in events:
                counts[row["hour"]] += row["count"]
        series.append(Series(label, kind, list(counts.values()), f"/audit?event={events[0]}"))
    return [hour.astimezone(UTC).strftime("%H:00") for hour in hours], series


def revocations(db: Reading) -> list[RowMapping]:
    """The latest five."""
    return db.all(trail.revocations().order_by(trail.REVOKED_AT.desc(), trail.REVOCATION_ID.desc()).limit(5))


def events(db: Reading) -> list[RowMapping]:
    """The latest ten rows of the trail."""
    return db.all(trail.rows().order_by(trail.AUDIT_ID.desc()).limit(10))
