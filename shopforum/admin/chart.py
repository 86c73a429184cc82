"""The dashboard's chart of the last day: a series for each kind of event, with links to the audit log."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from ..core.read_only_database import ReadOnlyDatabase
from ..operations import overview
from ..sessions.vocabulary import EventName

_HOUR = timedelta(hours=1)

# Each series: its label, the kind of its colour, and the event or the group of events that it counts.
_SERIES = (
    ("Logins", "success", EventName.SESSION_CREATED),
    ("Failed logins", "warning", "any_failed_login"),
    ("Refreshes", "info", EventName.SESSION_RENEWED),
    ("Revocations", "danger", EventName.TOKEN_REVOKED),
    ("Suspicious uses", "danger", "any_signal"),
)


@dataclass(frozen=True)
class Series:
    """A row of the chart: a count for each hour. `urls` show the events of each hour, `url` shows all."""

    label: str
    kind: str
    counts: list[int]
    url: str
    urls: list[str]


def chart(db: ReadOnlyDatabase) -> tuple[list[str], list[Series]]:
    """Return the hours of the last day in UTC, such as `14:00`, and the series."""
    hourly = overview.hourly(db, [event for _, _, event in _SERIES])
    series = [
        Series(
            label,
            kind,
            hourly.counts[event],
            _url(event=event),
            [_url(event=event, since=_minute(hour), until=_minute(hour + _HOUR)) for hour in hourly.hours],
        )
        for label, kind, event in _SERIES
    ]
    return [hour.astimezone(UTC).strftime("%H:00") for hour in hourly.hours], series


def _url(**fields: str) -> str:
    return f"/audit?{urlencode(fields)}"


def _minute(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M")
