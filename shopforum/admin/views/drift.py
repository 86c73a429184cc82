"""`/drift`: where the live sessions here and the refresh tokens at FusionAuth disagree, and what to do about each.

The worker compares them nightly, and when somebody asks for it here.
"""

from typing import Any

from pyramid.response import Response

from ...core.permissions import REVOKE
from ...operations import drift_checks
from ...operations.drift import MEANINGS
from ...web import notes
from ...web.contributions import Notice
from ...web.request import Request
from ...web.site_config import SiteConfigurator
from ..forms import actor
from . import may_revoke


def includeme(config: SiteConfigurator) -> None:
    """Register the views and their notices."""
    config.add_notices(
        {
            "drift_asked": Notice(
                "success", "The worker compares the sessions now. Reload this page to follow it."
            ),
            "drift_under_way": Notice("info", "A comparison is under way already."),
        }
    )
    config.add_view(
        show,
        route_name="admin_drift",
        request_method="GET",
        renderer="shopforum:admin/templates/drift.jinja2",
    )
    config.add_view(ask, route_name="admin_drift", request_method="POST", permission=REVOKE)


def show(request: Request) -> dict[str, Any]:
    """Show the latest comparison, and the one that is under way."""
    db = request.read_db
    return {
        "latest": drift_checks.latest(db),
        "under_way": drift_checks.under_way(db),
        "meanings": MEANINGS,
        "most": drift_checks.MOST,
        "may_revoke": may_revoke(request),
    }


def ask(request: Request) -> Response:
    """Begin a comparison."""
    begun = drift_checks.ask(request.db, actor(request.me))
    return notes.see_other(request, f"/drift?notice={'drift_asked' if begun else 'drift_under_way'}")
