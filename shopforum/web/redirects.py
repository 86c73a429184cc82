"""The WSGI application of a site, which sends redirects within the site as paths: `Location: /shopping-cart`.

WebOb makes each Location absolute, from the scheme and the host that it sees. Behind a proxy that does not pass on https,
this would redirect users to plain http. A path (RFC 9110, 10.2.2) cannot be wrong.
"""

from collections.abc import Callable, Iterable
from typing import Any

from pyramid.router import Router

from . import services
from .services import Services


class SiteApp:
    """The WSGI application of a site: Pyramid's router, with its registry and services, and redirects as paths."""

    def __init__(self, router: Router) -> None:
        self.registry = router.registry
        self._router = router

    @property
    def services(self) -> Services:
        """The services of the site."""
        return services.of(self.registry)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Respond to a request (PEP 3333)."""
        own = f"{environ.get('wsgi.url_scheme', '')}://{environ.get('HTTP_HOST', '')}/"

        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            return start_response(status, [(name, _path(name, value, own)) for name, value in headers], *rest)

        return self._router(environ, start)


def _path(name: str, value: str, own: str) -> str:
    if name.lower() != "location" or not value.startswith(own):
        return value
    path = value[len(own) - 1 :]
    # A path that begins with two slashes would name another host.
    return value if path.startswith("//") else path
