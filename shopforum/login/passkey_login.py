"""Login with a passkey, at store and forums, where `login.passkeys` is on: the browser's own dialogue beside the form.

A script asks for a challenge and has the browser sign it (`static/passkeys.js`). The form that it then sends ends as the login form
does. An address that nobody has, or that has no passkey, gets a challenge that nobody knows; the browser is told no passkey by name,
and lists those of this site itself. So nothing tells whether there is an account.
"""

import base64
import secrets as random
import time
from typing import Any

from pyramid.httpexceptions import HTTPFound
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED

from ..core import user_agents
from ..idp import LoginAnswer, LoginRefused, TwoFactorRequired
from ..sessions import AuthorityUnavailable, client_of
from ..sessions.csrf import SIGNS_IN, require_own_form
from ..web import safe_redirect
from ..web.contributions import Act
from ..web.request import Request
from ..web.site_config import SiteConfigurator
from . import (
    encrypted_values,
    known_devices,
    page,
    passkey_json,
    passkey_user,
    signin,
    throttle,
    trusted_browser,
    two_factor,
)
from .forms import ForgottenForm, LoginForm

_PURPOSE = "passkey challenge"
# Bytes of what is sealed: address and challenge.
_LENGTH = 1700
# Milliseconds that the browser's dialogue stays open: FusionAuth's default life of a challenge.
_TIMEOUT = 180_000
_BLOCKED = "You cannot log in from here at the moment. Ask support why."
_LATE = "That took too long. Try again, or log in with your password."
_OUTAGE = signin.OutageTexts(
    away="Login is not available at the moment. Your passkey is not the reason. Try again in a moment.",
    undecided="Our login service could not finish this login. Wait a few minutes and try again, or ask support.",
)


def includeme(config: SiteConfigurator) -> None:
    """Add the routes /login/passkey/start, for the script alone, and /login/passkey, both open to everybody."""
    config.add_acts(
        {
            "passkey_start": Act("Use a passkey", page="/login"),
            "passkey_login": Act("Use a passkey", page="/login"),
        }
    )
    config.add_route("passkey_start", "/login/passkey/start")
    config.add_route("passkey_login", "/login/passkey")
    config.add_view(
        start,
        route_name="passkey_start",
        request_method="POST",
        permission=NO_PERMISSION_REQUIRED,
        own_form=SIGNS_IN,
    )
    config.add_view(
        submit,
        route_name="passkey_login",
        request_method="POST",
        permission=NO_PERMISSION_REQUIRED,
        own_form=SIGNS_IN,
    )
    config.add_view(
        lambda _: HTTPFound("/login"),
        route_name="passkey_login",
        request_method="GET",
        permission=NO_PERMISSION_REQUIRED,
    )


def start(request: Request) -> Response:
    """Answer the script with a challenge, or with the reason of the refusal, as JSON. Without an address it is for the owner of
    this browser's last passkey.
    """
    require_own_form(request)
    form = ForgottenForm(request.POST)
    if not form.email.data:
        form.email.data = passkey_user.read(request) or ""
    if not form.validate():
        return passkey_json.for_script({"error": form.errors["email"][0]}, 422)
    if request.sessions.refuses(client_of(request)):
        return passkey_json.for_script({"error": _BLOCKED}, 403)
    try:
        with signin.answered_in_time(request):
            throttle.take_for_challenge(request, known_devices.account(request, form.email.data))
            challenge = request.idp.passkeys.challenge(form.email.data)
    except signin.Busy as busy:
        return passkey_json.for_script({"error": busy.TEXT}, 503, busy.RETRY_AFTER)
    except throttle.TooManyTries as wait:
        return passkey_json.for_script({"error": str(wait)}, 429, wait.retry_after)
    except AuthorityUnavailable as error:
        signin.log_outage(error)
        return passkey_json.for_script({"error": _OUTAGE.away}, 503, error.retry_after)
    # As long as FusionAuth's.
    challenge = challenge or base64.urlsafe_b64encode(random.token_bytes(32)).decode().rstrip("=")
    options = {
        "challenge": challenge,
        "rpId": passkey_json.party(request).id,
        "timeout": _TIMEOUT,
        "userVerification": "required",
    }
    kept = encrypted_values.encrypt(request, _PURPOSE, [form.email.data, challenge], _LENGTH)
    return passkey_json.for_script({"options": options, "challenge": kept}, 200)


def submit(request: Request) -> Response:
    """Have FusionAuth check what the passkey has signed, and sign in."""
    require_own_form(request)
    target = safe_redirect.page(request, request.POST.get("next"))
    kept = encrypted_values.decrypt(request, _PURPOSE, request.POST.get("challenge"))
    credential = passkey_json.assertion(request.POST.get("credential"))
    form = LoginForm(data={"next": target or "", "email": kept[0] if kept else ""})
    if kept is None or credential is None:
        return page.refused(request, form, 422, _LATE)
    email, challenge = kept
    if request.sessions.refuses(client_of(request)):
        return page.refused(request, form, 403, _BLOCKED)
    account = known_devices.account(request, email)
    try:
        turn = throttle.take(request, account)
    except throttle.TooManyTries as wait:
        return page.refused(request, form, 429, str(wait), wait.retry_after)
    attempt = signin.Attempt(
        account, turn, request.sessions.login_start(), target, email, proof=signin.PASSKEY
    )
    started = time.monotonic()
    try:
        return _try(request, form, credential, challenge, attempt, started)
    except signin.Busy as busy:
        return page.refused(request, form, 503, busy.TEXT, busy.RETRY_AFTER)


def _try(
    request: Request,
    form: LoginForm,
    credential: dict[str, Any],
    challenge: str,
    attempt: signin.Attempt,
    started: float,
) -> Response:
    """Ask FusionAuth, and respond to its answer. Raises signin.Busy."""
    try:
        answer = _login(request, credential, challenge)
        response = signin.complete(request, answer, attempt)
    except TwoFactorRequired as required:
        response = two_factor.begin(request, required, attempt)
    except LoginRefused as refusal:
        # A locked, expired or prevented account: the passkey was right, so the try was no guess.
        if refusal.kind == "credentials":
            refusal = LoginRefused("restricted", refusal.status)
        signin.refuse(request, refusal.kind, attempt, started, refusal.code)
        return page.refused_by_provider(request, form, refusal, attempt.proof)
    except AuthorityUnavailable as error:
        text = signin.settle_outage(request, error, attempt, started, _OUTAGE)
        return page.refused(request, form, 503, text, error.retry_after)
    response.headerlist.append(passkey_user.header(request, attempt.email))
    return response


def _login(request: Request, credential: dict[str, Any], challenge: str) -> LoginAnswer:
    """Let FusionAuth check the credential if it answers the challenge that this form got. Raises as `FusionAuth.passkey_login`."""
    if passkey_json.challenge(credential) != challenge:
        raise LoginRefused("passkey", 404)
    client = client_of(request)
    return request.idp.passkey_login(
        credential,
        passkey_json.party(request),
        client,
        user_agents.label(client.agent),
        trusted_browser.read(request),
    )
