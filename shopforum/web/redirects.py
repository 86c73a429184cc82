"""Redirects within a site are sent as paths, `Location: /shopping-cart`, as the workflow shows them.

WebOb makes every Location absolute from the scheme and host it sees. Behind a proxy that forgets to say https, that
would send people to plain http; a path (RFC 9110, 10.2.2) leaves nothing to guess.
"""

from collections.abc import Callable, Iterable
from typing import Any

from pyramid.router import Router


class SiteApp:
    """The WSGI app of a site: Pyramid's router, with its registry, and relative redirects."""

    def __init__(self, router: Router) -> None:
        self.registry = router.registry
        self._router = router

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer a request (PEP 3333)."""
        own = f"{environ.get('wsgi.url_scheme', '')}://{environ.get('HTTP_HOST', '')}/"

        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            return start_response(status, [(name, _path(name, value, own)) for name, value in headers], *rest)

        answer: Iterable[bytes] = self._router(environ, start)
        return answer


def _path(name: str, value: str, own: str) -> str:
    if name.lower() != "location" or not value.startswith(own):
        return value
    path = value[len(own) - 1 :]
    # A path that begins with two slashes would name another host.
    return value if path.startswith("//") else path
