"""Lists that are shown page by page."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, RowMapping, Select

R = TypeVar("R")


@dataclass(frozen=True)
class Listing(Generic[R]):
    """A list: its statement, the columns of its order (`paging.page`), and the function that makes a value of a row."""

    statement: Select[Any]
    order: tuple[ColumnElement[Any], ...]
    make: Callable[[RowMapping], R]
    descending: bool = True
