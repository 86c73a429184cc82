"""Serves the three sites from one process: each is an app of its own, chosen by the exact Host header.

Separate apps mean separate routes, views, cookies and database pools: a store's page cannot be reached on the
console's host because the console's app has no such route, and a flood on the store cannot starve the console.
Each app refuses a Host that is not its own with 421 (RFC 9110, 15.5.20), so any of them may answer strangers.
"""

from collections.abc import Callable, Iterable
from typing import Any

from .core.ini_files import reading

WSGIApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def factory(loader: Any, global_config: dict[str, str], sites: str) -> WSGIApp:
    """Paste composite factory: `sites` names the app sections of the ini file, separated by spaces."""
    path = global_config.get("__file__", "the ini file")
    apps = reading(path, lambda: [loader.get_app(name, global_conf=global_config) for name in sites.split()])
    return dispatcher(apps)


def dispatcher(apps: list[Any]) -> WSGIApp:
    """One WSGI app over several sites. `apps` are what `shopforum.main` returns, at least one."""
    by_host = {app.services.site.host: app for app in apps}

    def dispatch(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        app = by_host.get(environ.get("HTTP_HOST", "").lower(), apps[0])
        return app(environ, start_response)

    return dispatch
