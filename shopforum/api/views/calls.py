"""Read what a call names, as the operations need it: an id, a filter, a reason, a part of a list."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from pyramid.response import Response

from ...core.ids import parse_uuid
from ...core.listing import Listing, Row
from ...core.paging import Slice
from ...operations import reasons
from ...operations.filters import FilterError, SessionFilter
from ...sessions import Reason
from ..problems import Problem
from ..request import ApiRequest as Request


@dataclass(frozen=True)
class Given:
    """The query and the body of a call, checked against the document."""

    query: Mapping[str, Any]
    body: Any


def path_id(request: Request) -> UUID:
    """Return the id in the call's path. Raises Problem for text that is no id."""
    found = parse_uuid(request.matchdict["id"])
    if found is None:
        raise Problem(404, "There is nothing at this URL.")
    return found


def read_filter(fields: Mapping[str, str], at: str) -> SessionFilter:
    """Read a filter. Raises Problem for fields that cannot be read or are blank; `at` is the prefix of their names."""
    try:
        found = SessionFilter.parse(fields)
    except FilterError as error:
        raise invalid(**{at + name: why for name, why in error.errors.items()}) from None
    # A blank field would filter by nothing, and so match every session.
    if blank := found.blank(fields):
        raise invalid(**{at + name: "must not be blank." for name in blank})
    return found


def read_reason(request: Request, given: Mapping[str, str]) -> Reason:
    """Return the reason of a call, with the token as its actor."""
    actor = request.token.actor
    return reasons.reason(actor, given["code"], given.get("text", ""), given.get("user_text", ""))


def part_of(request: Request, given: Given, listing: Listing[Row]) -> Slice[Row]:
    """Return the part of a list that the call's cursor and limit name. Raises Problem for a cursor of another list."""
    cursor = given.query.get("cursor", "")
    if cursor and not listing.takes(cursor):
        raise invalid(cursor="This is not a cursor: pass `next` unchanged.")
    return listing.part(request.read_db, cursor, given.query["limit"])


def linked(request: Request, given: Given, response: Response, following: str | None) -> Response:
    """Add the link to the next page, if there is one (RFC 8288)."""
    if following:
        query = urlencode({**given.query, "cursor": following})
        response.headers["Link"] = f'<{request.path}?{query}>; rel="next"'
    return response


def invalid(**errors: str) -> Problem:
    """Return a 422 with the error of each field."""
    found = [{"field": name.replace("__", "."), "detail": detail} for name, detail in errors.items()]
    return Problem(422, "Some fields are not valid.", errors=found)
