"""Answer every error as application/problem+json (RFC 9457), without internal details."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import structlog
from pyramid.config import Configurator
from pyramid.exceptions import PredicateMismatch, URLDecodeError
from pyramid.httpexceptions import HTTPException, HTTPForbidden, HTTPNotFound
from pyramid.response import Response
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from ..api_tokens.rate_limit import TooFast
from ..core import metrics
from ..sessions import AuthorityUnavailable, is_outage, refuses_value
from ..web import methods
from . import problem_types
from .request import ApiRequest as Request
from .security_policy import MissingScope, policy_of, refused

log = structlog.get_logger("shopforum")


class Problem(Exception):
    """An error response. `kind` is a status, or the name of one of TYPES. `members` are added to the problem document as
    they are.
    """

    def __init__(
        self, kind: int | str, detail: str = "", *, headers: Mapping[str, str] | None = None, **members: Any
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.headers = dict(headers or {})
        self.members = members


def includeme(config: Configurator) -> None:
    """Register the exception views, and the pages about each type."""
    config.include(problem_types)
    config.add_exception_view(problem, context=Problem)
    config.add_exception_view(http_error, context=HTTPException)
    config.add_notfound_view(not_found)
    config.add_forbidden_view(forbidden)
    config.add_exception_view(too_fast, context=TooFast)
    config.add_exception_view(database_failed, context=DBAPIError)
    config.add_exception_view(database_failed, context=PoolTimeout)
    config.add_exception_view(away, context=AuthorityUnavailable)
    config.add_exception_view(unreadable, context=URLDecodeError)
    config.add_exception_view(unexpected, context=Exception)


def problem(exc: Problem, request: Request) -> Response:
    """Answer an error that a view has raised."""
    return answer(exc.kind, exc.detail, headers=exc.headers, **exc.members)


def http_error(exc: HTTPException, request: Request) -> Response:
    """Answer an error that shared code has raised."""
    kept = {name: exc.headers[name] for name in ("Retry-After",) if name in exc.headers}
    return answer(exc.code, str(exc.detail or ""), headers=kept)


def not_found(exc: HTTPNotFound, request: Request) -> Response:
    """Answer 404, or 405 with Allow where the URL has other methods (RFC 9110, 15.5.6)."""
    if not isinstance(exc, PredicateMismatch):
        return answer(404, "There is nothing at this URL.")
    return answer(405, "This URL does not support this method.", headers={"Allow": methods.allowed(request)})


def forbidden(exc: HTTPForbidden, request: Request) -> Response:
    """Answer 401 without a valid token, 403 where the token lacks the scope (RFC 6750, 3.1). Write it to the audit log."""
    try:
        return _unauthorized(request) if request.identity is None else _lacking(exc, request)
    except TooFast as error:
        return too_fast(error, request)
    except (DBAPIError, PoolTimeout) as error:
        return database_failed(error, request)


def _lacking(exc: HTTPForbidden, request: Request) -> Response:
    needed = exc.result.scope if isinstance(exc.result, MissingScope) else ""
    refused(request, "scope", request.identity, missing=needed)
    challenge = f'Bearer realm="shopforum", error="insufficient_scope", scope="{needed}"'
    return answer(
        403,
        f"The token lacks the scope {' or '.join(needed.split())}.",
        headers={"WWW-Authenticate": challenge},
        missing_scope=needed,
    )


def _unauthorized(request: Request) -> Response:
    challenge = 'Bearer realm="shopforum"'
    if "Authorization" in request.headers:
        written = refused(request, "token")
        known = policy_of(request).presented(request).refused
        if known is not None and known.refused == "blocked":
            return answer("blocked", "A deny rule refuses this token or this client address.")
        challenge += ', error="invalid_token"'
        why = "The token is not valid."
        if "removed_keys" in written:
            why += " Tokens that were made under a removed key of the server are not known any more: make a new one."
        return answer(401, why, headers={"WWW-Authenticate": challenge})
    detail = "Send a token as Authorization: Bearer. Cookies are ignored."
    return answer(401, detail, headers={"WWW-Authenticate": challenge})


def too_fast(exc: TooFast, request: Request) -> Response:
    """Answer 429: the bucket is full."""
    metrics.THROTTLED.labels("api").inc()
    return answer(429, "Too many calls. Retry later.", headers={"Retry-After": str(exc.retry_after)})


def away(exc: Exception, request: Request) -> Response:
    """Answer 503: the database or the identity provider is away or too slow."""
    log.error("api unavailable", why=type(exc).__name__, exc_info=exc)
    return answer(
        503,
        "The database or the identity provider cannot be reached. Retry later.",
        headers={"Retry-After": "5"},
    )


def database_failed(exc: Exception, request: Request) -> Response:
    """Answer 503 while the database is away, 422 for a value that it refuses, 500 for any other error."""
    if is_outage(exc):
        return away(exc, request)
    if refuses_value(exc):
        log.error("database refused a value", exc_info=exc)
        return answer(422, "A value is not valid: a number is too large, or an address is not one.")
    return unexpected(exc, request)


def unreadable(exc: URLDecodeError, request: Request) -> Response:
    """Answer 400: the path is not UTF-8."""
    return answer(400, "The URL is not valid UTF-8.")


def unexpected(exc: Exception, request: Request) -> Response:
    """Answer 500; only the log has the details."""
    log.error("unexpected", exc_info=exc)
    return answer(500, "This is an error on our side. It was logged.")


def answer(
    kind: int | str, detail: str = "", *, headers: Mapping[str, str] | None = None, **members: Any
) -> Response:
    """Return a problem document. `kind` is a status, or the name of one of TYPES."""
    url, known = problem_types.named(kind)
    document = {
        "type": url,
        "title": known.title,
        "status": known.status,
        "detail": detail or known.title,
        **members,
    }
    response = Response(
        json.dumps(document).encode(),
        status=f"{known.status} {HTTPStatus(known.status).phrase}",
        content_type="application/problem+json",
    )
    response.headers.update(headers or {})
    return response
