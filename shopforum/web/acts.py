"""The act of a form in words, for the pages that ask whether the form should be sent again.

Each package names the acts of its forms by route (`SiteConfigurator.add_acts`).
"""

from . import methods
from .contributions import Act
from .request import Request
from .services import UnknownAct

_UNKNOWN = UnknownAct(Act("Send a form"))


def of(request: Request) -> Act:
    """Return the act of this request's form."""
    return _named(request, request.route_name)


def at(request: Request, path: str) -> Act:
    """Return the act of a form that is posted to a path of this site."""
    return _named(request, methods.route_at(request, path) or "")


def _named(request: Request, route: str) -> Act:
    unknown = request.services.find(UnknownAct) or _UNKNOWN
    return request.services.acts.get(route, unknown.act)
