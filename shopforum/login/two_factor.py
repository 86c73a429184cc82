"""The second factor, if FusionAuth asks for one after the right password: the page for the code.

Where one is required and none is set up, an authenticator is set up first (`enrolment.py`).
"""

import time
from typing import Any

from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPFound, HTTPSeeOther
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED

from ..core import user_agents
from ..idp import LoginRefused, TwoFactorRequired
from ..sessions import AuthorityUnavailable, client_of
from ..web import notes
from ..web.contributions import Notice
from ..web.request import Request
from . import challenges, form_pages, known_devices, page, signin, throttle, trusted_browser
from .challenges import Challenge
from .forms import LoginForm, TwoFactorForm

SET_UP = "/login/two-factor/set-up"
_TEMPLATE = "shopforum:login/templates/two_factor.jinja2"
_SENDABLE = {"email": "e-mail", "sms": "text message", "voice": "phone call"}

_WRONG = "This code is wrong. Check it, or ask for a new one."
_OUTAGE = signin.OutageTexts(
    away="The code cannot be checked at the moment. It stays valid for a few minutes: try again in a moment.",
    undecided="Our login service could not finish this login. Wait a moment and try again, or ask support.",
)


def includeme(config: Configurator) -> None:
    """Add the route /login/two-factor, open to everybody. Without a challenge it leads to the login."""
    config.add_route("two_factor", "/login/two-factor")
    for view, method in ((show, "GET"), (submit, "POST")):
        config.add_view(
            view, route_name="two_factor", request_method=method, permission=NO_PERMISSION_REQUIRED
        )


def begin(request: Request, required: TwoFactorRequired, attempt: signin.Attempt) -> Response:
    """Redirect to the code page, with the challenge in a cookie. The password was right. Without a method the page sets one up.

    Where the only way is a message, it is sent at once. The login then stays counted as a try of the account, so that
    repeated logins do not flood a phone.
    """
    # The methods that this page supports come first.
    usable = sorted(required.methods, key=lambda method: method[1] not in {"authenticator", *_SENDABLE})
    methods = tuple((i, kind, _masked(hint)) for i, kind, hint in usable[:8])
    challenge = Challenge(
        required.two_factor_id, methods, attempt.email, attempt.start, attempt.target, attempt.proof
    )
    target = "/login/two-factor" if methods else SET_UP
    if len(methods) == 1 and methods[0][1] in _SENDABLE and _sent(request, challenge):
        throttle.forgive_address(request.db, attempt.turn)
        target = notes.leave(request, f"{target}?sent")
    else:
        throttle.forgive(request.db, attempt.turn)
    return HTTPFound(target, headers=[challenges.header(request, challenge)])


def show(request: Request) -> Response:
    """Show the page for the code."""
    challenge = challenges.read(request)
    if challenge is None:
        return challenges.late(request, HTTPFound)
    if not challenge.methods:
        return HTTPFound(SET_UP)
    sent = (
        Notice("info", "A code is on its way. It replaces any earlier one.")
        if "sent" in notes.said(request)
        else None
    )
    return _page(request, TwoFactorForm(), challenge, 200, notice=sent)


def submit(request: Request) -> Response:
    """Check the code, or with the field `send` have a new one sent by that method."""
    challenge = challenges.read(request)
    if challenge is None:
        return challenges.late(request, HTTPSeeOther)
    form = TwoFactorForm(request.POST)
    method = request.POST.get("send")
    if method is None and not form.validate():
        return _page(request, form, challenge, 422)
    account = known_devices.account(request, challenge.email)
    try:
        turn = throttle.take(request, account)
    except throttle.TooManyTries as wait:
        return _refused(request, form, challenge, 429, str(wait), wait.retry_after)
    attempt = signin.Attempt(
        account, turn, challenge.start, challenge.target, challenge.email, challenge.proof
    )
    started = time.monotonic()
    try:
        if method is not None:
            return _send(request, challenge, str(method))
        client = client_of(request)
        answer = request.idp.two_factor(
            challenge.id,
            form.code.data,
            client,
            user_agents.label(client.agent),
            trust=trusted_browser.is_offered(request) and form.trust.data,
        )
        response = signin.complete(request, answer, attempt)
        trust = trusted_browser.headers(request, answer.trust_id, answer.user_id, challenge.start)
        response.headerlist += [challenges.expired(), *trust]
    except LoginRefused as refusal:
        # A locked, expired or prevented account: password and code were right, so the try was no guess.
        if refusal.kind == "credentials":
            refusal = LoginRefused("restricted", refusal.status)
        kind = refusal.kind
        signin.refuse(request, kind, attempt, started, refusal.code)
        if kind == "code":
            return _refused(request, form, challenge, 422, _WRONG)
        if kind == "challenge":
            return challenges.late(request, HTTPSeeOther)
        again = LoginForm(data={"next": challenge.target or ""})
        response = page.refused_by_provider(request, again, refusal, challenge.proof)
        response.headerlist.append(challenges.expired())
        return response
    except AuthorityUnavailable as error:
        text = signin.settle_outage(request, error, attempt, started, _OUTAGE)
        return _refused(request, form, challenge, 503, text, error.retry_after)
    return response


def _sent(request: Request, challenge: Challenge) -> bool:
    """Have a code sent by the challenge's first method; False where it fails, and the page's button is left to try."""
    try:
        request.idp.send_code(challenge.id, challenge.methods[0][0])
    except LoginRefused:
        return False
    except AuthorityUnavailable as error:
        signin.log_outage(error)
        return False
    return True


def _send(request: Request, challenge: Challenge, method: str) -> Response:
    """Have a code sent. It counts as a try, so that no phone can be flooded with messages."""
    if method not in {i for i, kind, _ in challenge.methods if kind in _SENDABLE}:
        raise LoginRefused("challenge", 404)
    request.idp.send_code(challenge.id, method)
    return notes.see_other(request, "/login/two-factor?sent")


def _page(
    request: Request, form: TwoFactorForm, challenge: Challenge, status: int, **values: Any
) -> Response:
    methods = [(i, _SENDABLE[kind], hint) for i, kind, hint in challenge.methods if kind in _SENDABLE]
    app = any(kind == "authenticator" for _, kind, _ in challenge.methods)
    trust = trusted_browser.is_offered(request)
    return form_pages.shown(request, _TEMPLATE, form, status, methods=methods, app=app, trust=trust, **values)


def _refused(
    request: Request,
    form: TwoFactorForm,
    challenge: Challenge,
    status: int,
    text: str,
    retry_after: int | None = None,
) -> Response:
    form.code.data = ""
    return form_pages.refused(form, text, lambda: _page(request, form, challenge, status), retry_after)


def _masked(hint: str) -> str:
    """Return an address or a number that only its owner recognises: s…@harbour.example, …42."""
    name, at, host = hint.rpartition("@")
    return f"{name[:1]}…@{host}"[:80] if at else f"…{hint[-2:]}" if hint else ""
