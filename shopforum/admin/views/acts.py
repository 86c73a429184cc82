"""`/sessions/{id}/acts` and `/incidents/{id}/acts`: what was done on a session, or on all that an incident has ended, the acts from where
the user signed in beside those from elsewhere.
"""

from typing import Any

from pyramid.httpexceptions import HTTPNotFound

from ...operations import act_queries, incident_reports, incidents, session_queries
from ...web.request import Request
from ...web.site_config import SiteConfigurator
from ..lists import page

_PAGE = "shopforum:admin/templates/acts.jinja2"


def includeme(config: SiteConfigurator) -> None:
    """Register the views."""
    config.add_view(of_session, route_name="admin_session_acts", request_method="GET", renderer=_PAGE)
    config.add_view(of_incident, route_name="admin_incident_acts", request_method="GET", renderer=_PAGE)


def of_session(request: Request) -> dict[str, Any]:
    """Show the acts of a session."""
    row = session_queries.one(request.read_db, request.matched_id)
    if row is None:
        raise HTTPNotFound
    return {**_page(request, act_queries.of_session(row.id)), "row": row, "incident": None}


def of_incident(request: Request) -> dict[str, Any]:
    """Show the acts of the sessions that an incident has ended."""
    db = request.read_db
    incident = incidents.one(db, request.matched_id)
    if incident is None:
        raise HTTPNotFound
    listing = incident_reports.session_acts(incident_reports.acts(db, incident))
    return {**_page(request, listing), "row": None, "incident": incident}


def _page(request: Request, listing: Any) -> dict[str, Any]:
    return {"page": page(request, listing), "days": request.sessions.config.acts_days}
