"""The methods that an address takes: for the Allow header of a 405, and to find out whether a page is there."""

from collections.abc import Iterator

from pyramid.interfaces import IRoutesMapper
from pyramid.registry import Registry
from pyramid.request import Request


def allowed(request: Request) -> str:
    """Return the Allow header that a 405 must have (RFC 9110, 15.5.6), from the views of the matched route."""
    route = request.matched_route.name if request.matched_route else None
    return ", ".join(sorted(set(_methods(request.registry, route))))


def has_page(request: Request, path: str) -> bool:
    """Return whether a path of this site, without a query, has a view for GET. The view may still find nothing to show."""
    return "GET" in _methods(request.registry, route_at(request, path))


def route_at(request: Request, path: str) -> str | None:
    """Return the name of the route that a path of this site matches; None for no route, or an unreadable path."""
    try:
        route = request.registry.getUtility(IRoutesMapper)(Request.blank(path))["route"]
    except ValueError:
        # Not UTF-8, or no address at all: the path may be a Referer's.
        return None
    return route.name if route else None


def _methods(registry: Registry, route: str | None) -> Iterator[str]:
    for entry in registry.introspector.get_category("views"):
        view = entry["introspectable"]
        if view["route_name"] == route:
            # Each view names one method; Pyramid adds HEAD to GET.
            yield from ("GET", "HEAD") if view["request_methods"] == "GET" else (view["request_methods"],)
