"""The methods that an address takes, for the Allow header of a 405."""

from collections.abc import Iterator

from pyramid.request import Request


def allowed(request: Request) -> str:
    """Return the Allow header that a 405 must have (RFC 9110, 15.5.6), from the views of the matched route."""
    return ", ".join(sorted(set(_methods(request))))


def _methods(request: Request) -> Iterator[str]:
    route = request.matched_route.name if request.matched_route else None
    for entry in request.registry.introspector.get_category("views"):
        view = entry["introspectable"]
        if view["route_name"] == route:
            # Each view names one method; Pyramid adds HEAD to GET.
            yield from ("GET", "HEAD") if view["request_methods"] == "GET" else (view["request_methods"],)
