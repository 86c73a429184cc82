"""Between the wire and the operations: route requests to the API, refuse malformed ones, and check the others."""

import re
from collections.abc import Callable
from typing import Any

from pyramid.config import Configurator
from pyramid.registry import Registry
from pyramid.response import Response

from ..web import services
from ..web.request import Request
from ..web.tweens import MAX_QUERY, Handler, MisdirectedRequest
from . import ApiApp, bodies, schema, scopes_of, views
from .openapi import PATHS
from .problems import Problem
from .request import REQUEST_ID, ApiRequest, services_of
from .views.calls import Given

ApiHandler = Callable[[ApiRequest], Response]

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_KEY = re.compile(r"[!-~]{1,255}")


def mount(handler: Handler, registry: Registry) -> Handler:
    """Tween of the console: hand every path under /api/ to the API."""

    def tween(request: Request) -> Response:
        path = request.environ.get("PATH_INFO", "")
        if path != "/api" and not path.startswith("/api/"):
            return handler(request)
        request.environ[REQUEST_ID] = request.id
        return request.get_response(services.of(registry).get(ApiApp).router)

    return tween


def guard(handler: ApiHandler, registry: Registry) -> ApiHandler:
    """Tween of the API: refuse a foreign Host, too large a request and text that is not UTF-8, before anything reads them."""

    def tween(request: ApiRequest) -> Response:
        if request.environ.get("HTTP_HOST", "").lower() != services_of(registry).site.host:
            raise MisdirectedRequest("This host is not served here.")
        if (request.content_length or 0) > bodies.MAX_BYTES:
            raise Problem(413, f"The body is larger than {bodies.MAX_BYTES // 1024} kB.")
        if len(request.query_string) > MAX_QUERY:
            raise Problem(400, "The URL is too long.")
        try:
            texts = [request.path_info, *(part for pair in request.GET.items() for part in pair)]
        except (UnicodeDecodeError, ValueError):
            raise Problem(400, "The URL is not valid UTF-8.") from None
        if any(_CONTROL.search(text) for text in texts):
            raise Problem(400, "The URL contains control characters.")
        return handler(request)

    return tween


def add_operations(config: Configurator) -> None:
    """Add a route and a view for each operation of the document, with its scopes as the permission."""
    for path, item in PATHS.items():
        config.add_route(path, path)
        for method in ("get", "post", "delete"):
            if method in item:
                # Without a permission of its own, a view has the default one, which nobody holds.
                config.add_view(
                    _view(item[method]),
                    route_name=path,
                    request_method=method.upper(),
                    permission=scopes_of(item[method]),
                )


def _view(operation: dict[str, Any]) -> Callable[[Any, ApiRequest], Response]:
    act: Callable[[ApiRequest, Given], Response] = getattr(views, operation["operationId"])
    parameters = operation.get("parameters", [])

    def view(context: Any, request: ApiRequest) -> Response:
        query, wrong = _query(request, [each for each in parameters if each["in"] == "query"])
        body = None
        if "requestBody" in operation:
            body = bodies.read(request)
            wrong += schema.errors(operation["requestBody"]["content"]["application/json"]["schema"], body)
        if not _KEY.fullmatch(request.headers.get("Idempotency-Key", "-")):
            wrong.append(("Idempotency-Key", "must be 1 to 255 visible characters."))
        if wrong:
            errors = [{"field": name, "detail": detail} for name, detail in wrong[:20]]
            raise Problem(422, "Some fields are not valid.", errors=errors)
        return act(request, Given(query, body))

    return view


def _query(request: ApiRequest, parameters: list[Any]) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """Return the query's parameters by type, with defaults filled in, and their errors."""
    known = {each["name"]: each["schema"] for each in parameters}
    values: dict[str, Any] = {name: each["default"] for name, each in known.items() if "default" in each}
    wrong: list[tuple[str, str]] = []
    if len(set(request.GET)) != len(request.GET):
        raise Problem(400, "The URL has a duplicate parameter.")
    for name, typed in request.GET.items():
        if name not in known:
            wrong.append((name[:100], "is not a known parameter."))
            continue
        number = known[name]["type"] == "integer" and re.fullmatch(r"-?[0-9]{1,19}", typed)
        values[name] = int(typed) if number else typed
        wrong += schema.errors(known[name], values[name], name)
    return values, wrong
