"""What the sites' forms do, in words: for the pages that ask whether one is to be sent after all.

Each package names its own in `registry.acts`, by route.
"""

from dataclasses import dataclass

from pyramid.interfaces import IRoutesMapper

from .request import Request


@dataclass(frozen=True)
class Act:
    """`label` says what the form does, as its button would.

    What ends or destroys something, or reaches far, is never sent again from another page: with `asks`, the address
    itself asks before it acts, and its GET shows the form as it was filled in; with `page`, that is where to begin anew.
    """

    label: str
    asks: bool = False
    page: str = ""

    @property
    def again(self) -> bool:
        """Whether the form may be sent from the page that shows it once more."""
        return not (self.asks or self.page)


def of(request: Request) -> Act:
    """What the form of this request does."""
    return _named(request, request.matched_route.name)


def at(request: Request, path: str) -> Act:
    """What a form does that is sent to a path of this site."""
    route = request.registry.getUtility(IRoutesMapper)(Request.blank(path))["route"]
    return _named(request, route.name if route else "")


def _named(request: Request, route: str) -> Act:
    found: Act = request.registry.acts.get(route, request.registry.unknown_act)
    return found
