"""`/help`: the keyboard shortcuts, and the switch that turns them on."""

from pyramid.config import Configurator

from ...web.request import Request
from ..shortcuts import SHORTCUTS


def includeme(config: Configurator) -> None:
    """Register the view."""
    config.add_view(
        show_help,
        route_name="admin_help",
        request_method="GET",
        renderer="shopforum:admin/templates/help.jinja2",
    )


def show_help(request: Request) -> dict[str, object]:
    """List the shortcuts."""
    return {"shortcuts": list(SHORTCUTS.values())}
