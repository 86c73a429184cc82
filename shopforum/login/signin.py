"""The result of a login, after FusionAuth's answer: a session with its cookies, or a refusal. The audit log has either."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog
from pyramid.httpexceptions import HTTPFound, HTTPServiceUnavailable
from pyramid.response import Response
from pyramid.security import remember
from sqlalchemy.exc import SQLAlchemyError

from ..core import metrics
from ..core.bulkhead import Bulkhead, Full
from ..core.permissions import CONSOLE_ROLES
from ..core.sites import ADMIN
from ..idp import AccountFault, LoginAnswer, LoginRefused
from ..sessions import (
    REFRESH_TOKEN,
    AuthorityMisconfigured,
    AuthorityUnavailable,
    Login,
    LoginStart,
    Reason,
    Scope,
    SignInBlocked,
    audit,
    client_of,
)
from ..sessions.audit import Event
from ..sessions.csrf import forget_visitor
from ..sessions.vocabulary import EndReason, EventName, InitiatingEntity
from ..web import notes, safe_redirect
from ..web.contributions import LoginHookResult
from ..web.request import Request
from ..web.services import PendingDeletion
from . import known_devices, throttle
from .settings import LoginSettings

log = structlog.get_logger("shopforum")


# The proof of a login by passkey.
PASSKEY = "passkey"


class Busy(HTTPServiceUnavailable):
    """Too many refused logins are held back at the same time."""

    RETRY_AFTER = 2
    TEXT = "Too many people are logging in at the moment. Wait a few seconds, then try again."


@dataclass(frozen=True)
class Attempt:
    """A login in progress: its account, its try in the throttle, its start, and its target.

    `account` are its digests (`known_devices.account`). `email` is the typed address, to find the user whom a failure
    concerns. `proof` is what the person has shown first, in words: a password, a code or a passkey.
    """

    account: list[bytes]
    turn: throttle.Try
    start: LoginStart
    target: str | None
    email: str
    proof: str = "password"


def complete(request: Request, answer: LoginAnswer, attempt: Attempt) -> Response:
    """Start a new session, whatever cookies the request has, and return the redirect.

    Raises LoginRefused: `no_access` for a person without a role of the console, `closing` if the account is to be deleted,
    `blocked` if a deny rule refuses the login.
    Raises AuthorityUnavailable if no session can be made of FusionAuth's answer.
    """
    if request.site.name == ADMIN and not CONSOLE_ROLES.intersection(answer.roles):
        raise LoginRefused("no_access", 200)
    _require_owner(request, answer, attempt)
    _refuse_closing(request, answer)
    _require_token(request, answer)
    login = Login(
        user_id=answer.user_id,
        user_name=answer.name,
        user_email=answer.email,
        roles=answer.roles,
        refresh_token=answer.refresh_token,
        refresh_token_id=answer.refresh_token_id,
        start=attempt.start,
    )
    try:
        headers = remember(request, login)
    except SignInBlocked:
        raise LoginRefused("blocked", 200) from None
    throttle.clear(request.db, attempt.turn)
    metrics.LOGINS.labels(request.site.name, "success").inc()
    if not headers:
        # The form was sent twice, and the later login has finished: its response has the cookies and handles a new device.
        write(request, EventName.LOGIN_SUCCESS, {"sent_again": True}, login)
        return HTTPFound(attempt.target or safe_redirect.landing(request.site.name))
    device = known_devices.note(request, attempt.account, request.me.id)
    if device.at_once:
        _end_superseded(request, login, device.at_once)
    detail = {"new_device": device.new, "failures_before": attempt.turn.failures - 1, **_proof(attempt)}
    write(request, EventName.LOGIN_SUCCESS, detail, login, session_id=request.me.id)
    target = attempt.target or safe_redirect.landing(request.site.name)
    for result in _hooks(request, login, target):
        headers += result.headers
        if result.notice:
            target = notes.leave(request, safe_redirect.with_notice(target, result.notice))
    if device.new and device.others:
        _tell_of_new_device(request, login)
    return HTTPFound(target, headers=[*headers, *device.headers, forget_visitor(request)])


def refuse(request: Request, kind: str, attempt: Attempt, started: float, code: str = "") -> None:
    """Write a refusal to the audit log, and wait: the duration must not tell whether the account exists.

    `kind` is LoginRefused's, or `undecided`. `started` is the `time.monotonic()` before the provider was asked. `code` is
    the provider's own reason, for the support. Raises Busy if too many refusals wait.
    """
    # A login that the provider could not decide may have been a guess. If it were forgiven, guesses would be unlimited.
    guessed = kind in ("credentials", "code", "passkey", "undecided")
    if not guessed:
        throttle.forgive(request.db, attempt.turn)
    account = attempt.account[0].hex()[:8]
    detail = {"kind": kind, "account": account, "failures": attempt.turn.failures, **_proof(attempt)}
    if code:
        detail["code"] = code
    # FusionAuth does not name the user whose login it refuses. The owner sees the failure in the list of recent activity.
    user_id = request.sessions.user_of_email(attempt.email)
    write(request, EventName.LOGIN_FAIL, detail, user_id=user_id)
    metrics.LOGINS.labels(request.site.name, kind).inc()
    if guessed and attempt.turn.last_free:
        write(request, EventName.LOGIN_FAIL_MAX, detail, user_id=user_id)
    # No connection is held during the wait.
    left = request.services.get(LoginSettings).refusal_floor - (time.monotonic() - started)
    try:
        with request.services.get(Bulkhead).place():
            time.sleep(max(0.0, left))
    except Full:
        raise Busy(Busy.TEXT, headers=[("Retry-After", str(Busy.RETRY_AFTER))]) from None


@dataclass(frozen=True)
class OutageTexts:
    """The texts of a page for an outage: FusionAuth cannot be asked (`away`), or cannot decide about this account (`undecided`)."""

    away: str
    undecided: str


def settle_outage(
    request: Request, error: AuthorityUnavailable, attempt: Attempt, started: float, texts: OutageTexts
) -> str:
    """Log an outage in the middle of a login, settle its try, and return the text for the page, whose status is 503.

    A try that FusionAuth could not decide stays counted; one about which it was not asked is taken back. Raises Busy.
    """
    log_outage(error)
    if isinstance(error, AccountFault):
        refuse(request, "undecided", attempt, started)
        return texts.undecided
    throttle.forgive(request.db, attempt.turn)
    return texts.away


@contextmanager
def answered_in_time(request: Request) -> Iterator[None]:
    """Let an act about an e-mail address take as long as a refusal, so that its duration does not tell whether an account exists.

    Raises Busy, and begins nothing, if as many wait as may wait. Where the block raises an error, it is not held back.
    """
    started = time.monotonic()
    try:
        with request.services.get(Bulkhead).place():
            yield
            # No connection is held during the wait.
            time.sleep(
                max(0.0, request.services.get(LoginSettings).refusal_floor - (time.monotonic() - started))
            )
    except Full:
        raise Busy(Busy.TEXT, headers=[("Retry-After", str(Busy.RETRY_AFTER))]) from None


def _proof(attempt: Attempt) -> dict[str, Any]:
    """Return for the audit log what a login went by, where it was no password."""
    return {} if attempt.proof == "password" else {"proof": attempt.proof}


def log_outage(error: AuthorityUnavailable) -> None:
    """Log that the provider could not be asked: an error if it refuses our requests, which an operator has to fix."""
    level = log.error if isinstance(error, AuthorityMisconfigured) else log.warning
    level("identity provider unavailable", why=str(error))


def write(
    request: Request,
    name: str,
    detail: dict[str, Any],
    login: Login | None = None,
    user_id: UUID | None = None,
    session_id: UUID | None = None,
) -> None:
    """Write an event of the login form to the audit log, with the user as far as known."""
    event = Event(
        name,
        request.site.name,
        client_of(request),
        initiating_entity=InitiatingEntity.USER,
        actor=login.user_email if login else "",
        user_id=login.user_id if login else user_id,
        session_id=session_id,
        detail=detail,
    )
    audit.append(request.db, event)


def _refuse_closing(request: Request, answer: LoginAnswer) -> None:
    """Refuse a login of a user whose account is to be deleted, and give the login's token back. Raises LoginRefused.

    A login that has begun before the deletion was asked for is ended by the revocation that comes with it.
    """
    pending = request.services.find(PendingDeletion)
    if pending is None or not pending.is_pending(request.db, answer.user_id):
        return
    _give_back(request, answer)
    raise LoginRefused("closing", 200, user_id=answer.user_id)


def _require_owner(request: Request, answer: LoginAnswer, attempt: Attempt) -> None:
    """Refuse a passkey of another account than the one whose address was given: throttle and known devices go by the address.

    Raises LoginRefused.
    """
    if attempt.proof == PASSKEY and answer.email.casefold() != attempt.email.casefold():
        _give_back(request, answer)
        raise LoginRefused("passkey", 200)


def _give_back(request: Request, answer: LoginAnswer) -> None:
    """Revoke the refresh token of a login that is refused here. Where FusionAuth is away: no browser holds it, and it expires."""
    if answer.refresh_token_id is not None:
        with suppress(AuthorityUnavailable):
            request.idp.revoke(
                request.site.name, refresh_token_id=answer.refresh_token_id, user_id=answer.user_id
            )


def _require_token(request: Request, answer: LoginAnswer) -> None:
    """Require a refresh token that fits into a cookie: without it the session could never be refreshed.

    Raises AuthorityMisconfigured.
    """
    if not request.sessions.config.renewable:
        return
    if answer.refresh_token_id is None or not REFRESH_TOKEN.fullmatch(answer.refresh_token or ""):
        raise AuthorityMisconfigured(
            "the login brought no refresh token that fits a cookie: see `shopforum check`"
        )


def _end_superseded(request: Request, login: Login, session_id: UUID) -> None:
    """End the session that another tab's form has begun at the same time, unless it has ended: a browser holds one session.

    Where that login has ended this one's session meanwhile, its own is the one that stays.
    """
    if {session_id, request.me.id} <= {session.id for session in request.sessions.of_user(login.user_id)}:
        reason = Reason(InitiatingEntity.USER, login.actor, EndReason.SUPERSEDED)
        request.sessions.revoke(Scope(sessions=(session_id,)), reason, client_of(request))


def _tell_of_new_device(request: Request, login: Login) -> None:
    """Ask the owner about a new device. An error here is logged, and the login goes on."""
    try:
        for hook in request.services.new_device_hooks:
            hook(request, login)
    except SQLAlchemyError as error:
        log.exception("telling of a new device failed", why=type(error).__name__)


def _hooks(request: Request, login: Login, target: str) -> list[LoginHookResult]:
    """Call the login hooks of the other packages. A hook that fails is logged and left out; the login goes on."""
    results = []
    for hook in request.services.login_hooks:
        try:
            results.append(hook(request, login.user_id, target))
        except SQLAlchemyError as error:
            log.exception("login hook failed", hook=repr(hook), why=type(error).__name__)
    return [result for result in results if result is not None]
