"""Health checks, on any Host: probes of a load balancer or an orchestrator ask by address.

`/healthz`: the process answers; restart it if not. `/readyz`: it can do its work; send it requests only then. `/startupz`:
it has been ready once. Their responses tell nothing but the state.
"""

from pyramid.config import Configurator
from pyramid.security import NO_PERMISSION_REQUIRED

from ..core.readiness import Readiness, State
from .request import Request

PATHS = ("/healthz", "/readyz", "/startupz")


def includeme(config: Configurator) -> None:
    """Add the addresses, open to everybody."""
    for path, view in zip(PATHS, (healthz, readyz, startupz), strict=True):
        config.add_route(path[1:], path)
        config.add_view(
            view,
            route_name=path[1:],
            renderer="json",
            request_method="GET",
            permission=NO_PERMISSION_REQUIRED,
        )


def healthz(request: Request) -> dict[str, str]:
    """Return ok: the response itself is the proof."""
    return {"status": "ok"}


def readyz(request: Request) -> dict[str, object]:
    """Return the state of the checks; status 503 while the process cannot do its work, or is about to end."""
    return _answer(request, request.services.get(Readiness).check())


def startupz(request: Request) -> dict[str, object]:
    """Return whether the process has been ready once; status 503 until then."""
    return _answer(request, request.services.get(Readiness).started())


def _answer(request: Request, state: State) -> dict[str, object]:
    if not state.ready:
        request.response.status_int = 503
        request.response.headers["Retry-After"] = "5"
    return {"status": "ok" if state.ready else "unavailable", "checks": state.checks}
