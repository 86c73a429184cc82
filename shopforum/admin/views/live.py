"""`/sessions/news`: how many sessions were created since a page was made. The page polls it and does not move."""

from dataclasses import asdict
from typing import Any

from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPUnprocessableEntity

from ...operations import counts
from ...web.request import Request
from ..filter_forms import SessionFilterForm


def includeme(config: Configurator) -> None:
    """Register the view."""
    config.add_view(news, route_name="admin_news", request_method="GET", renderer="json")


def news(request: Request) -> dict[str, Any]:
    """Return `{"new": n, "at": "12:03:11"}`: the sessions that match the filter and signed in after `created_after`; n stops
    at 100.
    """
    form = SessionFilterForm(request.GET)
    if not form.validate():
        raise HTTPUnprocessableEntity("The filter cannot be read.")
    return asdict(counts.news(request.read_db, form.filter))
