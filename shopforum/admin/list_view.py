"""A view of the list of sessions: which sessions, in which order, without which columns. Its query string is the view."""

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import parse_qs, urlencode

from ..operations.filters import SessionFilter, parse_query
from ..operations.session_queries import ORDERS
from ..web.request import Request

# Columns that can be hidden. The user, the state with its flags, and the actions always stay.
COLUMNS = {
    "site": "Site",
    "device": "Device",
    "address": "Address",
    "seen": "Last seen",
    "created": "Signed in",
    "ends": "Ends",
}


@dataclass(frozen=True)
class ListView:
    """A view of the list. `order` is a name of ORDERS; `hidden` are names of COLUMNS."""

    filter: SessionFilter
    order: str = ""
    hidden: tuple[str, ...] = ()

    def query(self, *, order: str | None = None, **changes: str) -> str:
        """Return the view as a query string, with another order and with some fields of the filter changed."""
        order = self.order if order is None else order
        more = [*([("sort", order)] if order else []), *(("hide", name) for name in self.hidden)]
        return "&".join(filter(None, (self.filter.query(**changes), urlencode(more))))

    def url(self, *, order: str | None = None, **changes: str) -> str:
        """Return the list's URL, changed as in `query`."""
        query = self.query(order=order, **changes)
        return f"/sessions?{query}" if query else "/sessions"

    @property
    def text(self) -> str:
        """The view for people: the filter, the order and the columns that are left out."""
        order = self.order and f"sort={self.order}"
        names = ", ".join(COLUMNS[name].lower() for name in self.hidden)
        hidden = names and f"without {names}"
        return ", ".join(filter(None, (self.filter.text, order, hidden))) or "all sessions"


def of(request: Request, chosen: SessionFilter) -> ListView:
    """Return the view that a request for the list asks for, with its filter. Unknown orders and columns are left out."""
    return _made(chosen, request.GET.getall("sort"), request.GET.getall("hide"))


def parse(query: str) -> ListView:
    """Read a view from its query string. Raises FilterError."""
    fields = parse_qs(query)
    return _made(parse_query(query), fields.get("sort", []), fields.get("hide", []))


def _made(chosen: SessionFilter, order: Iterable[str], hidden: Iterable[str]) -> ListView:
    left_out = set(hidden)
    return ListView(
        chosen,
        next((name for name in order if name in ORDERS), ""),
        tuple(name for name in COLUMNS if name in left_out),
    )
