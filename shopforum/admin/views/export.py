"""`…/export`: a list as a file; `/revocations/{id}/people`: whom to notify. The audit log says who exported it."""

from typing import Any

from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPNotFound, HTTPUnprocessableEntity
from pyramid.response import Response

from ...core.listing import Listing
from ...operations import audit_queries, export, revocation_queries, session_queries
from ...operations.rows import Affected, AuditRow, Receipt, SessionRow
from ...sessions import client_of
from ...sessions.audit import Event, append
from ...sessions.vocabulary import EventName, InitiatingEntity
from ...web.request import Request
from ..files import attachment
from ..filter_forms import AuditFilterForm, FilterForm, SessionFilterForm
from ..forms import actor

# Milliseconds: a file may take longer to begin than a page.
_PATIENCE = 10_000


def includeme(config: Configurator) -> None:
    """Register the views."""
    config.add_view(sessions, route_name="admin_sessions_export", request_method="GET")
    config.add_view(audit, route_name="admin_audit_export", request_method="GET")
    config.add_view(ended, route_name="admin_revocation_export", request_method="GET")
    config.add_view(people, route_name="admin_revocation_people", request_method="GET")


def sessions(request: Request) -> Response:
    """Export the sessions of a filter, newest sign-in first."""
    chosen = _checked(SessionFilterForm(request.GET))
    found = session_queries.listing(request.read_db.patient(_PATIENCE), chosen)
    return _file(request, chosen.text, found, SessionRow, "sessions", EventName.SESSIONS_EXPORTED)


def audit(request: Request) -> Response:
    """Export the rows of the audit log that match a filter, newest first."""
    chosen = _checked(AuditFilterForm(request.GET))
    found = audit_queries.listing(request.read_db.patient(_PATIENCE), chosen)
    return _file(request, chosen.text, found, AuditRow, "audit", EventName.AUDIT_LOG_EXPORTED)


def ended(request: Request) -> Response:
    """Export the sessions that a revocation has ended."""
    receipt = _receipt(request)
    found = session_queries.ended_by(receipt.id)
    about = f"revocation={receipt.id}"
    return _file(request, about, found, SessionRow, "ended-sessions", EventName.SESSIONS_EXPORTED)


def people(request: Request) -> Response:
    """Export the people whose sessions a revocation has ended: whom to notify."""
    receipt = _receipt(request)
    found = revocation_queries.people([receipt.id])
    about = f"people of revocation={receipt.id}"
    return _file(request, about, found, Affected, "people", EventName.SESSIONS_EXPORTED)


def _receipt(request: Request) -> Receipt:
    found = revocation_queries.receipt(request.read_db, request.matched_id)
    if found is None:
        raise HTTPNotFound
    return found


def _checked(form: FilterForm) -> Any:
    if not form.validate():
        raise HTTPUnprocessableEntity(
            " ".join(str(error) for errors in form.errors.values() for error in errors)
        )
    return form.filter


def _file(
    request: Request, about: str, found: Listing[Any], row: type, name: str, event: EventName
) -> Response:
    """Return the file, written while it is read. `about` says in the audit log what was exported. The first rows are read, and the
    audit log is written, before it begins.
    """
    kind = request.GET.get("format", "csv")
    if kind not in export.FORMATS:
        raise HTTPUnprocessableEntity("The format must be csv or jsonl.")
    rows = found.all(request.read_db.patient(_PATIENCE))
    exported = Event(
        event,
        request.site.name,
        client_of(request),
        initiating_entity=InitiatingEntity.ADMIN,
        actor=actor(request.me),
        detail={"filter": about, "format": kind},
    )
    append(request.db, exported)
    return attachment(name, kind, export.write(rows, row, kind))
