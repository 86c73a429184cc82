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


def factory(loader: Loader, global_config: dict[str, str], sites: str) -> WSGIApp:
    """Paste composite factory. `sites` names the sections of the ini file that are sites, separated by spaces."""
    path = global_config.get("__file__", "the ini file")
    apps = reading(path, lambda: [loader.get_app(name, global_conf=global_config) for name in sites.split()])
    return dispatcher(apps)


def dispatcher(apps: Sequence[SiteApp]) -> WSGIApp:
    """Return one WSGI application over several sites, at least one."""
    by_host = {app.services.site.host: app for app in apps}

    def dispatch(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        app = by_host.get(environ.get("HTTP_HOST", "").lower(), apps[0])
        return app(environ, start_response)

    return dispatch
