"""The login form and the logout.

A refused login is 422 with the form, without the password: 401 would require a WWW-Authenticate header, and no scheme of
it is used here. 429 asks to wait, 503 says that FusionAuth cannot be asked; both keep the form as well.
"""

import time

from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPFound, HTTPSeeOther
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED, forget

from ..core import user_agents
from ..idp import LoginRefused, TwoFactorRequired
from ..sessions import AuthorityUnavailable, client_of, policy_of
from ..sessions.csrf import SIGNS_IN, SIGNS_OUT, require_own_form
from ..web import notes, safe_redirect
from ..web.contributions import Notice
from ..web.request import Request
from ..web.services import AwayHelp, SavedForms
from . import known_devices, reasons, signin, throttle, trusted_browser, two_factor
from .forms import LoginForm
from .page import page, refused, refused_by_provider

_BLOCKED = "You cannot log in from here at the moment. Ask support why."
_OUTAGE = signin.OutageTexts(
    away="Login is not available at the moment. Your password is not the reason. Try again in a moment.",
    undecided="Our login service could not finish this login. Wait a few minutes and try again. "
    "If it happens again, ask support.",
)


def includeme(config: Configurator) -> None:
    """Add the routes /login and /logout, open to everybody."""
    config.add_route("login", "/login")
    config.add_route("logout", "/logout")
    for view, route, method in (
        (show, "login", "GET"),
        (submit, "login", "POST"),
        (log_out, "logout", "POST"),
    ):
        own = {"submit": SIGNS_IN, "log_out": SIGNS_OUT}.get(view.__name__)
        config.add_view(
            view, route_name=route, request_method=method, permission=NO_PERMISSION_REQUIRED, own_form=own
        )


def show(request: Request) -> Response:
    """Show the form. A signed-in person is redirected, unless the password has to be entered again."""
    why, target = request.GET.get("why"), safe_redirect.page(request, request.GET.get("next"))
    session = request.identity
    if session is not None and why != "fresh":
        return HTTPFound(target or safe_redirect.landing(request.site.name))
    form = LoginForm(data={"next": target or "", "email": session.user_email if session else ""})
    # Only the cookies, or the page that has cleared them, say why a session has ended: a link must not.
    ended = notes.said(request) or policy_of(request).ended(request)
    notice = reasons.notice(request.db, "fresh" if session else ended.get("why"), ended.get("ref"))
    if notice is None:
        notice = request.services.login_notices.get((target or "").partition("?")[0])
    words = (
        request.services.get(SavedForms).beginning(request, target) if target and (session or ended) else None
    )
    if words:
        safe = f"Your text is safe: “{words}”"
        notice = Notice(notice.kind, f"{notice.text} {safe}") if notice else Notice("info", safe)
    return page(request, form, 200, notice=notice)


def submit(request: Request) -> Response:
    """Check the password at FusionAuth and sign in. No database connection is held while FusionAuth is asked."""
    require_own_form(request)
    form = LoginForm(request.POST)
    target = safe_redirect.page(request, form.next.data)
    form.next.data = target or ""
    if not form.validate():
        return page(request, form, 422)
    account = known_devices.account(request, form.email.data)
    if request.sessions.refuses(client_of(request)):
        # Refused before the password is checked: a blocked network cannot find out which password is right.
        return refused(request, form, 403, _BLOCKED)
    try:
        turn = throttle.take(request, account)
    except throttle.TooManyTries as wait:
        return refused(request, form, 429, str(wait), wait.retry_after)
    started = time.monotonic()
    attempt = signin.Attempt(account, turn, request.sessions.login_start(), target, form.email.data)
    try:
        return _try(request, form, attempt, started)
    except signin.Busy as busy:
        return refused(request, form, 503, busy.TEXT, busy.RETRY_AFTER)


def _try(request: Request, form: LoginForm, attempt: signin.Attempt, started: float) -> Response:
    """Ask FusionAuth, and respond to its answer. Raises signin.Busy."""
    client = client_of(request)
    try:
        answer = request.idp.login(
            form.email.data,
            form.password.data,
            client,
            user_agents.label(client.agent),
            trusted_browser.read(request),
        )
        return signin.complete(request, answer, attempt)
    except TwoFactorRequired as challenge:
        return two_factor.begin(request, challenge, attempt)
    except LoginRefused as refusal:
        signin.refuse(request, refusal.kind, attempt, started, refusal.code)
        return refused_by_provider(request, form, refusal)
    except AuthorityUnavailable as error:
        text = signin.settle_outage(request, error, attempt, started, _OUTAGE)
        return refused(request, form, 503, text, error.retry_after, away_help=request.services.find(AwayHelp))


def once_more(request: Request, text: str) -> Response:
    """Show the login form with a valid token, after a form with a bad one: only the password has to be typed again."""
    form = LoginForm(request.POST)
    form.next.data = safe_redirect.page(request, form.next.data) or ""
    return refused(request, form, 403, text)


def log_out(request: Request) -> Response:
    """End the session, here and at FusionAuth. Without a session nothing happens."""
    headers = [*forget(request), ("Clear-Site-Data", '"cache", "storage"')]
    return HTTPSeeOther(notes.leave(request, "/?notice=goodbye"), headers=headers)
