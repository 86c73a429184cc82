"""Sign-up at store and forums: a native form, a user at FusionAuth, and a login as any other.

Nobody learns who has an account. An address that is taken gets the page of a new one, and its owner a mail to set a new
password. The right password of an account of another site is enough to register here: one account, two registrations. A
password is a guess here as at the login, and is counted with those.
"""

import time

from pyramid.httpexceptions import HTTPFound
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED

from ..core import user_agents
from ..idp import AccountFault, AddressTaken, InputRefused, LoginAnswer, LoginRefused, TwoFactorRequired
from ..sessions import AuthorityUnavailable, client_of
from ..sessions.csrf import SIGNS_IN, require_own_form
from ..web import notes, safe_redirect
from ..web.contributions import Act
from ..web.request import Request
from ..web.site_config import SiteConfigurator
from . import form_pages, known_devices, reasons, signin, throttle, trusted_browser, two_factor
from .forms import SignUpForm

_TEMPLATE = "shopforum:login/templates/signup.jinja2"
_BLOCKED = "You cannot create an account from here at the moment. Ask support why."
_UNDECIDED = (
    "Our login service could not create the account. Wait a few minutes and try again, or ask support."
)
_AWAY = (
    "No account can be created at the moment. Nothing is wrong with what you typed: try again in a moment."
)


def includeme(config: SiteConfigurator) -> None:
    """Add the route /signup, open to everybody."""
    config.add_acts({"signup": Act("Create the account", page="/signup")})
    config.add_route("signup", "/signup")
    for view, method, own in ((show, "GET", None), (submit, "POST", SIGNS_IN)):
        config.add_view(
            view, route_name="signup", request_method=method, permission=NO_PERMISSION_REQUIRED, own_form=own
        )


def show(request: Request) -> Response:
    """Show the form, or after it the page that asks to look for a mail. A signed-in person is redirected."""
    target = safe_redirect.safe(request.GET.get("next"))
    if request.identity is not None:
        return HTTPFound(target or safe_redirect.landing(request.site.name))
    return _page(request, SignUpForm(data={"next": target or ""}), 200, sent="sent" in notes.said(request))


def submit(request: Request) -> Response:
    """Create the account and sign in, or ask for the confirmation of the address. Nothing typed is lost but the password."""
    require_own_form(request)
    form = SignUpForm(request.POST)
    target = safe_redirect.safe(form.next.data)
    form.next.data = target or ""
    if not form.validate():
        return _page(request, form, 422)
    client, email = client_of(request), form.email.data
    if request.sessions.refuses(client):
        return _refused(request, form, 403, _BLOCKED)
    account = known_devices.account(request, email)
    try:
        # A sign-up makes FusionAuth write to an address that anybody may have typed.
        throttle.take_for_mail(request, account)
        turn = throttle.take(request, account)
    except throttle.TooManyTries as wait:
        return _refused(request, form, 429, str(wait), wait.retry_after)
    started = time.monotonic()
    attempt = signin.Attempt(account, turn, request.sessions.login_start(), target, email)
    try:
        return signin.complete(request, _signed_up(request, form), attempt)
    except TwoFactorRequired as challenge:
        return two_factor.begin(request, challenge, attempt)
    except InputRefused as refused:
        throttle.forgive(request.db, turn)
        return _refused_input(request, form, refused)
    except LoginRefused as refusal:
        return _not_signed_in(request, form, refusal, attempt, started)
    except AccountFault as error:
        signin.refuse(request, "undecided", attempt, started)
        signin.log_outage(error)
        return _refused(request, form, 503, _UNDECIDED, error.retry_after)
    except AuthorityUnavailable as error:
        throttle.forgive(request.db, turn)
        signin.log_outage(error)
        return _refused(request, form, 503, _AWAY, error.retry_after)


def _signed_up(request: Request, form: SignUpForm) -> LoginAnswer:
    """Create the user unless there is one, register the user here, and log in. A step that was done before is skipped,
    so that the form can be sent again after an outage.
    """
    client, email, password = client_of(request), form.email.data, form.password.data
    label, trust_id = user_agents.label(client.agent), trusted_browser.read(request)
    try:
        request.idp.sign_up(email, password, form.name.data, client)
    except AddressTaken:
        try:
            return request.idp.login(email, password, client, label, trust_id)
        except LoginRefused as refusal:
            if refusal.kind != "unregistered" or refusal.user_id is None:
                raise
            request.idp.join(refusal.user_id, client)
    return request.idp.login(email, password, client, label, trust_id)


def _not_signed_in(
    request: Request, form: SignUpForm, refusal: LoginRefused, attempt: signin.Attempt, started: float
) -> Response:
    """Respond to a login that was refused. An unconfirmed address and an account of somebody else look the same."""
    if refusal.kind == "credentials":
        try:
            request.idp.send_password_mail(attempt.email, client_of(request))
        except AuthorityUnavailable as error:
            signin.log_outage(error)
    signin.refuse(request, refusal.kind, attempt, started, refusal.code)
    if refusal.kind in ("credentials", "unverified"):
        return notes.see_other(request, "/signup?sent")
    return _refused(request, form, 422, reasons.refusal(refusal))


def _refused_input(request: Request, form: SignUpForm, refused: InputRefused) -> Response:
    """Show FusionAuth's messages at the fields that they are about."""
    form.form_errors = list(refused.errors.pop("", []))
    for name, messages in refused.errors.items():
        form[name].errors = messages
    return _page(request, form, 422)


def _refused(
    request: Request, form: SignUpForm, status: int, text: str, retry_after: int | None = None
) -> Response:
    return form_pages.refused(form, text, lambda: _page(request, form, status), retry_after)


def _page(request: Request, form: SignUpForm, status: int, *, sent: bool = False) -> Response:
    return form_pages.shown(request, _TEMPLATE, form, status, sent=sent)
