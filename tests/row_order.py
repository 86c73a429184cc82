"""The order in which tests see rows that no ORDER BY puts into one."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import text


def as_found(statement: str, rows: Sequence[Any]) -> list[Any]:
    """Return the rows of a SELECT without ORDER BY the other way round, all others as they are.

    A table promises no order and mostly keeps one, until a row takes the place of a deleted one. So a test that counts on it
    fails each time and not once in fifty runs.
    """
    ordered = "ORDER BY" in statement.upper() or not statement.lstrip().upper().startswith("SELECT")
    return list(rows) if ordered else list(reversed(rows))


def run(db: Any, statement: str, values: dict[str, Any]) -> list[Any]:
    """Run a statement on a `Database` and return its rows."""
    return as_found(statement, db.all(text(statement), **values))
