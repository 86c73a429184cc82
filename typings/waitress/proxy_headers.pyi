from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

_WSGI: TypeAlias = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

PROXY_HEADERS: frozenset[str]

def proxy_headers_middleware(
    app: _WSGI,
    trusted_proxy: str | None = ...,
    trusted_proxy_count: int = ...,
    trusted_proxy_headers: set[str] | None = ...,
    clear_untrusted: bool = ...,
) -> _WSGI: ...
