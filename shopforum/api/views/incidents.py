"""Incidents: open, widen and contain them."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from pyramid.response import Response

from ...core.sites import ADMIN
from ...core.text import clean
from ...operations import approvals, containing, incident_reports, incidents, json_documents
from ...operations.approval_requests import Waiting
from ...operations.filters import SessionFilter
from ...operations.incidents import Incident, IncidentChanged, NotAnIncident
from ...sessions import Limit, ShutOut, client_of
from ...sessions.deny_rules import Maker
from .. import responses
from ..problems import Problem
from ..request import ApiRequest as Request
from .acting import SHUT_OUT, answer, judged, unlimited, within_scope
from .approvals import waiting_response
from .calls import Given, invalid, part_of, path_id, read_filter, read_reason


def list_incidents(request: Request, given: Given) -> Response:
    """Return incidents, newest first."""
    part = part_of(request, given, incidents.INCIDENTS)
    rows = [json_documents.incident(row) for row in part.rows]
    return responses.reply({"incidents": rows, "next": part.older})


def open_incident(request: Request, given: Given) -> Response:
    """Open an incident."""
    body = given.body
    named = {"filter.": body["filter"]} if "filter" in body else {}
    named |= {f"filters[{n}].": one for n, one in enumerate(body.get("filters", []))}
    chosen = [_incident_filter(request, fields, at) for at, fields in named.items()]
    reason = read_reason(request, {"code": "incident", **body.get("reason", {})})
    name, ticket = clean(body["name"], 120), clean(body.get("ticket", ""), 120)
    if not name:
        raise invalid(name="must not be blank.")
    made = incidents.begin(request.db, name, ticket, chosen, reason, client_of(request))
    return responses.reply(_incident_status(request, _incident(request, made)), 201)


def get_incident(request: Request, given: Given) -> Response:
    """Return an incident as it stands now."""
    return responses.reply(_incident_status(request, path_incident(request)))


def add_filter(request: Request, given: Given) -> Response:
    """Add a filter to an incident."""
    return _change_filters(request, given, incidents.add_filter)


def remove_filter(request: Request, given: Given) -> Response:
    """Remove a filter from an incident."""
    return _change_filters(request, given, incidents.remove_filter)


def _change_filters(request: Request, given: Given, change: Callable[..., None]) -> Response:
    incident = path_incident(request)
    if incident.closed_at:
        raise Problem(409, "The incident is closed.")
    chosen = _incident_filter(request, given.body["filter"], "filter.")
    try:
        change(request.db, incident, chosen, request.token.actor, client_of(request))
    except NotAnIncident as error:
        raise Problem(422, str(error)) from None
    return responses.reply(_incident_status(request, _incident(request, incident.id)))


def contain_incident(request: Request, given: Given) -> Response:
    """Contain an incident; a dry run only judges its reach."""
    incident, seconds = path_incident(request), given.body["seconds"]
    if incident.closed_at:
        raise Problem(409, "The incident is closed.")
    found = containing.outlook(request.read_db, incident, seconds)
    if found.plan.scope is None:
        raise Problem(422, found.plan.problem)
    with judged(request):
        containing.check_reach(request.sessions, found, unlimited=unlimited(request))
    if not given.body.get("dry_run"):
        act = approvals.containing(incident, found, seconds, request.token.actor)
        try:
            with within_scope(request, act) as limit:
                _contain(request, incident, seconds, limit)
        except IncidentChanged as error:
            raise Problem(409, str(error)) from None
        except Waiting as waiting:
            return answer(waiting_response(request, waiting))
    return responses.reply(_incident_status(request, incident))


def _contain(request: Request, incident: Incident, seconds: float, limit: Limit | None) -> None:
    try:
        containing.contain(
            request.sessions,
            request.read_db,
            incident,
            request.token.actor,
            client_of(request),
            seconds=seconds,
            maker=Maker(request.token.maker_id, ADMIN),
            limit=limit,
        )
    except ShutOut:
        raise Problem(422, SHUT_OUT) from None


def path_incident(request: Request) -> Incident:
    """Return the incident that the call's path names. Raises Problem if it does not exist."""
    return _incident(request, path_id(request))


def _incident(request: Request, incident_id: UUID) -> Incident:
    row = incidents.one(request.read_db, incident_id)
    if row is None:
        raise Problem(404, "There is no such incident.")
    return row


def _incident_filter(request: Request, fields: Mapping[str, str], at: str) -> SessionFilter:
    return incidents.named(request.read_db, read_filter(fields, at))


def _incident_status(request: Request, incident: Incident) -> dict[str, Any]:
    return json_documents.incident_status(incident_reports.report(request.read_db, incident))
