"""Login by a code that FusionAuth mails, in place of a password; at store and forums, where `login.mail_codes` is on.

FusionAuth gives this server the id of the login and the code in the mail. Both wait in a cookie, encrypted: the browser that asked
knows neither, and whoever reads the mail can do nothing without that cookie. The typed code is compared here before FusionAuth is
asked, so the login is safe whatever FusionAuth does with the id alone. An address that nobody has gets the same pages, and a
cookie of the same length.
"""

import hmac
import secrets as random
import time
from dataclasses import dataclass, replace
from datetime import datetime

from pyramid.httpexceptions import HTTPFound, HTTPSeeOther
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED
from wtforms import Form

from ..core import user_agents
from ..idp import LoginAnswer, LoginRefused, MailCode, TwoFactorRequired
from ..sessions import AuthorityUnavailable, LoginStart, client_of, cookies
from ..sessions.csrf import SIGNS_IN, require_own_form
from ..web import notes, safe_redirect
from ..web.contributions import Act
from ..web.request import Request
from ..web.site_config import SiteConfigurator
from . import encrypted_values, form_pages, known_devices, page, signin, throttle, trusted_browser, two_factor
from .forms import CodeRequestForm, LoginForm, MailedCodeForm

COOKIE = "__Host-mail-code"
PATH, ENTER = "/login/code", "/login/code/enter"
_PLAIN_LENGTH = 2561
_JAR = cookies.CookieJar("Lax")
_PURPOSE = "mail code"
# Longer than FusionAuth's default life of a code, three minutes.
_SECONDS = 300
_ASK = "shopforum:login/templates/mail_code.jinja2"
_TEMPLATE = "shopforum:login/templates/mail_code_enter.jinja2"
_LATE = "/login?why=challenge"
_BLOCKED = "You cannot log in from here at the moment. Ask support why."
_WRONG = "This code is wrong. Check it, or ask for a new one."
_OUTAGE = signin.OutageTexts(
    away="Codes are not available at the moment. Try again in a moment.",
    undecided="Our login service could not finish this login. Wait a few minutes and try again, or ask support.",
)


@dataclass(frozen=True)
class _Waiting:
    """A login that waits for its code. `start` is the moment before FusionAuth was asked for one."""

    mail_code: MailCode
    email: str
    start: LoginStart
    target: str | None


def includeme(config: SiteConfigurator) -> None:
    """Add the routes /login/code and /login/code/enter, open to everybody."""
    config.add_acts(
        {
            "mail_code": Act("Send me a code", page=PATH),
            "mail_code_enter": Act("Log in", page=PATH),
        }
    )
    config.add_route("mail_code", PATH)
    config.add_route("mail_code_enter", ENTER)
    for view, route, method, own in (
        (show, "mail_code", "GET", None),
        (send, "mail_code", "POST", None),
        (show_code, "mail_code_enter", "GET", None),
        (submit, "mail_code_enter", "POST", SIGNS_IN),
    ):
        config.add_view(
            view, route_name=route, request_method=method, permission=NO_PERMISSION_REQUIRED, own_form=own
        )


def show(request: Request) -> Response:
    """Show the form for the address. A signed-in person is redirected, unless a recent login is needed: a code stands in for the
    password of a person who has none.
    """
    target, session = safe_redirect.page(request, request.GET.get("next")), request.identity
    if session is not None and request.GET.get("why") != "fresh":
        return HTTPFound(target or safe_redirect.landing(request.site.name))
    form = CodeRequestForm(data={"next": target or "", "email": session.user_email if session else ""})
    return form_pages.shown(request, _ASK, form, 200)


def send(request: Request) -> Response:
    """Have a code sent. The response is the same whether the account exists, and takes at least as long."""
    form = CodeRequestForm(request.POST)
    target = safe_redirect.page(request, form.next.data)
    form.next.data = target or ""
    if not form.validate():
        return form_pages.shown(request, _ASK, form, 422)
    client = client_of(request)
    if request.sessions.refuses(client):
        return _refused(request, _ASK, form, 403, _BLOCKED)
    try:
        with signin.answered_in_time(request):
            throttle.take_for_mail(request, known_devices.account(request, form.email.data))
            start = request.sessions.login_start()
            # Of an unknown address: a code that nobody knows.
            sent = request.idp.send_mail_code(form.email.data) or MailCode(
                random.token_urlsafe(32), random.token_urlsafe(32)
            )
    except signin.Busy as busy:
        return _refused(request, _ASK, form, 503, busy.TEXT, busy.RETRY_AFTER)
    except throttle.TooManyTries as wait:
        return _refused(request, _ASK, form, 429, str(wait), wait.retry_after)
    except AuthorityUnavailable as error:
        signin.log_outage(error)
        return _refused(request, _ASK, form, 503, _OUTAGE.away, error.retry_after)
    cookie = _encrypted(request, _Waiting(sent, form.email.data, start, target))
    return HTTPSeeOther(ENTER, headers=[_JAR.header(COOKIE, cookie, _SECONDS)])


def show_code(request: Request) -> Response:
    """Show the form for the code."""
    if _waiting(request) is None:
        return HTTPFound(PATH)
    return form_pages.shown(request, _TEMPLATE, MailedCodeForm(), 200)


def submit(request: Request) -> Response:
    """Check the code and sign in. Each code is a try, as a password is."""
    require_own_form(request)
    waiting, form = _waiting(request), MailedCodeForm(request.POST)
    if waiting is None:
        return _late(request)
    if not form.validate():
        return form_pages.shown(request, _TEMPLATE, form, 422)
    if request.sessions.refuses(client_of(request)):
        return _refused(request, _TEMPLATE, form, 403, _BLOCKED)
    account = known_devices.account(request, waiting.email)
    try:
        turn = throttle.take(request, account)
    except throttle.TooManyTries as wait:
        return _refused(request, _TEMPLATE, form, 429, str(wait), wait.retry_after)
    attempt = signin.Attempt(account, turn, waiting.start, waiting.target, waiting.email, proof="code")
    started = time.monotonic()
    try:
        return _try(request, form, waiting.mail_code, attempt, started)
    except signin.Busy as busy:
        return _refused(request, _TEMPLATE, form, 503, busy.TEXT, busy.RETRY_AFTER)


def _try(
    request: Request, form: MailedCodeForm, mail_code: MailCode, attempt: signin.Attempt, started: float
) -> Response:
    """Check the code, and respond to the result. Raises signin.Busy."""
    try:
        response = signin.complete(request, _answer(request, form, mail_code), attempt)
    except TwoFactorRequired as challenge:
        response = two_factor.begin(request, challenge, attempt)
    except LoginRefused as refusal:
        # A locked, expired or prevented account: the code was right, so the try was no guess.
        if refusal.kind == "credentials":
            refusal = LoginRefused("restricted", refusal.status)
        signin.refuse(request, refusal.kind, attempt, started, refusal.code)
        if refusal.kind == "code":
            return _refused(request, _TEMPLATE, form, 422, _WRONG)
        if refusal.kind == "challenge":
            return _late(request)
        again = LoginForm(data={"next": attempt.target or ""})
        response = page.refused_by_provider(request, again, refusal, attempt.proof)
    except AuthorityUnavailable as error:
        text = signin.settle_outage(request, error, attempt, started, _OUTAGE)
        return _refused(request, _TEMPLATE, form, 503, text, error.retry_after)
    response.headerlist.append(_JAR.expired(COOKIE))
    return response


def _answer(request: Request, form: MailedCodeForm, mail_code: MailCode) -> LoginAnswer:
    """Compare the typed code, in capitals or not, and let FusionAuth log in by it. Raises as `FusionAuth.mail_code_login`."""
    if not hmac.compare_digest(mail_code.code.upper().encode(), form.code.data.upper().encode()):
        raise LoginRefused("code", 421)
    client = client_of(request)
    return request.idp.mail_code_login(
        mail_code, client, user_agents.label(client.agent), trusted_browser.read(request)
    )


def _late(request: Request) -> Response:
    return HTTPSeeOther(notes.leave(request, _LATE), headers=[_JAR.expired(COOKIE)])


def _encrypted(request: Request, waiting: _Waiting) -> str:
    """Return the cookie's value: always of one length, or it would tell whether there is an account."""
    start = waiting.start
    content = [
        waiting.mail_code.login_id,
        waiting.mail_code.code,
        waiting.email,
        start.at.isoformat(),
        start.epoch,
        waiting.target,
    ]
    value = encrypted_values.encrypt(request, _PURPOSE, content, _PLAIN_LENGTH)
    # Without the target, which alone can be so long, the login ends on the landing page.
    return value or _encrypted(request, replace(waiting, target=None))


def _waiting(request: Request) -> _Waiting | None:
    """Return the login of the request's cookie, or None where none waits: without a cookie, with one that is not ours, or too late."""
    kept = encrypted_values.decrypt(request, _PURPOSE, cookies.read(request, COOKIE, encrypted_values.SHAPE))
    if kept is None:
        return None
    login_id, code, email, at, epoch, target = kept
    start = LoginStart(datetime.fromisoformat(at), epoch)
    age = (request.sessions.now() - start.at).total_seconds()
    return _Waiting(MailCode(login_id, code), email, start, target) if 0 <= age <= _SECONDS else None


def _refused(
    request: Request, template: str, form: Form, status: int, text: str, retry_after: int | None = None
) -> Response:
    return form_pages.refused(
        form, text, lambda: form_pages.shown(request, template, form, status), retry_after
    )
