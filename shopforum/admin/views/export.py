"""`/sessions/export` and `/audit/export`: what a filter leaves, as a file. The trail tells who took it."""

from collections.abc import Sequence
from typing import Any

from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPUnprocessableEntity
from pyramid.response import Response
from sqlalchemy import ColumnElement, Select

from ...operations import audit_queries, export, session_queries
from ...operations.filters import Filter
from ...sessions import client_of
from ...sessions.audit import Event, append
from ...web.request import Request
from ..filter_forms import AuditFilterForm, FilterForm, SessionFilterForm
from ..forms import actor

# Milliseconds: a file may take longer to begin than a page.
_PATIENCE = 10_000


def includeme(config: Configurator) -> None:
    """The views."""
    config.add_view(sessions, route_name="admin_sessions_export", request_method="GET")
    config.add_view(audit, route_name="admin_audit_export", request_method="GET")


def sessions(request: Request) -> Response:
    """The sessions of a filter, newest sign-in first."""
    chosen, db = _checked(SessionFilterForm(request.GET)), request.read_db.patient(_PATIENCE)
    statement = session_queries.listed().where(*session_queries.conditions(db, chosen))
    order = (session_queries.CREATED_AT, session_queries.ID)
    return _file(request, chosen, "list_exported", statement, order, export.SESSIONS)


def audit(request: Request) -> Response:
    """The rows of the trail that a filter leaves, newest first."""
    chosen = _checked(AuditFilterForm(request.GET))
    return _file(
        request,
        chosen,
        "trail_exported",
        audit_queries.audit(chosen),
        (audit_queries.AUDIT_ID,),
        export.AUDIT_LOG,
    )


def _checked(form: FilterForm) -> Any:
    if not form.validate():
        raise HTTPUnprocessableEntity(
            " ".join(str(error) for errors in form.errors.values() for error in errors)
        )
    return form.filter


def _file(
    request: Request,
    chosen: Filter,
    event: str,
    statement: Select[Any],
    order: Sequence[ColumnElement[Any]],
    columns: Sequence[str],
) -> Response:
    """The answer, written while it is read. The first rows are read, and the trail is written, before it begins."""
    kind = request.GET.get("format", "csv")
    if kind not in export.FORMATS:
        raise HTTPUnprocessableEntity("The format is csv or jsonl.")
    found = export.rows(request.read_db.patient(_PATIENCE), statement, *order)
    me = request.me
    taken = Event(
        event,
        request.site.name,
        client_of(request),
        initiating_entity="admin",
        actor=actor(me),
        detail={"filter": chosen.text, "format": kind},
    )
    append(request.db, taken)
    name = "sessions" if event == "list_exported" else "audit"
    response = Response(content_type=export.FORMATS[kind], charset="utf-8")
    response.app_iter = export.write(found, columns, kind)
    response.content_disposition = f'attachment; filename="{name}.{kind}"'
    return response
