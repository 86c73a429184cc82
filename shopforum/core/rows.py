"""Rows as values: a query function returns frozen dataclasses, so that no code beyond the SQL looks up a column by name."""

from collections.abc import Mapping
from dataclasses import fields
from functools import lru_cache
from typing import Any, TypeVar

R = TypeVar("R")


@lru_cache
def columns(kind: type) -> tuple[str, ...]:
    """Return the names of a dataclass's fields: the columns that a row must have to become one."""
    return tuple(field.name for field in fields(kind))


def build(kind: type[R], row: Mapping[Any, Any], **more: Any) -> R:
    """Make a dataclass of a row's columns of the same names. `more` are fields that do not come from a column.

    Raises KeyError if a column is missing. Columns that are no field are left out.
    """
    names = columns(kind)  # type: ignore[arg-type] # a class is hashable, whatever it is a variable for
    return kind(**more, **{name: row[name] for name in names if name not in more})
