from collections.abc import Iterable
from typing import Any

from pyramid.response import Response

class HTTPException(Response, Exception):
    code: int
    title: str
    explanation: str
    detail: str | None
    def __init__(
        self,
        detail: str | None = ...,
        headers: Iterable[tuple[str, str]] | None = ...,
        comment: str | None = ...,
        body_template: str | None = ...,
        json_formatter: Any = ...,
        **kw: Any,
    ) -> None: ...

class HTTPError(HTTPException): ...
class HTTPRedirection(HTTPException): ...

class _HTTPMove(HTTPRedirection):
    def __init__(
        self,
        location: str = ...,
        detail: str | None = ...,
        headers: Iterable[tuple[str, str]] | None = ...,
        comment: str | None = ...,
        body_template: str | None = ...,
        **kw: Any,
    ) -> None: ...

class HTTPMovedPermanently(_HTTPMove): ...
class HTTPFound(_HTTPMove): ...
class HTTPSeeOther(_HTTPMove): ...
class HTTPTemporaryRedirect(_HTTPMove): ...
class HTTPClientError(HTTPError): ...
class HTTPBadRequest(HTTPClientError): ...

class HTTPForbidden(HTTPClientError):
    # What the security policy has answered, where it was asked.
    result: object
    def __init__(
        self,
        detail: str | None = ...,
        headers: Iterable[tuple[str, str]] | None = ...,
        comment: str | None = ...,
        body_template: str | None = ...,
        result: object = ...,
        **kw: Any,
    ) -> None: ...

class HTTPNotFound(HTTPClientError): ...
class HTTPConflict(HTTPClientError): ...
class HTTPRequestEntityTooLarge(HTTPClientError): ...
class HTTPUnprocessableEntity(HTTPClientError): ...
class HTTPServerError(HTTPError): ...
class HTTPTooManyRequests(HTTPClientError): ...
class HTTPServiceUnavailable(HTTPServerError): ...
