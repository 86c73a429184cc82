"""`/audit`: the trail, with filters."""

from typing import Any

from pyramid.config import Configurator

from ...core.paging import Page
from ...operations import audit_queries
from ...web.request import Request
from ..filter_forms import AuditFilterForm
from ..lists import page


def includeme(config: Configurator) -> None:
    """The view."""
    config.add_view(
        audit,
        route_name="admin_audit",
        request_method="GET",
        renderer="shopforum:admin/templates/audit.jinja2",
    )


def audit(request: Request) -> dict[str, Any]:
    """The rows, newest first. A filter that makes no sense is shown again with what is wrong."""
    form = AuditFilterForm(request.GET)
    if form.validate():
        return {
            "form": form,
            "filter": form.filter,
            "page": page(request, audit_queries.audit(form.filter), audit_queries.AUDIT_ID),
        }
    request.response.status_int = 422
    return {"form": form, "filter": form.filter, "page": Page[Any]([], None, None, None, None)}
