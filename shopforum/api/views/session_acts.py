"""The acts of sessions: those of one, and those of all that an incident has ended."""

from pyramid.response import Response

from ...core.listing import Listing
from ...operations import act_queries, incident_reports, json_documents
from ...operations.rows import ActRow
from .. import responses
from ..request import ApiRequest as Request
from .calls import Given, linked, part_of
from .incidents import path_incident
from .sessions import path_session


def list_session_acts(request: Request, given: Given) -> Response:
    """Return what was done on a session."""
    return _acts(request, given, act_queries.of_session(path_session(request).id))


def list_incident_acts(request: Request, given: Given) -> Response:
    """Return what was done on the sessions that an incident has ended."""
    ended = incident_reports.acts(request.read_db, path_incident(request))
    return _acts(request, given, incident_reports.session_acts(ended))


def _acts(request: Request, given: Given, listing: Listing[ActRow]) -> Response:
    part = part_of(request, given, listing)
    found = {"acts": [json_documents.act(row) for row in part.rows], "next": part.older}
    return linked(request, given, responses.reply(found), part.older)
