"""The pages that the footer leads to, and the list of all public pages for search engines."""

from typing import Any
from urllib.parse import quote, urlencode

from pyramid.config import Configurator
from pyramid.security import NO_PERMISSION_REQUIRED

from ...mail.outgoing import MailSettings
from ...web import caching
from ...web.request import Request
from .. import products

# Route, path, template and title of each page.
_PAGES = (
    ("store_contact", "/contact", "Contact"),
    ("store_shipping", "/help/shipping", "Shipping"),
    ("store_returns", "/help/returns", "Returns"),
    ("store_privacy", "/privacy", "Privacy"),
    ("store_help", "/help", "Help"),
)
FOOTER = tuple((title, path) for _, path, title in _PAGES)


def includeme(config: Configurator) -> None:
    """Add the pages."""
    for route, path, _ in _PAGES:
        config.add_route(route, path)
        config.add_view(
            show,
            route_name=route,
            request_method="GET",
            renderer=f"shopforum:store/templates/about/{path.rpartition('/')[2]}.jinja2",
            permission=NO_PERMISSION_REQUIRED,
        )


def show(request: Request) -> dict[str, Any]:
    """Show a page that says how the store works. `mail` is the address that answers letters, or empty."""
    caching.mark_public(request)
    mail = request.services.get(MailSettings)
    return {"mail": mail.sender if mail.on else ""}


def paths(request: Request) -> list[str]:
    """Return the paths of all public pages of the store."""
    shelves = [f"/products?{urlencode({'category': name})}" for name in products.categories(request.site_db)]
    goods = [f"/products/{quote(slug)}" for slug in products.slugs(request.site_db)]
    return ["/", "/products", *(path for _, path, _ in _PAGES), *shelves, *goods]
