"""Error pages: one styled page, the right status, and a link that leads on.

A signed-out visitor is redirected to the login page, with the way back. While FusionAuth or the database is unavailable,
the response is 503 with Retry-After, and no cookie changes. A value that the database refuses is 422; any other error of
the database is a bug of this application, 500.
"""

from http import HTTPStatus
from urllib.parse import urlencode

import structlog
from pyramid.config import Configurator
from pyramid.exceptions import PredicateMismatch
from pyramid.httpexceptions import HTTPException, HTTPForbidden, HTTPFound, HTTPNotFound
from pyramid.renderers import render_to_response
from pyramid.response import Response
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from ..core import metrics
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
    policy_of,
    refuses_value,
)
from . import acts, methods, notes, safe_redirect
from .request import Request
from .services import SavedForms

log = structlog.get_logger("shopforum")

MESSAGES = {
    400: ("We cannot read that request", "A part of it is malformed. Nothing was changed."),
    403: ("Not allowed", "Your account does not have the permission for this."),
    404: ("Nothing here", "The address is wrong, or the page was removed."),
    405: ("Method not allowed", "This address does not take such a request. Nothing was changed."),
    409: ("Changed in the meantime", "Somebody has changed this since you opened it. Open it again."),
    413: ("Too large", "Send less at a time. Nothing was changed."),
    421: ("Wrong host", "This server does not serve that host."),
    422: ("Check the form", "A value in it is not accepted. Nothing was changed."),
    429: ("Too many attempts", "Wait a little, then try again. Nothing is lost."),
    500: ("Something went wrong", "This is our mistake. We have logged it under the number below."),
    503: (
        "Temporarily unavailable",
        "We cannot reach a part of our systems. Try again shortly; you stay signed in.",
    ),
}

# The fields that users write by hand, with their labels: the error page shows their text when a form is not accepted.
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

# The statuses of a request that cannot be read, or was sent to the wrong host: nothing more is read of it.
_UNREADABLE = {400, 413, 421}

_REFUSED_VALUE = (
    "Check what you entered: a number may be too large, or an address not valid. Nothing was changed."
)

_SIGNED_OUT = (
    "You are signed out",
    "Nothing was sent. Copy your text, log in, and send it again.",
)

# The title and the text for each reason to refuse a form (sessions/form_refusals.py). Each names its cause, because a user
# who is told the wrong cause tries the wrong remedy.
REFUSED_FORMS = {
    "no_token": (
        "This form has expired",
        (
            "Its security token is missing or out of date. Nothing was done: reload the page, and send the form from there."
        ),
    ),
    "no_cookie": (
        "Your browser did not send our cookie back",
        (
            "Nothing was done. Allow cookies for this site, and open it by https: some browsers, such as Safari, keep no "
            "cookies over http. Then send the form again."
        ),
    ),
    "other_visitor": (
        "This form is from an earlier visit",
        (
            "Your browser has a newer cookie than this form, perhaps from another tab. Nothing was done yet: check the form, "
            "and send it again."
        ),
    ),
    "signed_in": (
        "You have logged in since",
        (
            "This form is older than your login, perhaps from another tab. Nothing was done yet: check it, and send it "
            "again."
        ),
    ),
    "other_session": (
        "This form is from another login",
        (
            "You or somebody else has logged in again in this browser since. Nothing was done yet: check the form, and send "
            "it again."
        ),
    ),
    "foreign_origin": (
        "This form was sent from another site",
        (
            "Only pages of this site may send it, so nothing was done. Open this site yourself, and do it there, if you "
            "meant to."
        ),
    ),
    "null_origin": (
        "Your browser hides where this form comes from",
        (
            "It sent “null” in place of this site's address, so nothing was done. Turn off the privacy extension or the proxy "
            "that causes it, or use a newer browser."
        ),
    ),
    "scheme": (
        "This site is misconfigured",
        (
            "Your browser and our server disagree on whether this page is https:// or http://, so nothing was done. Tell the "
            "operator of this site that its proxy must pass on the scheme (X-Forwarded-Proto)."
        ),
    ),
}


def includeme(config: Configurator) -> None:
    """Register the exception views."""
    config.add_exception_view(http_error, context=HTTPException)
    config.add_forbidden_view(forbidden)
    config.add_notfound_view(not_found, append_slash=False)
    config.add_exception_view(refused_form, context=FormRefused)
    config.add_exception_view(unavailable, context=AuthorityUnavailable)
    config.add_exception_view(database_failed, context=DBAPIError)
    config.add_exception_view(database_failed, context=PoolTimeout)
    config.add_exception_view(unexpected, context=Exception)


def http_error(exc: HTTPException, request: Request) -> Response:
    """Show the error page for an HTTP error that a view has raised. A redirect passes unchanged."""
    if exc.code < 400:
        return exc
    text = str(exc.detail) if exc.detail and exc.code not in (403, 404) else None
    response = page(request, exc.code, text=text)
    for header in ("Retry-After", "Allow"):
        if header in exc.headers:
            response.headers[header] = exc.headers[header]
    return response


def not_found(exc: HTTPNotFound, request: Request) -> Response:
    """Show the error page: 404, or 405 where the address exists but takes another method."""
    if not isinstance(exc, PredicateMismatch):
        return page(request, 404)
    response = page(request, 405)
    response.headers["Allow"] = methods.allowed(request)
    return response


def forbidden(exc: HTTPForbidden, request: Request) -> Response:
    """Redirect to the login page if the user is signed out or must give the password again; else show 403."""
    if isinstance(exc, FreshLoginRequired) and request.identity is not None:
        return HTTPFound("/login?" + urlencode({"next": way_back(request), "why": "fresh"}))
    if request.identity is not None:
        return page(request, 403)
    policy = policy_of(request)
    if (
        request.environ.get(FORM_SESSION, NOBODY) != NOBODY
        and not policy.own_form(request)
        and _written(request)
    ):
        # The owner of the form is unknown, so it cannot be saved. Show its text, so that the user can copy it.
        title, text = _SIGNED_OUT
        way_in = "/login?" + urlencode({"next": page_before(request) or "/"})
        return page(request, 403, title=title, text=text, back=(way_in, "Log in"))
    query = {"next": way_back(request)}
    headers = cleared_headers(request) if policy.spent(request) else []
    target = "/login?" + urlencode(query | policy.ended(request))
    # The login page tells the reason from the cookies. Where they are cleared, the address has to tell it.
    return HTTPFound(notes.leave(request, target) if headers else target, headers=headers)


def refused_form(exc: FormRefused, request: Request) -> Response:
    """Refuse a form that was not made for its sender, or that another site's page has sent.

    A form of this site is shown again, filled in and with a valid token. Text from another site is not shown as if the
    visitor had written it, and a forged request must not even extend a session.
    """
    foreign = isinstance(exc, ForeignForm)
    metrics.FORM_REFUSALS.labels(request.site.name, exc.why).inc()
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
        again = request.services.get(SavedForms).show_again(request, title, text)
        if again is not None:
            return again
    return page(request, 403, title=title, text=text, keep=not foreign, plain=True)


def unavailable(exc: AuthorityUnavailable, request: Request) -> Response:
    """Show 503 while FusionAuth is unavailable or refuses this application. Cookies stay, nobody is logged out."""
    level = log.error if isinstance(exc, AuthorityMisconfigured) else log.warning
    level("identity provider unavailable", why=str(exc))
    return page(request, 503, retry_after=exc.retry_after)


def database_failed(exc: Exception, request: Request) -> Response:
    """Show 503 while the database is unavailable or too slow, never an anonymous page and never with cleared cookies.
    Show 422 for a value that it refuses, and 500 for any other error.
    """
    if is_outage(exc):
        log.error("database failed", why=type(exc).__name__, exc_info=exc)
        return page(request, 503, retry_after=5)
    if refuses_value(exc):
        # The check that let the value through is to be fixed; this line of the log is the only sign of it.
        log.error("database refused a value", exc_info=exc)
        return page(request, 422, text=_REFUSED_VALUE)
    return unexpected(exc, request)


def unexpected(exc: Exception, request: Request) -> Response:
    """Show 500. The details are in the log alone."""
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
    """Return the error page. With `keep`, it shows the texts of a posted form. With `plain`, and for each 5xx, it does not
    look up the session. `back`: address and label of the link that leads on. `retry_after` is in seconds.
    """
    known_title, known_text = MESSAGES.get(status, MESSAGES[400 if status < 500 else 500])
    request.environ["shopforum.plain"] = plain or status >= 500 or status in _UNREADABLE
    values = {
        "status": status,
        "title": title or known_title,
        "message": text or known_text,
        "retry_after": retry_after,
        # No act has happened, even if the address names a notice.
        "notice": None,
        "kept": _written(request) if keep and status not in _UNREADABLE else [],
    }
    if back:
        values |= {"back": back[0], "back_label": back[1]}
    elif request.method == "POST":
        values |= {"back": page_before(request), "back_label": page_before(request) and "Back to the form"}
    elif status == 503 and safe_redirect.safe(request.path_qs):
        values |= {"back": request.path_qs, "back_label": "Try again"}
    response = render_to_response("shopforum:templates/error.jinja2", values, request=request)
    # With the phrase: WebOb knows none for 421.
    response.status = f"{status} {HTTPStatus(status).phrase}"
    if retry_after is not None:
        response.headers["Retry-After"] = str(retry_after)
    return response


def _written(request: Request) -> list[tuple[str, str]]:
    """Return label and text of the fields that a user has written by hand, never a password or a code."""
    if request.method != "POST":
        return []
    texts = [(label, request.POST.get(name)) for name, label in WRITTEN.items()]
    # Where the guard has refused a file, this page is still shown.
    return [(label, text) for label, text in texts if isinstance(text, str) and text]


def way_back(request: Request) -> str:
    """Return the path to go to after a login: this page; for a form, where it is saved, or the page that it was on."""
    if request.method in ("GET", "HEAD"):
        return request.path_qs
    saved = request.services.get(SavedForms).save(request)
    if saved:
        return saved
    return page_before(request) or acts.of(request).page or "/"


def page_before(request: Request) -> str | None:
    """Return the path of the page of this site that a form was on, by its Referer; None if it is another site's, or the
    address of a form that takes no GET.
    """
    origin, referer = request.host_url, request.referer or ""
    path = referer.removeprefix(origin)
    # A path that begins with two slashes would name another host.
    own = referer.startswith(f"{origin}/") and not path.startswith("//")
    return path if own and methods.has_page(request, path.partition("?")[0]) else None
