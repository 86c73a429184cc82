"""`/search`: one box for everything in the console. The only hit is opened at once."""

from typing import Any

from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPSeeOther

from ...core.text import clean
from ...operations import search as operations_search
from ...web.request import Request

# Characters. More is no name, address, id or ticket.
_LONGEST = 200


def includeme(config: Configurator) -> None:
    """Register the view."""
    config.add_view(
        search,
        route_name="admin_search",
        request_method="GET",
        renderer="shopforum:admin/templates/search.jinja2",
    )


def search(request: Request) -> Any:
    """Show what the text names, or redirect to the only thing that it names."""
    text = clean(request.GET.get("q", ""), _LONGEST)
    hits = operations_search.everywhere(request.read_db, text) if text else []
    return HTTPSeeOther(hits[0].path) if len(hits) == 1 else {"q": text, "hits": hits}
