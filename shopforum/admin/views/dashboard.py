"""`/`: what is open, what was tried, the last day by the hour, and the latest acts."""

from typing import Any

from pyramid.config import Configurator

from ...operations import audit_queries, counts, overview
from ...web.request import Request


def includeme(config: Configurator) -> None:
    """The view."""
    config.add_view(
        dashboard,
        route_name="admin_dashboard",
        request_method="GET",
        renderer="shopforum:admin/templates/dashboard.jinja2",
    )


def dashboard(request: Request) -> dict[str, Any]:
    """The first page."""
    db = request.read_db
    hours, series = overview.chart(db)
    revocations = overview.revocations(db)
    return {
        "counts": counts.on_tabs(db, []),
        "attacks": overview.attacks(db),
        "alerts": overview.alerts(db),
        "failures": overview.failures(db),
        "hours": hours,
        "series": series,
        "revocations": revocations,
        "counted": audit_queries.counted(db, [row["id"] for row in revocations]),
        "events": overview.events(db),
    }
