"""Setting up an authenticator on the way in, where FusionAuth requires a second factor of a user who has none.

The page shows the key and asks for a code of the app. FusionAuth then gives recovery codes, which the next page shows, once, and a
code that finishes the login. The key is derived from the challenge, so it is stored nowhere here, and stays the same when the page
is loaded again.
"""

import base64
import time
from dataclasses import dataclass

import pyotp
import segno
from markupsafe import Markup
from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPFound, HTTPSeeOther
from pyramid.renderers import render_to_response
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED

from ..core import user_agents
from ..idp import Enrolled, LoginRefused
from ..sessions import AuthorityUnavailable, client_of
from ..sessions.vocabulary import EventName
from ..web.request import Request
from . import challenges, form_pages, known_devices, reasons, signin, throttle
from .challenges import Challenge
from .forms import CodeForm
from .two_factor import SET_UP

_TEMPLATE = "shopforum:login/templates/enrolment.jinja2"
_CODES = "shopforum:login/templates/recovery_codes.jinja2"
_WRONG = (
    "This code is wrong. Check that the app has the key below, and that the clock of its device is right."
)
_OUTAGE = signin.OutageTexts(
    away="The second step cannot be set up at the moment. The key stays the same: try again in a moment.",
    undecided="Our login service could not set up the second step. Wait a moment and try again, or ask support.",
)
_BLOCKED = "You cannot log in from here at the moment. Ask support why."
_NOT_YET = "The second step is set up, but the login could not be finished. Log in with a code of your app."


@dataclass(frozen=True)
class Key:
    """The key of an authenticator: in base32, as an address that opens an app, and as a picture that a phone scans (SVG)."""

    secret: str
    uri: str
    picture: Markup


def includeme(config: Configurator) -> None:
    """Add the route /login/two-factor/set-up, open to everybody. Without a challenge it leads to the login."""
    config.add_route("enrolment", SET_UP)
    for view, method in ((show, "GET"), (submit, "POST")):
        config.add_view(
            view, route_name="enrolment", request_method=method, permission=NO_PERMISSION_REQUIRED
        )


def show(request: Request) -> Response:
    """Show the key, and the form for a code of it."""
    challenge = _challenge(request)
    if challenge is None:
        return challenges.late(request, HTTPFound)
    return _page(request, CodeForm(), challenge, 200)


def submit(request: Request) -> Response:
    """Set up the authenticator by a code of its app, finish the login, and show the recovery codes."""
    challenge, form = _challenge(request), CodeForm(request.POST)
    if challenge is None:
        return challenges.late(request, HTTPSeeOther)
    if not form.validate():
        return _page(request, form, challenge, 422)
    # An authenticator that is set up here stays at FusionAuth, even if the login fails later. So refuse a login before, if it can be refused.
    client, user_id = client_of(request), request.sessions.user_of_email(challenge.email)
    if request.sessions.refuses(client, user_id):
        return _refused(request, form, challenge, 403, _BLOCKED)
    if request.sessions.is_revoked_since(challenge.start, user_id):
        return challenges.late(request, HTTPSeeOther)
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
        enrolled = request.idp.set_up_authenticator(
            challenge.id, challenge.email, _secret(request, challenge), form.code.data, client
        )
    except LoginRefused as refusal:
        signin.refuse(request, refusal.kind, attempt, started)
        if refusal.kind == "code":
            return _refused(request, form, challenge, 422, _WRONG)
        return challenges.late(request, HTTPSeeOther)
    except AuthorityUnavailable as error:
        text = signin.settle_outage(request, error, attempt, started, _OUTAGE)
        return _refused(request, form, challenge, 503, text, error.retry_after)
    signin.write(request, EventName.AUTHENTICATOR_SET_UP, {}, user_id=enrolled.user_id)
    return _finish(request, challenge, enrolled, attempt)


def _finish(request: Request, challenge: Challenge, enrolled: Enrolled, attempt: signin.Attempt) -> Response:
    """Finish the login, and show the recovery codes whatever becomes of it: FusionAuth gives them this one time."""
    started, client = time.monotonic(), client_of(request)
    target, headers, problem = "/login", list[str](), _NOT_YET
    try:
        answer = request.idp.two_factor(challenge.id, enrolled.code, client, user_agents.label(client.agent))
        done = signin.complete(request, answer, attempt)
        target, headers, problem = str(done.location), done.headers.getall("Set-Cookie"), ""
    except LoginRefused as refusal:
        # Password and code were right.
        kind = "restricted" if refusal.kind == "credentials" else refusal.kind
        if kind in reasons.REFUSALS:
            problem = reasons.refusal(
                LoginRefused(kind, refusal.status, refusal.code, refusal.text), challenge.proof
            )
        signin.refuse(request, kind, attempt, started, refusal.code)
    except AuthorityUnavailable as error:
        throttle.forgive(request.db, attempt.turn)
        signin.log_outage(error)
    response = render_to_response(
        _CODES, {"codes": enrolled.recovery_codes, "target": target, "problem": problem}, request=request
    )
    response.headerlist += [*(("Set-Cookie", header) for header in headers), challenges.expired()]
    return response


def _challenge(request: Request) -> Challenge | None:
    """Return the request's challenge if it has no method yet, or None."""
    challenge = challenges.read(request)
    return challenge if challenge is not None and not challenge.methods else None


def _secret(request: Request, challenge: Challenge) -> str:
    """Return the key of a challenge: 160 bits in base32, as RFC 4226 advises. Nobody can derive it without this site's key."""
    digest = request.sessions.config.secrets.digest(request.site.name, "authenticator", challenge.id)
    return base64.b32encode(digest[:20]).decode()


def _key(request: Request, challenge: Challenge) -> Key:
    secret = _secret(request, challenge)
    uri = pyotp.TOTP(secret).provisioning_uri(name=challenge.email, issuer_name=request.site.title)
    # Black on white in dark mode as well: many apps read nothing else.
    picture = segno.make(uri, micro=False).svg_inline(
        scale=4, dark="#000", light="#fff", svgclass="qr", lineclass=None, title="The key as a QR code"
    )
    return Key(secret, uri, Markup(picture))  # noqa: S704 - of numbers alone, but for our title


def _refused(
    request: Request,
    form: CodeForm,
    challenge: Challenge,
    status: int,
    text: str,
    retry_after: int | None = None,
) -> Response:
    form.code.data = ""
    return form_pages.refused(form, text, lambda: _page(request, form, challenge, status), retry_after)


def _page(request: Request, form: CodeForm, challenge: Challenge, status: int) -> Response:
    return form_pages.shown(request, _TEMPLATE, form, status, key=_key(request, challenge))
