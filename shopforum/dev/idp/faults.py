"""The test hooks that replace answers: delays, statuses, garbage, lost answers, and any that FusionAuth may give."""

import json
import re
from typing import Any

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response

from .answers import BY_NAME, PATHS
from .errors import field_error, general_error, nothing
from .json_fields import flag, json_body, mapping, only, required_text, text, whole
from .service import service_of
from .state import Fault

_LONGEST_DELAY = 600
_HEADER_NAME = re.compile("[A-Za-z0-9-]+")
# The server's own: it refuses an application that sets them.
_SERVER_HEADERS = {
    "connection",
    "content-length",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
}
_FIELDS = ("path", "method", "times", "status", "body", "content_type", "headers", "delay_seconds", "drop")


def fail(request: Request) -> Response:
    """``POST /hooks/fail``: replace the answers of the next ``times`` calls at a path or below it."""
    body = json_body(request)
    only(body, _FIELDS)
    path, method = required_text(body, "path"), text(body, "method")
    if not path.startswith("/") or path.startswith("/hooks"):
        raise field_error("path", "invalid", "The [path] must begin with / and must not be a hook.")
    delay = body.get("delay_seconds") or 0
    if isinstance(delay, bool) or not isinstance(delay, int | float) or not 0 <= delay <= _LONGEST_DELAY:
        raise field_error("delay_seconds", "invalid", f"The delay must be 0 to {_LONGEST_DELAY} seconds.")
    times = whole(body, "times", 1, high=1_000_000)
    content, content_type = _content(body)
    fault = Fault(
        path=path,
        method=method.upper() if method else None,
        times=times,
        status=whole(body, "status", low=200, high=599),
        body=content,
        content_type=content_type,
        headers=_headers(body),
        delay=float(delay),
        drop=flag(body, "drop"),
    )
    if fault.times and fault.status is None and not fault.delay and not fault.drop:
        raise general_error("missing", "Give a status, a delay_seconds or drop; or times 0 to clear.")
    service_of(request).state.set_fault(fault)
    return nothing(204)


def answer(request: Request) -> Response:
    """``POST /hooks/answer`` ``{"answer"}``: answer the next call with this row of `answers.ANSWERS`."""
    body = json_body(request)
    only(body, ("answer",))
    found = BY_NAME.get(required_text(body, "answer"))
    if found is None:
        raise general_error(
            "unknownAnswer", f"There is no such answer. Known: {', '.join(sorted(BY_NAME))}.", 404
        )
    method, path = PATHS[found.call]
    content, content_type = _content({"body": found.body})
    fault = Fault(path, method, 1, found.status, content, content_type, headers={}, delay=0.0, drop=False)
    service_of(request).state.set_fault(fault)
    return nothing(204)


def _content(body: dict[str, Any]) -> tuple[bytes, str | None]:
    content, given = body.get("body"), text(body, "content_type")
    _refuse_line_breaks(given or "")
    if content is None:
        return b"", given
    if isinstance(content, str):
        return content.encode(), given or "text/html; charset=UTF-8"
    return json.dumps(content).encode(), given or "application/json; charset=UTF-8"


def _headers(body: dict[str, Any]) -> dict[str, str]:
    headers = mapping(body, "headers")
    for name in headers:
        if not _HEADER_NAME.fullmatch(name) or name.lower() in _SERVER_HEADERS:
            raise general_error("invalid", "This header cannot be set.")
        _refuse_line_breaks(required_text(headers, name, f"headers.{name}"))
    return headers


def _refuse_line_breaks(value: str) -> None:
    if not value.isascii() or not value.isprintable():
        raise general_error("invalid", "Headers must be printable ASCII.")


def includeme(config: Configurator) -> None:
    """The routes of these hooks."""
    for name, view in (("fail", fail), ("answer", answer)):
        config.add_route(f"hook_{name}", f"/hooks/{name}")
        config.add_view(view, route_name=f"hook_{name}", request_method="POST")
