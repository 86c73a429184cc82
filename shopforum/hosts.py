"""One WSGI application over the three sites: the exact Host header chooses the site.

Each site is an application of its own, with its own routes, views, cookies and database connections. A page of the store
cannot be reached on the console's host, because the console's application has no such route, and a flood of requests to
the store cannot take the console's connections. Each application refuses a Host that is not its own with 421 (RFC 9110,
15.5.20), so any of them may get a request for an unknown host.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from .core.ini_files import reading
from .web.redirects import SiteApp

WSGIApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Loader(Protocol):
    """PasteDeploy's loader of an ini file."""

    def get_app(self, name: str, *, global_conf: dict[str, str]) -> SiteApp:
        """Make the application of the section `[app:NAME]`."""


class Sites:
    """One WSGI application over several sites, at least one. `by_host` has them by the Host that they serve."""

    def __init__(self, apps: Sequence[SiteApp]) -> None:
        self.by_host = by_host(*apps)
        self._first = apps[0]

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Respond to a request (PEP 3333)."""
        app = self.by_host.get(environ.get("HTTP_HOST", "").lower(), self._first)
        return app(environ, start_response)


def factory(loader: Loader, global_config: dict[str, str], sites: str) -> Sites:
    """Paste composite factory. `sites` names the sections of the ini file that are sites, separated by spaces."""
    path = global_config.get("__file__", "the ini file")
    return Sites(
        reading(path, lambda: [loader.get_app(name, global_conf=global_config) for name in sites.split()])
    )


def by_host(*apps: WSGIApp) -> dict[str, SiteApp]:
    """Return the sites in some applications, by the Host that they serve."""
    found: dict[str, SiteApp] = {}
    for app in apps:
        if isinstance(app, Sites):
            found |= app.by_host
        elif isinstance(app, SiteApp):
            found[app.services.site.host] = app
    return found
