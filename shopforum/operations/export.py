"""Write lists as files: CSV for spreadsheets, JSON lines for programs. The columns are the fields of the rows."""

import codecs
import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from ..core.rows import columns

FORMATS = {"csv": "text/csv", "jsonl": "application/jsonl"}


def write(found: Iterable[Any], row: type, form: str) -> Iterator[bytes]:
    """Yield the file in pieces. `row` is the dataclass of the rows, `form` one of FORMATS.

    CSV begins with a byte order mark: without it, Excel takes UTF-8 for another encoding.
    """
    names = columns(row)
    if form == "jsonl":
        for each in found:
            plain = {name: _plain(getattr(each, name)) for name in names}
            yield json.dumps(plain, default=str).encode() + b"\n"
        return
    yield codecs.BOM_UTF8 + _line(names)
    for each in found:
        yield _line([cell(_plain(getattr(each, name))) for name in names])


def cell(value: Any) -> str:
    """Return a value as a cell that no spreadsheet takes for a formula (ASVS 5.0 1.2.10)."""
    shown = "" if value is None else json.dumps(value) if isinstance(value, dict | list) else str(value)
    return f"'{shown}" if shown[:1] in ("=", "+", "-", "@", "\t", "\r") else shown


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    return value


def _line(cells: Sequence[str]) -> bytes:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue().encode()
