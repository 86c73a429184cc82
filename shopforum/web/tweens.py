"""Tweens around each request: a request id and a log line, security headers, and the refusal of malformed requests."""

import re
import secrets
import time
from collections.abc import Callable, Iterable
from typing import TypeVar
from urllib.parse import unquote_to_bytes

import structlog
from pyramid.httpexceptions import HTTPBadRequest, HTTPRequestEntityTooLarge
from pyramid.registry import Registry
from pyramid.request import Request as PyramidRequest
from pyramid.response import Response
from webob.multidict import MultiDict

from ..core import metrics
from ..idp import timing
from ..sessions import client_of, policy_of
from . import health, probe, services
from .request import MAX_BODY, Request

V = TypeVar("V")
log = structlog.get_logger("shopforum")

Handler = Callable[[Request], Response]

MAX_FIELDS = 1000
MAX_QUERY = 8192

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; object-src 'none'"
)

# NUL and the other C0 characters, which no form field may hold. Tabs and line ends may stand in text.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class MisdirectedRequest(HTTPBadRequest):
    """The Host is not that of this site (RFC 9110, 15.5.20)."""

    code = 421
    title = "Misdirected Request"


def observe(handler: Handler, registry: Registry) -> Handler:
    """Give the request an id, log it in one line, and respond even if an error page has failed."""
    site = services.of(registry).site.name

    def tween(request: Request) -> Response:
        request.id = secrets.token_hex(8)
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request.id, site=site)
        timing.begin()
        started = time.monotonic()
        with metrics.REQUESTS_UNDER_WAY.labels(site).track_inprogress():
            try:
                response = handler(request)
            except Exception:
                log.exception("request failed")
                response = Response(
                    "Something went wrong on our side.", status=500, content_type="text/plain"
                )
        seconds = time.monotonic() - started
        status = f"{response.status_int // 100}xx"
        metrics.REQUEST_SECONDS.labels(site, request.route_name or "none", status).observe(seconds)
        response.headers["X-Request-ID"] = request.id
        # Without the query, which may hold text that a user typed.
        log.info(
            "request",
            method=request.method[:20],
            path=_decoded_path(request)[:200],
            status=response.status_int,
            ms=round(seconds * 1000, 1),
            fusionauth_ms=round(timing.waited() * 1000, 1),
            address=client_of(request).address,
            **_who(request),
        )
        return response

    return tween


def _who(request: Request) -> dict[str, str]:
    """Return the user and the session's public id, where the request has looked them up. Looks up nothing itself."""
    session = policy_of(request).known(request)
    return {} if session is None else {"user_id": str(session.user_id), "session_id": str(session.id)}


def _decoded_path(request: Request) -> str:
    """Return the path as text, whatever bytes it is made of. WSGI hands them over as Latin-1 (PEP 3333)."""
    raw: str = request.environ.get("PATH_INFO", "")
    return raw.encode("latin-1", "replace").decode("utf-8", "replace")


def harden(handler: Handler, registry: Registry) -> Handler:
    """Add the security headers to each response, error pages included (ASVS 5.0 V3.4)."""
    headers = {
        "Content-Security-Policy": CONTENT_SECURITY_POLICY,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    }
    site = services.of(registry).site
    # A browser would keep it for years, and refuse http://*.localhost from then on.
    if site.url.startswith("https://") and not site.development:
        headers["Strict-Transport-Security"] = "max-age=63072000; includeSubDomains"

    def tween(request: Request) -> Response:
        response = handler(request)
        response.headers.update(headers)
        # A response that may be cached says so itself, as static files do. All others depend on the user, and must not
        # come back through the Back button after a logout.
        if "Cache-Control" not in response.headers:
            response.headers["Cache-Control"] = "no-store"
            vary = response.headers.get("Vary")
            response.headers["Vary"] = f"Cookie, {vary}" if vary else "Cookie"
        return response

    return tween


def guard(handler: Handler, registry: Registry) -> Handler:
    """Refuse a wrong Host, a body that is too large, and unreadable bytes, before other code reads them."""
    shared = services.of(registry)

    def tween(request: Request) -> Response:
        own = request.environ.get("HTTP_HOST", "").lower() == shared.site.host
        by_any_host = request.environ.get("PATH_INFO") in health.PATHS
        if not (own or by_any_host or probe.is_authentic(request, shared.sessions.config.secrets)):
            raise MisdirectedRequest("This server does not serve that host.")
        if (request.content_length or 0) > MAX_BODY:
            raise HTTPRequestEntityTooLarge("The request is larger than 1 MB.")
        _check_text(request, shared.repeatable_fields)
        return handler(request)

    return tween


def _check_text(request: Request, repeatable: set[str]) -> None:
    """Raise HTTPBadRequest for a path, a query or a form that is unreadable, or that repeats a field."""
    if len(request.query_string) > MAX_QUERY:
        raise HTTPBadRequest("The address is too long.")
    try:
        form = _form(request) if request.method == "POST" else MultiDict()
        parts = [request.path_info, *_parts(request.GET), *_parts(form)]
    except (LookupError, ValueError, OSError):
        raise HTTPBadRequest("The request cannot be read.") from None
    texts = [part for part in parts if isinstance(part, str)]
    if len(texts) < len(parts):
        raise HTTPBadRequest("No form here takes a file.")
    if any(_CONTROL.search(text) for text in texts):
        raise HTTPBadRequest("The request holds characters that cannot be used.")
    if len(form) > MAX_FIELDS:
        raise HTTPBadRequest("The form has too many fields.")
    names = [name for name in form if name not in repeatable]
    if len(names) != len(set(names)):
        raise HTTPBadRequest("The form holds a field twice.")


def _form(request: PyramidRequest) -> MultiDict[object]:
    """Return the posted form. Raises UnicodeDecodeError for bytes that are not UTF-8, which WebOb would silently replace."""
    if request.charset.lower() not in ("utf-8", "utf8"):
        # WebOb would decode with any codec that the header names, or fail on an unknown one.
        raise ValueError("a form in another encoding")
    body = request.body
    if request.content_type == "application/x-www-form-urlencoded":
        body = unquote_to_bytes(body)
    body.decode()
    return request.POST


def _parts(multi: MultiDict[V]) -> Iterable[str | V]:
    """Return names and values: texts, except for an uploaded file."""
    return [part for pair in multi.items() for part in pair]
