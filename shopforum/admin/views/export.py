"""`/sessions/export` and `/audit/export`: a list as a file. The audit log says who exported it."""

from typing import Any

from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPUnprocessableEntity
from pyramid.response import Response

from ...core.listing import Listing
from ...operations import audit_queries, export, session_queries
from ...operations.filters import Filter
from ...operations.rows import AuditRow, SessionRow
from ...sessions import client_of
from ...sessions.audit import Event, append
from ...sessions.vocabulary import EventName, InitiatingEntity
from ...web.request import Request
from ..filter_forms import AuditFilterForm, FilterForm, SessionFilterForm
from ..forms import actor

# Milliseconds: a file may take longer to begin than a page.
_PATIENCE = 10_000


def includeme(config: Configurator) -> None:
    """Register the views."""
    config.add_view(sessions, route_name="admin_sessions_export", request_method="GET")
    config.add_view(audit, route_name="admin_audit_export", request_method="GET")


def sessions(request: Request) -> Response:
    """Export the sessions of a filter, newest sign-in first."""
    chosen = _checked(SessionFilterForm(request.GET))
    found = session_queries.listing(request.read_db.patient(_PATIENCE), chosen)
    return _file(request, chosen, found, SessionRow, "sessions", EventName.SESSIONS_EXPORTED)


def audit(request: Request) -> Response:
    """Export the rows of the audit log that match a filter, newest first."""
    chosen = _checked(AuditFilterForm(request.GET))
    return _file(
        request, chosen, audit_queries.listing(chosen), AuditRow, "audit", EventName.AUDIT_LOG_EXPORTED
    )


def _checked(form: FilterForm) -> Any:
    if not form.validate():
        raise HTTPUnprocessableEntity(
            " ".join(str(error) for errors in form.errors.values() for error in errors)
        )
    return form.filter


def _file(
    request: Request, chosen: Filter, found: Listing[Any], row: type, name: str, event: EventName
) -> Response:
    """Return the file, written while it is read. The first rows are read, and the audit log is written, before it begins."""
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
        detail={"filter": chosen.text, "format": kind},
    )
    append(request.db, exported)
    response = Response(content_type=export.FORMATS[kind], charset="utf-8")
    response.app_iter = export.write(rows, row, kind)
    response.content_disposition = f'attachment; filename="{name}.{kind}"'
    return response
