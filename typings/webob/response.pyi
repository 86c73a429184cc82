from collections.abc import Callable, Iterable, Mapping
from typing import Any

from webob.headers import ResponseHeaders

class Response:
    status: str
    status_int: int
    status_code: int
    headers: ResponseHeaders
    headerlist: list[tuple[str, str]]
    body: bytes
    text: str
    json_body: Any
    app_iter: Iterable[bytes]
    content_type: str | None
    content_length: int | None
    content_disposition: str | None
    location: str | None
    charset: str | None
    conditional_response: bool
    def __init__(
        self,
        body: bytes | str | None = ...,
        status: int | str | None = ...,
        headerlist: Iterable[tuple[str, str]] | None = ...,
        app_iter: Iterable[bytes] | None = ...,
        content_type: str | None = ...,
        charset: str | None = ...,
        *,
        json: object = ...,
        json_body: object = ...,
        headers: Mapping[str, str] | Iterable[tuple[str, str]] = ...,
        content_disposition: str = ...,
        text: str = ...,
    ) -> None: ...
    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]: ...
    def set_cookie(
        self,
        name: str,
        value: str = ...,
        max_age: int | None = ...,
        path: str = ...,
        domain: str | None = ...,
        secure: bool = ...,
        httponly: bool = ...,
        *,
        samesite: str | None = ...,
    ) -> None: ...
    def delete_cookie(self, name: str, path: str = ..., domain: str | None = ...) -> None: ...
