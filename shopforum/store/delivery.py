"""Estimate when an order arrives, in working days by country. For display only."""

from datetime import date, timedelta

HOME = "DE"
# Working days from the order to the door, at least and at most.
_DAYS = {HOME: (2, 3)}
_DAYS_ABROAD = (4, 6)


def window(ordered: date, country: str = HOME) -> tuple[date, date]:
    """Return the first and the last day on which an order is expected to arrive."""
    least, most = _DAYS.get(country, _DAYS_ABROAD)
    return _working_day(ordered, least), _working_day(ordered, most)


def _working_day(start: date, days: int) -> date:
    day = start
    while days:
        day += timedelta(days=1)
        days -= day.isoweekday() <= 5
    return day
