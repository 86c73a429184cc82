"""Around every request: an id and a log line, security headers, and refusal of what no browser of ours sends."""

import re
import secrets
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote_to_bytes

import structlog
from pyramid.httpexceptions import HTTPBadRequest, HTTPRequestEntityTooLarge
from pyramid.response import Response

from .request import MAX_BODY, Request

log = structlog.get_logger("shopforum")

Handler = Callable[[Request], Response]

MAX_FIELDS = 1000
MAX_QUERY = 8192

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; object-src 'none'"
)

# NUL and the other C0 characters that no form field of ours can hold; tab and line ends may stand in text.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class MisdirectedRequest(HTTPBadRequest):
    """The Host is not this site's (RFC 9110, 15.5.20)."""

    code = 421
    title = "Misdirected Request"


def observe(handler: Handler, registry: Any) -> Handler:
    """Give the request an id, log it in one line, and answer even when everything else has failed."""

    def tween(request: Request) -> Response:
        request.id = secrets.token_hex(8)
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request.id, site=registry.site.name)
        started = time.monotonic()
        try:
            response = handler(request)
        except Exception:
            log.exception("request failed")
            response = Response("Something went wrong on our side.", status=500, content_type="text/plain")
        response.headers["X-Request-ID"] = request.id
        # The path alone: a query may hold what somebody typed.
        log.info(
            "request",
            method=request.method[:20],
            path=request.environ.get("PATH_INFO", "")[:200],
            status=response.status_int,
            ms=round((time.monotonic() - started) * 1000, 1),
        )
        return response

    return tween


def harden(handler: Handler, registry: Any) -> Handler:
    """Security headers on every answer, error pages among them (ASVS 5.0 V3.4)."""
    headers = {
        "Content-Security-Policy": CONTENT_SECURITY_POLICY,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    }
    if registry.site.url.startswith("https://"):
        headers["Strict-Transport-Security"] = "max-age=63072000; includeSubDomains"

    def tween(request: Request) -> Response:
        response = handler(request)
        response.headers.update(headers)
        # What was answered decides, not its address: an answer that may be kept says so itself, as static files do.
        # Pages differ by who asks, and none may come back by the Back button after a logout.
        if "Cache-Control" not in response.headers:
            response.headers["Cache-Control"] = "no-store"
            response.headers["Vary"] = "Cookie"
        return response

    return tween


def guard(handler: Handler, registry: Any) -> Handler:
    """Refuse a foreign Host, a body that is too large, and bytes that are no text, before anything reads them."""

    def tween(request: Request) -> Response:
        if request.environ.get("HTTP_HOST", "").lower() != registry.site.host:
            raise MisdirectedRequest("This host is not served here.")
        if (request.content_length or 0) > MAX_BODY:
            raise HTTPRequestEntityTooLarge("The request is larger than 1 MB.")
        _check_text(request, registry)
        return handler(request)

    return tween


def _check_text(request: Request, registry: Any) -> None:
    """Raise HTTPBadRequest for a path, a query or a form that cannot be read or that repeats a field."""
    if len(request.query_string) > MAX_QUERY:
        raise HTTPBadRequest("The address is too long.")
    try:
        texts = [request.path_info, *_flat(request.GET)]
        form = _form(request) if request.method == "POST" else {}
        texts += _flat(form)
    except (LookupError, ValueError, OSError):
        raise HTTPBadRequest("The request cannot be read.") from None
    if not all(isinstance(text, str) for text in texts):
        raise HTTPBadRequest("No form here takes a file.")
    if any(_CONTROL.search(text) for text in texts):
        raise HTTPBadRequest("The request holds characters that cannot be used.")
    if len(form) > MAX_FIELDS:
        raise HTTPBadRequest("The form has too many fields.")
    names = [name for name in form if name not in registry.repeatable_fields]
    if len(names) != len(set(names)):
        raise HTTPBadRequest("The form holds a field twice.")


def _form(request: Request) -> Any:
    """The posted form. Raises UnicodeDecodeError for bytes that are no UTF-8, which WebOb would quietly replace."""
    if request.charset.lower() not in ("utf-8", "utf8"):
        # WebOb would decode by whatever codec the header names, or fail where there is no such codec.
        raise ValueError("a form in another encoding")
    body = request.body
    if request.content_type == "application/x-www-form-urlencoded":
        body = unquote_to_bytes(body)
    body.decode()
    return request.POST


def _flat(multi: Any) -> list[Any]:
    """Names and values: strings, but for an uploaded file."""
    return [part for pair in multi.items() for part in pair]
