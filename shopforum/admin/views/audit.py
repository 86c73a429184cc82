"""`/audit`: the trail, with filters."""

from typing import Any

from pyramid.config import Configurator
from pyramid.request import Request

from ...paging import Page
from .. import trail
from ..filters import AuditFilter
from ..reading import page


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
    form = AuditFilter(request.GET)
    if form.validate():
        return {"form": form, "page": page(request, trail.audit(form), trail.AUDIT_ID)}
    request.response.status_int = 422
    return {"form": form, "page": Page([], None, None, None, None)}
