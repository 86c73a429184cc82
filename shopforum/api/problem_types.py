"""The types of the API's problems (RFC 9457, 3.1.1): stable names, and for each a page that says what it means and what to do.

A `type` is the path of its page, on the console's host.
"""

from dataclasses import dataclass
from html import escape
from http import HTTPStatus

from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPNotFound
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED

from .request import ApiRequest as Request

PATH = "/api/v1/problems"


@dataclass(frozen=True)
class ProblemType:
    """A kind of error: its status, its title, and what a caller has to do."""

    status: int
    title: str
    remedy: str


TYPES = {
    "malformed": ProblemType(
        400,
        "The request cannot be read",
        "Correct the URL or the body. Nothing was changed; a retry fails again.",
    ),
    "invalid-token": ProblemType(
        401, "No valid token", "Send a token that is neither expired nor revoked, as Authorization: Bearer."
    ),
    "missing-scope": ProblemType(
        403,
        "The token lacks a scope",
        "The member `missing_scope` names the scope that the call takes. An act that reaches a whole site, an owner, or more "
        "than a hundred people within an hour takes everyone:revoke. Ask an owner of the console for another token.",
    ),
    "blocked": ProblemType(
        403,
        "A deny rule refuses the client",
        "Ask an owner of the console to lift the rule, or call from elsewhere.",
    ),
    "not-found": ProblemType(404, "Nothing is there", "Check the id and the path."),
    "wrong-method": ProblemType(
        405, "The URL does not take this method", "The header Allow lists those that it takes."
    ),
    "count-changed": ProblemType(
        409,
        "Another number of sessions matches",
        "Nothing was changed. The members `matched` and `exact` say how many match now. Look again, then send that number as "
        "`expected_count`.",
    ),
    "key-in-progress": ProblemType(
        409,
        "The first call is still in progress",
        "Retry with the same key and body after Retry-After seconds.",
    ),
    "cursor-ahead": ProblemType(
        409,
        "The cursor is ahead of the log",
        "The audit log ends before `after`: it is not the log you have read, as after a restore. Compare, then begin again "
        "with after=0.",
    ),
    "too-large": ProblemType(
        413, "The body is too large", "Send less at a time, or a filter in place of ids."
    ),
    "wrong-content-type": ProblemType(415, "The body is not JSON", "Send Content-Type: application/json."),
    "wrong-host": ProblemType(421, "This host is not served here", "Call the console's host."),
    "invalid-fields": ProblemType(
        422,
        "Some fields are not valid",
        "The member `errors` names each field and says what it may be. A retry fails again.",
    ),
    "key-reused": ProblemType(
        422,
        "The key came with another body",
        "Use a new Idempotency-Key for another act. Nothing was changed.",
    ),
    "too-many-calls": ProblemType(429, "Too many calls", "Retry after Retry-After seconds."),
    "internal": ProblemType(
        500, "An error on our side", "It was logged. If it comes again, report the time of the call."
    ),
    "unavailable": ProblemType(
        503,
        "Temporarily unavailable",
        "The database or the identity provider is away or too slow. Retry after Retry-After seconds.",
    ),
}

# The type of an error that is known by its status alone: the first one of each.
_BY_STATUS = {known.status: name for name, known in reversed(TYPES.items())}


def named(kind: int | str) -> tuple[str, ProblemType]:
    """Return a type by its name, or the general one of a status; for a status without a type, `about:blank` (RFC 9457, 4.2.1)."""
    name = _BY_STATUS.get(kind, "") if isinstance(kind, int) else kind
    if not name:
        status = HTTPStatus(int(kind))
        return "about:blank", ProblemType(status.value, status.phrase, "")
    return f"{PATH}/{name}", TYPES[name]


def includeme(config: Configurator) -> None:
    """Register the pages, which take no token."""
    for route, path, view in (("problems", PATH, index), ("problem", f"{PATH}/{{type}}", page)):
        config.add_route(route, path)
        config.add_view(view, route_name=route, request_method="GET", permission=NO_PERMISSION_REQUIRED)


def index(request: Request) -> Response:
    """List the types."""
    rows = (
        f'<li><a href="{PATH}/{name}">{name}</a> ({known.status}): {escape(known.title)}</li>'
        for name, known in TYPES.items()
    )
    return _html("Problems of the API", f"<ul>{''.join(rows)}</ul>")


def page(request: Request) -> Response:
    """Say what a type means. Raises HTTPNotFound."""
    known = TYPES.get(request.matchdict["type"])
    if known is None:
        raise HTTPNotFound
    phrase = HTTPStatus(known.status).phrase
    text = f"<p>{escape(known.remedy)}</p><p>Status {known.status}, {escape(phrase)}.</p>"
    return _html(known.title, f'{text}<p><a href="{PATH}">All problems</a></p>')


def _html(title: str, body: str) -> Response:
    shown = escape(title)
    return Response(
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{shown}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark"></head>'
        f"<body><main><h1>{shown}</h1>{body}</main></body></html>",
        content_type="text/html",
        charset="utf-8",
    )
