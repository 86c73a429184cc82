"""A new password at store and forums: a mail for those who forgot theirs, and the page where the new one is set.

The right to set it, FusionAuth's `changePasswordId`, comes with the link in the mail, or with a login whose password has to
be changed. It goes into a signed cookie at once, and out of the address: no history, log or referrer keeps it.
"""

import re
from uuid import UUID

from pyramid.httpexceptions import HTTPFound
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED
from wtforms import Form

from ..core.database import Database, once_more
from ..idp import InputRefused, LoginRefused
from ..sessions import AuthorityUnavailable, Reason, Scope, client_of, cookies, revocation
from ..sessions.audit import Client
from ..sessions.vocabulary import EndReason, InitiatingEntity
from ..web import notes
from ..web.contributions import Act, Notice
from ..web.request import Request
from ..web.site_config import SiteConfigurator
from . import form_pages, known_devices, signin, throttle
from .forms import ForgottenForm, NewPasswordForm

COOKIE = "__Host-new-password"
_SHAPE = re.compile(r"[A-Za-z0-9_-]{1,200}\.[A-Za-z0-9_-]{43}")
_ID = re.compile(r"[A-Za-z0-9_-]{1,200}")
# Lax: the link in the mail comes from another site, and its redirect has to carry the cookie.
_JAR = cookies.CookieJar("Lax")
_SECONDS = 900
_PURPOSE = "new password"
_FORGOTTEN = "shopforum:login/templates/password_forgotten.jinja2"
_NEW = "shopforum:login/templates/new_password.jinja2"
_AWAY = "The password cannot be changed at the moment. Try again in a moment."
_LATE = Notice("warning", "This link has been used already, or is too old. Ask for a new one.")


def includeme(config: SiteConfigurator) -> None:
    """Add the routes /password/forgot and /password/reset, open to everybody."""
    config.add_acts(
        {
            "password_forgotten": Act("Send the mail", page="/password/forgot"),
            "new_password": Act("Set the password", page="/password/forgot"),
        }
    )
    config.add_route("password_forgotten", "/password/forgot")
    config.add_route("new_password", "/password/reset")
    for view, route, method in (
        (show_forgotten, "password_forgotten", "GET"),
        (send_mail, "password_forgotten", "POST"),
        (show, "new_password", "GET"),
        (submit, "new_password", "POST"),
    ):
        config.add_view(view, route_name=route, request_method=method, permission=NO_PERMISSION_REQUIRED)


def begin(request: Request, change_password_id: str) -> Response:
    """Redirect to the page for the new password, with the right to set it in a cookie."""
    secrets = request.sessions.config.secrets
    cookie = secrets.form_token(f"{_PURPOSE} {request.site.name}", change_password_id)
    return HTTPFound(
        notes.leave(request, "/password/reset?due"), headers=[_JAR.header(COOKIE, cookie, _SECONDS)]
    )


def show_forgotten(request: Request) -> Response:
    """Show the form for the address, or after it that a mail is on its way."""
    said = notes.said(request)
    notice = _LATE if "late" in said else None
    form = ForgottenForm(data={"email": request.identity.user_email if request.identity else ""})
    return _page(request, _FORGOTTEN, form, 200, sent="sent" in said, notice=notice)


def send_mail(request: Request) -> Response:
    """Have the mail sent. The page is the same whether the account exists, and takes at least as long."""
    form = ForgottenForm(request.POST)
    if not form.validate():
        return _page(request, _FORGOTTEN, form, 422, sent=False)
    try:
        with signin.answered_in_time(request):
            throttle.take_for_mail(request, known_devices.account(request, form.email.data))
            request.idp.send_password_mail(form.email.data, client_of(request))
    except signin.Busy as busy:
        return _refused(request, _FORGOTTEN, form, 503, busy.TEXT, busy.RETRY_AFTER)
    except throttle.TooManyTries as wait:
        return _refused(request, _FORGOTTEN, form, 429, str(wait), wait.retry_after)
    except AuthorityUnavailable as error:
        signin.log_outage(error)
        return _refused(request, _FORGOTTEN, form, 503, _AWAY, error.retry_after)
    return notes.see_other(request, "/password/forgot?sent")


def show(request: Request) -> Response:
    """Show the form for the new password. The link in the mail, with `?id=`, is led through the cookie first."""
    given = request.GET.get("id")
    if given is not None:
        return begin(request, given) if _ID.fullmatch(given) else _late(request)
    if _right(request) is None:
        return _late(request)
    due = Notice("info", "Set a new password to continue.") if "due" in notes.said(request) else None
    return _page(request, _NEW, NewPasswordForm(), 200, notice=due)


def submit(request: Request) -> Response:
    """Set the new password, and end all sessions of the user: somebody who knew the old one is signed out."""
    right, form = _right(request), NewPasswordForm(request.POST)
    if right is None:
        return _late(request)
    if not form.validate():
        return _page(request, _NEW, form, 422)
    client = client_of(request)
    try:
        user_id = request.idp.change_password(right, form.password.data, client)
    except InputRefused as refused:
        form.form_errors = list(refused.errors.get("", []))
        form.password.errors = refused.errors.get("password", [])
        return _page(request, _NEW, form, 422)
    except LoginRefused:
        return _late(request)
    except AuthorityUnavailable as error:
        signin.log_outage(error)
        return _refused(request, _NEW, form, 503, _AWAY, error.retry_after)
    _end_sessions(request.db, user_id, client)
    response = notes.see_other(request, "/login?why=password-changed")
    response.headerlist.append(_JAR.expired(COOKIE))
    return response


@once_more
def _end_sessions(db: Database, user_id: UUID, client: Client) -> None:
    """End the user's sessions on all sites. FusionAuth revokes the refresh tokens itself."""
    reason = Reason(InitiatingEntity.USER, str(user_id), EndReason.PASSWORD_CHANGED)
    with db.transaction() as connection:
        revocation.revoke(connection, Scope(user_id=user_id), reason, client, sites=(), upstream=False)


def _right(request: Request) -> str | None:
    """Return the changePasswordId of the request's cookie if its signature is valid, or None."""
    cookie = cookies.read(request, COOKIE, _SHAPE)
    secrets = request.sessions.config.secrets
    return secrets.form_subject(f"{_PURPOSE} {request.site.name}", cookie) if cookie else None


def _late(request: Request) -> Response:
    response = notes.see_other(request, "/password/forgot?late")
    response.headerlist.append(_JAR.expired(COOKIE))
    return response


def _refused(
    request: Request, template: str, form: Form, status: int, text: str, retry_after: int | None = None
) -> Response:
    values = {"sent": False} if template == _FORGOTTEN else {}
    return form_pages.refused(
        form, text, lambda: _page(request, template, form, status, **values), retry_after
    )


def _page(request: Request, template: str, form: Form, status: int, **values: object) -> Response:
    return form_pages.shown(request, template, form, status, **{"notice": None, **values})
