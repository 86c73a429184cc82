"""Write for people at a terminal: aligned tables, times with ages, and no control characters."""

import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from shopforum.core.text import printable

WIDTH = 100
_GAP = "  "


def safe(value: Any) -> str:
    """Return a value as one line of text without characters that control the terminal: names and user agents come from
    outside.
    """
    return printable(str(value or ""))


def fit(text: str, width: int) -> str:
    """Cut the text to so many columns, with an ellipsis."""
    if columns(text) <= width:
        return text
    text = text[: width * 2]
    while columns(text) > width - 1:
        text = text[:-1]
    return f"{text}…"


def columns(text: str) -> int:
    """Return the width of the text in columns: wide characters take two, combining characters none."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in text
    )


def table(heads: Sequence[tuple[str, int]], rows: Sequence[Sequence[Any]]) -> str:
    """Return rows under heads, each head with its greatest width in columns. Values are made safe and cut."""
    cells = [[fit(safe(cell), most) for cell, (_, most) in zip(row, heads, strict=True)] for row in rows]
    titles = [title for title, _ in heads]
    widths = [max(map(columns, column)) for column in zip(titles, *cells, strict=True)]
    return "\n".join(
        _GAP.join(
            cell + " " * (width - columns(cell)) for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in (titles, *cells)
    )


def moment(at: datetime | None) -> str:
    """Return `2026-11-23 21:03:12`, in UTC."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}" if at else "-"


def short_moment(at: datetime, now: datetime) -> str:
    """Return `11-23 21:03 12m`: month, day and time in UTC, and the age."""
    return f"{at.astimezone(UTC):%m-%d %H:%M} {age(now - at)}"


def full_moment(at: datetime | None, now: datetime) -> str:
    """Return `2026-11-23 21:03:12 (12m ago)`, or `(in 3h)`; a dash for None."""
    if at is None:
        return "-"
    gone = now - at
    return f"{moment(at)} ({f'{age(gone)} ago' if gone >= timedelta() else f'in {age(-gone)}'})"


def age(gone: timedelta) -> str:
    """Return a time span in its largest unit: 45s, 12m, 5h, 31d."""
    seconds = max(int(gone.total_seconds()), 0)
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def many(count: int, noun: str = "session") -> str:
    """Return `1 session` or `1,200 sessions`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
