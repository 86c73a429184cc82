"""`/`: sessions by state, attacks, open flags, the last day by the hour, and the latest acts."""

from typing import Any

from pyramid.config import Configurator

from ...operations import audit_queries, counts, overview, revocation_queries
from ...web.request import Request
from ..chart import chart


def includeme(config: Configurator) -> None:
    """Register the view."""
    config.add_view(
        dashboard,
        route_name="admin_dashboard",
        request_method="GET",
        renderer="shopforum:admin/templates/dashboard.jinja2",
    )


def dashboard(request: Request) -> dict[str, Any]:
    """Show the console's first page."""
    db = request.read_db
    hours, series = chart(db)
    latest = [row.id for row in revocation_queries.REVOCATIONS.first(db, 5)]
    receipts = revocation_queries.receipts(db, latest)
    return {
        "counts": counts.on_tabs(db, []),
        "attacks": overview.attacks(db),
        "alerts": overview.alerts(db),
        "failures": overview.failures(db),
        "most_replays": overview.MOST_REPLAYS,
        "most_messages": overview.MOST_MESSAGES,
        "hours": hours,
        "series": series,
        "revocations": [receipts[revocation_id] for revocation_id in latest],
        "events": audit_queries.AUDIT.first(db, 10),
    }
