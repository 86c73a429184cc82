"""Lists as files: CSV for spreadsheets, JSON lines for machines. Written page by page, and no connection is held in
between, however long the file is or slow its reader.
"""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, Select, text

from ..core import paging
from ..core.database import Database
from ..core.read_only_database import ReadOnlyDatabase
from ..sessions import audit

FORMATS = {"csv": "text/csv", "jsonl": "application/jsonl"}
_STEP = 500

AUDIT_LOG = ("seq", *audit.COLUMNS)
SESSIONS = (
    *(
        "id",
        "site",
        "state",
        "flags",
        "user_id",
        "user_name",
        "user_email",
        "agent",
        "address",
        "last_agent",
        "last_address",
    ),
    *("created_at", "authenticated_at", "last_seen_at", "idle_end", "absolute_end", "refresh_count"),
    *("refreshed_at", "quarantined_at", "quarantine_reason", "ended_at", "end_reason", "revocation_id"),
)


_AUDIT_LOG = text(f"SELECT seq, {audit.SELECTED} FROM audit_log WHERE id > :after ORDER BY id LIMIT 2000")


def audit_log(db: Database) -> Iterator[RowMapping]:
    """Yield the whole audit log, oldest first, sealed or not, without the time limit of a page."""
    after = 0
    while part := db.all(_AUDIT_LOG, after=after):
        yield from part
        after = part[-1]["id"]


def rows(db: ReadOnlyDatabase, statement: Select[Any], *order: ColumnElement[Any]) -> Iterator[RowMapping]:
    """All rows of a list, newest first; the first of them are read at once, so that what fails fails before the file."""
    first = paging.fetch(db, statement, *order, size=_STEP)
    return _all(db, statement, order, first)


def _all(
    db: ReadOnlyDatabase, statement: Select[Any], order: Sequence[ColumnElement[Any]], part: paging.Slice
) -> Iterator[RowMapping]:
    yield from part.rows
    while part.older:
        part = paging.fetch(db, statement, *order, cursor=part.older, size=_STEP)
        yield from part.rows


def write(found: Iterable[RowMapping], columns: Sequence[str], form: str) -> Iterator[bytes]:
    """The file in pieces. `form` is one of FORMATS."""
    if form == "jsonl":
        for row in found:
            plain = {name: _plain(row[name]) for name in columns}
            yield json.dumps(plain, default=str).encode() + b"\n"
        return
    yield _line(columns)
    for row in found:
        yield _line([_cell(_plain(row[name])) for name in columns])


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return value


def _cell(value: Any) -> str:
    """A cell that no spreadsheet takes for a formula (ASVS 5.0 1.2.10)."""
    shown = "" if value is None else json.dumps(value) if isinstance(value, dict | list) else str(value)
    return f"'{shown}" if shown[:1] in ("=", "+", "-", "@", "\t", "\r") else shown


def _line(cells: Sequence[str]) -> bytes:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue().encode()
