"""How the console reads: short read-only transactions with a time limit of their own, and pages by key."""

from typing import Any
from urllib.parse import urlencode

from pyramid.httpexceptions import HTTPServiceUnavailable
from pyramid.request import Request
from sqlalchemy import ColumnElement, RowMapping, Select
from sqlalchemy.exc import DBAPIError

from .. import paging
from ..paging import Page
from ..sessions.database import Database, Statement

# Milliseconds. A filter that matches little in a large table must not keep the database busy for the whole site.
LIMIT = 3000
_QUERY_CANCELED = "57014"
# What is read here is over sooner than it would be compiled, and goes by index, whose pages are in memory.
_PLANNED = "SET TRANSACTION READ ONLY; SET LOCAL jit = off; SET LOCAL random_page_cost = 1.1"


class TooSlow(HTTPServiceUnavailable):
    """A statement took longer than the console may."""

    def __init__(
        self,
        why: str = "That took too long and was stopped. Narrow the filters: a user's id or whole e-mail address, an "
        "address, or a time after which they signed in helps.",
    ) -> None:
        super().__init__(why, headers=[("Retry-After", "10")])


class Reading(Database):
    """The database, for reading alone: nothing that runs here can change anything, or run for long."""

    def __init__(self, database: Database, limit: int = LIMIT) -> None:
        super().__init__(database.engine)
        self.limit = limit

    def all(self, statement: Statement, **values: Any) -> list[RowMapping]:
        """The rows of one statement. Raises TooSlow, sqlalchemy.exc.DBAPIError."""
        try:
            return super().all(statement, **values)
        except DBAPIError as error:
            if getattr(error.orig, "pgcode", None) == _QUERY_CANCELED:
                raise TooSlow from error
            raise

    def _run(self, statement: Statement, values: dict[str, Any]) -> list[RowMapping]:
        with self.transaction() as connection:
            connection.exec_driver_sql(f"{_PLANNED}; SET LOCAL statement_timeout = {self.limit}")
            return self._rows(connection, statement, values)

    def within(self, limit: int) -> "Reading":
        """The same with another time limit, in milliseconds."""
        return Reading(self, limit)

    def patient(self, limit: int) -> "Reading":
        """The same with a longer time limit, if its own is not longer yet."""
        return self.within(max(self.limit, limit))


def page(request: Request, statement: Select[Any], *order: ColumnElement[Any], size: int = 40) -> Page:
    """The page of a list that the request asks for, newest first; see `shopforum.paging`."""
    part = paging.fetch(
        request.reading, statement, *order, cursor=request.GET.get(paging.FIELD, ""), size=size
    )
    return Page(part.rows, part.older, part.newer, _url(request, part.older), _url(request, part.newer))


def _url(request: Request, cursor: str | None) -> str | None:
    if cursor is None:
        return None
    kept = {name: value for name, value in request.GET.items() if name not in (paging.FIELD, "notice")}
    return f"{request.path}?{urlencode({**kept, paging.FIELD: cursor})}"
