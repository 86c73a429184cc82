"""`/audit`: the audit log, with filters."""

from typing import Any

from pyramid.config import Configurator

from ...core.paging import Page
from ...operations import audit_queries
from ...web.request import Request
from ..filter_forms import AuditFilterForm
from ..lists import page


def includeme(config: Configurator) -> None:
    """Register the view."""
    config.add_view(
        audit,
        route_name="admin_audit",
        request_method="GET",
        renderer="shopforum:admin/templates/audit.jinja2",
    )


def audit(request: Request) -> dict[str, Any]:
    """Show the rows, newest first. A filter with errors is shown again over an empty list."""
    form = AuditFilterForm(request.GET)
    if form.validate():
        found = page(request, audit_queries.listing(request.read_db, form.filter))
    else:
        request.response.status_int = 422
        found = Page([])
    return {"form": form, "filter": form.filter, "page": found}
