"""`/`: sessions by state, attacks, open flags, the last day by the hour, and the latest acts."""

from typing import Any

from pyramid.config import Configurator

from ...core.database import once_more
from ...core.read_only_database import ReadOnlyDatabase
from ...core.sites import TITLES
from ...operations import audit_queries, counts, overview, revocation_queries
from ...web.request import Request
from ..chart import chart
from .confirming import may_revoke_all


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
    # The counts have a shorter time limit, and the page goes without them beyond it.
    return {
        "counts": counts.on_tabs(request.read_db, []),
        "may_revoke_all": may_revoke_all(request),
        **_overview(request.read_db),
    }


@once_more
def _overview(db: ReadOnlyDatabase) -> dict[str, Any]:
    with db.in_one_transaction() as opened:
        hours, series = chart(opened)
        return {
            **vars(overview.summary(opened)),
            "alerts": overview.alerts(opened),
            "titles": TITLES,
            "most_replays": overview.MOST_REPLAYS,
            "most_messages": overview.MOST_MESSAGES,
            "hours": hours,
            "series": series,
            "revocations": revocation_queries.latest_receipts(opened, 5),
            "events": audit_queries.AUDIT.first(opened, 10),
        }
