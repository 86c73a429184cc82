"""What people see when something cannot be done: one styled page, the right status, and the way on.

A signed-out visitor is sent to the login page with the way back; FusionAuth or the database away is 503 with
Retry-After and never touches a cookie. A value that the database refuses is 422, any other word of its a fault of ours.
"""

from http import HTTPStatus
from urllib.parse import urlencode

import structlog
from pyramid.config import Configurator
from pyramid.exceptions import PredicateMismatch
from pyramid.httpexceptions import HTTPException, HTTPForbidden, HTTPFound, HTTPNotFound
from pyramid.interfaces import ISecurityPolicy
from pyramid.renderers import render_to_response
from pyramid.response import Response
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from ..sessions import (
    FORM_SESSION,
    NOBODY,
    UNTOUCHED,
    AuthorityMisconfigured,
    AuthorityUnavailable,
    ForeignForm,
    FormRefused,
    FreshLoginRequired,
    cleared_headers,
    is_outage,
    refuses_value,
)
from . import acts, methods, notes, safe_redirect
from .acts import Act
from .request import Request

log = structlog.get_logger("shopforum")

MESSAGES = {
    400: ("That request cannot be read", "Something in it is malformed. Nothing was changed."),
    403: ("Not allowed", "Your account does not have the permission for this."),
    404: ("Nothing here", "The address is wrong, or what was here is gone."),
    405: ("Not like this", "This address does not take such a request. Nothing was changed."),
    409: ("Somebody was faster", "What you were looking at has changed meanwhile. Look at it again."),
    413: ("Too large", "That is more than this page takes. Nothing was changed."),
    421: ("Wrong host", "This server does not serve that host."),
    422: ("That did not pass", "Something in the form is not right. Nothing was changed."),
    429: ("Too many tries", "Wait a little, then try again. Nothing is lost."),
    500: ("Something went wrong", "The fault is ours. It has been noted under the number below."),
    503: (
        "One moment",
        "We cannot reach a part of our systems just now. Nobody is signed out by it; try again shortly.",
    ),
}

# What people write into forms of ours by hand, by the names of the fields: worth keeping when it cannot be taken.
WRITTEN = {
    "title": "Title",
    "body": "Text",
    "reason": "Reason",
    "text": "Text",
    "name": "Name",
    "street": "Street and number",
    "postal_code": "Postal code",
    "city": "Town or city",
}

# Nothing more is read of a request that cannot be read, or is not for us.
_UNREADABLE = {400, 413, 421}

_REFUSED_VALUE = (
    "Check what you entered: a number may be too large, or an address may be none. Nothing was changed."
)

_SIGNED_OUT = (
    "You are signed out",
    "So this was not sent. Copy what you had typed, log in, and send it again.",
)

# Why a form is refused (sessions/form_refusals.py), and what to do about it. Each has its own words: who is told the wrong
# cause tries the wrong thing.
REFUSED_FORMS = {
    "no_token": (
        "This form is no longer good",
        (
            "It came without the mark that our forms carry, or with an old one. Nothing was done: load the page again, and "
            "send it from there."
        ),
    ),
    "no_cookie": (
        "Your browser did not send our cookie back",
        (
            "Nothing was done. Allow cookies for this site, and open it by https: over http some browsers, Safari among "
            "them, keep none. Then send this again."
        ),
    ),
    "other_visitor": (
        "This form is from an earlier visit",
        (
            "Your browser has a newer cookie of ours than this form, from another tab perhaps. Nothing was done yet: check it, "
            "and send it again."
        ),
    ),
    "signed_in": (
        "You have logged in since",
        (
            "This form was made before you logged in, in another tab perhaps. Nothing was done yet: check it, and send it "
            "again."
        ),
    ),
    "other_session": (
        "This form is from another login",
        (
            "Since it was made, you or somebody else has logged in anew in this browser. Nothing was done yet: check it, and "
            "send it again."
        ),
    ),
    "foreign_origin": (
        "This form was sent from another site",
        (
            "Only pages of this site may send it, so nothing was done. If you meant to, open this site yourself, and do it "
            "there."
        ),
    ),
    "null_origin": (
        "Your browser hides where this form comes from",
        (
            "It said “null” in place of this site's address, so nothing was done. A privacy extension or a proxy between you "
            "and this site does that: try without it, or with a newer browser."
        ),
    ),
    "scheme": (
        "This site is set up wrongly",
        (
            "Your browser and our server disagree on whether this page is https:// or http://, so nothing was done. It is "
            "not your fault: tell whoever runs this site that its proxy must pass the scheme on (X-Forwarded-Proto)."
        ),
    ),
}


def includeme(config: Configurator) -> None:
    """Register the exception views. Sets `registry.acts` and `registry.unknown_act` (acts.py)."""
    config.registry.acts = {}
    config.registry.unknown_act = Act("Send a form")
    config.add_exception_view(http_error, context=HTTPException)
    config.add_forbidden_view(forbidden)
    config.add_notfound_view(not_found, append_slash=False)
    config.add_exception_view(refused_form, context=FormRefused)
    config.add_exception_view(unavailable, context=AuthorityUnavailable)
    config.add_exception_view(database_failed, context=DBAPIError)
    config.add_exception_view(database_failed, context=PoolTimeout)
    config.add_exception_view(unexpected, context=Exception)


def http_error(exc: HTTPException, request: Request) -> Response:
    """Any HTTP error a view raised; a redirect passes as it is."""
    if exc.code < 400:
        return exc
    text = str(exc.detail) if exc.detail and exc.code not in (403, 404) else None
    response = page(request, exc.code, text=text)
    for header in ("Retry-After", "Allow"):
        if header in exc.headers:
            response.headers[header] = exc.headers[header]
    return response


def not_found(exc: HTTPNotFound, request: Request) -> Response:
    """404, or 405 where the address exists but not for this method."""
    if not isinstance(exc, PredicateMismatch):
        return page(request, 404)
    response = page(request, 405)
    response.headers["Allow"] = methods.allowed(request)
    return response


def forbidden(exc: HTTPForbidden, request: Request) -> Response:
    """To the login page for who is signed out or must give the password again; 403 for who may not."""
    if isinstance(exc, FreshLoginRequired) and request.identity is not None:
        return HTTPFound("/login?" + urlencode({"next": way_back(request), "why": "fresh"}))
    if request.identity is not None:
        return page(request, 403)
    policy = request.registry.queryUtility(ISecurityPolicy)
    if (
        request.environ.get(FORM_SESSION, NOBODY) != NOBODY
        and not policy.own_form(request)
        and _typed(request)
    ):
        # Nobody knows whose it is, so that it cannot be kept; but it shall not be lost.
        title, text = _SIGNED_OUT
        way_in = "/login?" + urlencode({"next": page_before(request) or "/"})
        return page(request, 403, title=title, text=text, back=(way_in, "Log in"))
    query = {"next": way_back(request)}
    headers = cleared_headers(request) if policy.spent(request) else []
    target = "/login?" + urlencode(query | policy.ended(request))
    # The cookies that are cleared could have told the login page why; those that stay still can.
    return HTTPFound(notes.leave(request, target) if headers else target, headers=headers)


def refused_form(exc: FormRefused, request: Request) -> Response:
    """A form that was not made for whoever sends it, or from a stranger's page: nothing was done.

    One that is from here comes back filled in, with a good token. Another site's text is not shown as the visitor's own,
    and a forged request must not so much as extend a session.
    """
    foreign = isinstance(exc, ForeignForm)
    log.warning(
        "malicious_csrf" if foreign else "form_refused",
        path=request.path_info[:200],
        why=exc.why,
        expected=exc.expected,
        received=exc.received,
    )
    title, text = REFUSED_FORMS[exc.why]
    request.environ["shopforum.plain"] = True
    if not foreign:
        request.environ.pop(FORM_SESSION, None)
        request.environ[UNTOUCHED] = True
        again: Response | None = request.registry.form_again(request, title, text)
        if again is not None:
            return again
    return page(request, 403, title=title, text=text, keep=not foreign, plain=True)


def unavailable(exc: AuthorityUnavailable, request: Request) -> Response:
    """FusionAuth is away, or refuses us: 503, cookies kept, nobody logged out."""
    level = log.error if isinstance(exc, AuthorityMisconfigured) else log.warning
    level("identity provider unavailable", why=str(exc))
    return page(request, 503, retry_after=exc.retry_after)


def database_failed(exc: Exception, request: Request) -> Response:
    """The database is away or too slow: 503, never an anonymous page and never a cleared cookie. A value that it
    refuses: 422. Anything else is a fault of ours.
    """
    if is_outage(exc):
        log.error("database failed", why=type(exc).__name__, exc_info=exc)
        return page(request, 503, retry_after=5)
    if refuses_value(exc):
        # What let it through is to be mended, and shows here alone.
        log.error("database refused a value", exc_info=exc)
        return page(request, 422, text=_REFUSED_VALUE)
    return unexpected(exc, request)


def unexpected(exc: Exception, request: Request) -> Response:
    """The last resort: a plain page, the details in the log alone."""
    log.error("unexpected", exc_info=exc)
    return page(request, 500)


def page(
    request: Request,
    status: int,
    title: str | None = None,
    text: str | None = None,
    retry_after: int | None = None,
    *,
    back: tuple[str, str] | None = None,
    keep: bool = True,
    plain: bool = False,
) -> Response:
    """The error page. What a form held is shown on it, if `keep`. Where it is `plain`, and for a fault of ours, it
    does not ask who is signed in. `back` is the way on, an address and its label.
    """
    known_title, known_text = MESSAGES.get(status, MESSAGES[400 if status < 500 else 500])
    request.environ["shopforum.plain"] = plain or status >= 500 or status in _UNREADABLE
    values = {
        "status": status,
        "title": title or known_title,
        "message": text or known_text,
        "retry_after": retry_after,
        # Nothing has happened here, whatever the address says.
        "notice": None,
        "kept": _typed(request) if keep and status not in _UNREADABLE else [],
    }
    if back:
        values |= {"back": back[0], "back_label": back[1]}
    elif request.method == "POST":
        values |= {"back": page_before(request), "back_label": page_before(request) and "Back to the form"}
    elif status == 503 and safe_redirect.safe(request.path_qs):
        values |= {"back": request.path_qs, "back_label": "Try again"}
    response = render_to_response("shopforum:templates/error.jinja2", values, request=request)
    # By its name: WebOb knows none for 421.
    response.status = f"{status} {HTTPStatus(status).phrase}"
    if retry_after is not None:
        response.headers["Retry-After"] = str(retry_after)
    return response


def _typed(request: Request) -> list[tuple[str, str]]:
    """What somebody wrote into the form that could not be taken: text worth keeping, never a password or a code."""
    if request.method != "POST":
        return []
    texts = [(label, request.POST.get(name)) for name, label in WRITTEN.items()]
    return [(label, text) for label, text in texts if isinstance(text, str) and text]


def way_back(request: Request) -> str:
    """Where to return after a login: the page itself; for a form, where it is kept, else the page it stood on."""
    if request.method in ("GET", "HEAD"):
        return request.path_qs
    kept: str | None = request.registry.keep_form(request)
    if kept:
        return kept
    return page_before(request) or acts.of(request).page or "/"


def page_before(request: Request) -> str | None:
    """The page of this site that a form stood on, as the browser says."""
    origin, referer = request.host_url, request.referer or ""
    path = referer.removeprefix(origin)
    # Two slashes would begin another host's address.
    return path if referer.startswith(f"{origin}/") and not path.startswith("//") else None
