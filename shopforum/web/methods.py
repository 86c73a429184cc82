"""What methods an address takes."""

from collections.abc import Iterator

from .request import Request


def allowed(request: Request) -> str:
    """The Allow header of a 405, which must have one (RFC 9110, 15.5.6), from the views of the matched route."""
    return ", ".join(sorted(set(_methods(request))))


def _methods(request: Request) -> Iterator[str]:
    for entry in request.registry.introspector.get_category("views"):
        view = entry["introspectable"]
        if view["route_name"] == request.matched_route.name:
            # Every view names one method; Pyramid gives GET's also for HEAD.
            yield from ("GET", "HEAD") if view["request_methods"] == "GET" else (view["request_methods"],)
