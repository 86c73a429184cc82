"""What follows FusionAuth's word on a login: the session and its cookies, or a refusal; either way the audit log."""

import time
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog
from pyramid.httpexceptions import HTTPFound
from pyramid.response import Response
from pyramid.security import remember
from sqlalchemy.exc import SQLAlchemyError

from ..core.permissions import CONSOLE_ROLES
from ..core.sites import ADMIN
from ..idp import LoginAnswer, LoginRefused
from ..sessions import (
    REFRESH_TOKEN,
    AuthorityMisconfigured,
    AuthorityUnavailable,
    Login,
    SignInBlocked,
    audit,
    client_of,
)
from ..sessions.audit import Event
from ..sessions.csrf import forget_visitor
from ..web import notes, safe_redirect
from ..web.contributions import LoginHookResult
from ..web.request import Request
from . import known_devices, throttle
from .settings import LoginSettings

log = structlog.get_logger("shopforum")


@dataclass(frozen=True)
class Attempt:
    """A login under way: for which account, counted how, since when (the database's clock), and where it leads."""

    account: bytes
    turn: throttle.Try
    authenticated_at: Any
    target: str | None
    # As typed, to find whom a failure concerns; empty once a second factor is asked for.
    email: str = ""


def complete(request: Request, answer: LoginAnswer, attempt: Attempt) -> Response:
    """Sign in: a new session whatever was presented, then the redirect. Raises LoginRefused (`no_access`) for the
    console without one of its roles, (`blocked`) where a standing rule refuses it, AuthorityUnavailable where the answer cannot make a session.
    """
    if request.site.name == ADMIN and not CONSOLE_ROLES.intersection(answer.roles):
        raise LoginRefused("no_access", 200)
    _require_token(request, answer)
    login = Login(
        user_id=answer.user_id,
        user_name=answer.name,
        user_email=answer.email,
        roles=answer.roles,
        refresh_token=answer.refresh_token,
        refresh_token_id=answer.refresh_token_id,
        authenticated_at=attempt.authenticated_at,
    )
    try:
        headers = remember(request, login)
    except SignInBlocked:
        raise LoginRefused("blocked", 200) from None
    throttle.clear(request.db, attempt.turn)
    if not headers:
        # The form was sent twice, and the later login is done: its answer brings the cookies, and tells of a new device.
        write(request, "authn_login_success", {"sent_again": True}, login)
        return HTTPFound(attempt.target or safe_redirect.landing(request.site.name))
    device = known_devices.note(request, attempt.account)
    detail = {"new_device": device.new, "failures_before": attempt.turn.failures - 1}
    write(request, "authn_login_success", detail, login)
    target = attempt.target or safe_redirect.landing(request.site.name)
    for result in _hooks(request, login, target):
        headers += result.headers
        if result.notice:
            target = notes.leave(request, safe_redirect.with_notice(target, result.notice))
    if device.new and device.others:
        _tell_of_new_device(request, login)
    return HTTPFound(target, headers=[*headers, *device.headers, forget_visitor(request)])


def refuse(request: Request, kind: str, attempt: Attempt, started: float, code: str = "") -> None:
    """Record a refusal, and let it take its time: whether an account exists must not show in how long it took.

    `kind` is LoginRefused's, or `undecided`; `started` the `time.monotonic()` when the provider was about to be asked,
    `code` the provider's own reason, for whoever is asked why.
    """
    # What the provider could not decide may have been a guess: forgiven, it could be made without end.
    guessed = kind in ("credentials", "code", "undecided")
    if not guessed:
        throttle.forgive(request.db, attempt.turn)
    detail = {"kind": kind, "account": attempt.account.hex()[:8], "failures": attempt.turn.failures}
    if code:
        detail["code"] = code
    # FusionAuth does not say whose login it refuses, and the owner is to find the attempt in the list of recent activity.
    user_id = request.sessions.user_of_email(attempt.email)
    write(request, "authn_login_fail", detail, user_id=user_id)
    if guessed and attempt.turn.last_free:
        write(request, "authn_login_fail_max", detail, user_id=user_id)
    # No connection is held meanwhile.
    time.sleep(max(0.0, request.services.get(LoginSettings).refusal_floor - (time.monotonic() - started)))


def log_outage(error: AuthorityUnavailable) -> None:
    """Log that the provider could not be asked, or refuses us: the latter is an operator's to mend."""
    level = log.error if isinstance(error, AuthorityMisconfigured) else log.warning
    level("identity provider unavailable", why=str(error))


def write(
    request: Request,
    name: str,
    detail: dict[str, Any],
    login: Login | None = None,
    user_id: UUID | None = None,
) -> None:
    """Append to the audit log what happened at the login form, to whom, as far as that is known."""
    event = Event(
        name,
        request.site.name,
        client_of(request),
        initiating_entity="user",
        actor=login.user_email if login else "",
        user_id=login.user_id if login else user_id,
        detail=detail,
    )
    audit.append(request.db, event)


def _require_token(request: Request, answer: LoginAnswer) -> None:
    """A session that could not be refreshed, or a cookie that the browser would drop without a word, is no login."""
    if not request.sessions.config.renewable:
        return
    if answer.refresh_token_id is None or not REFRESH_TOKEN.fullmatch(answer.refresh_token or ""):
        raise AuthorityMisconfigured(
            "the login brought no refresh token that fits a cookie: see `shopforum check`"
        )


def _tell_of_new_device(request: Request, login: Login) -> None:
    """Have the owner asked about it; never at the first login to a site. What fails here costs no login."""
    try:
        for hook in request.services.new_device_hooks:
            hook(request, login)
    except SQLAlchemyError as error:
        log.exception("telling of a new device failed", why=type(error).__name__)


def _hooks(request: Request, login: Login, target: str) -> list[LoginHookResult]:
    """Let the others take part. One that fails costs its own addition, never the login."""
    results = []
    for hook in request.services.login_hooks:
        try:
            results.append(hook(request, login.user_id, target))
        except SQLAlchemyError as error:
            log.exception("login hook failed", hook=repr(hook), why=type(error).__name__)
    return [result for result in results if result is not None]
