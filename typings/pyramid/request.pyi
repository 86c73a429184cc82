from collections.abc import Callable
from typing import Any, Generic, TypeVar

from pyramid.registry import Registry
from pyramid.response import Response
from pyramid.security import Allowed, Denied
from pyramid.urldispatch import Route
from webob.request import BaseRequest

V = TypeVar("V")

class Request(BaseRequest):
    registry: Registry
    context: Any
    exception: Exception | None
    # None before the router has looked, and where no route matches.
    matched_route: Route | None
    matchdict: dict[str, str]
    response: Response
    identity: Any
    authenticated_userid: str | None
    def has_permission(self, permission: str, context: object = ...) -> Allowed | Denied: ...
    def add_response_callback(self, callback: Callable[[Any, Response], None]) -> None: ...
    def add_finished_callback(self, callback: Callable[[Any], None]) -> None: ...
    def get_response(self, application: Callable[..., Any]) -> Response: ...
    def route_path(self, route_name: str, *elements: str, **kw: Any) -> str: ...

class RequestLocalCache(Generic[V]):
    def __init__(self, creator: Callable[[Any], V] | None = ...) -> None: ...
    def get_or_create(self, request: Request) -> V: ...
    def get(self, request: Request) -> V: ...
    def set(self, request: Request, value: V) -> None: ...
