"""The pages that ask before they act: the plan, its confirmation, and the page itself."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from pyramid.httpexceptions import HTTPForbidden, HTTPSeeOther, HTTPTooManyRequests
from pyramid.security import Denied

from ...api_tokens import tokens
from ...core.permissions import REVOKE_ALL
from ...operations import approval_requests, deny_rules, plans
from ...operations.approval_requests import Asker, TwoPeople
from ...operations.approvals import LIFE, Act
from ...operations.limits import LARGE, BeyondReach
from ...operations.plans import Plan
from ...operations.targets import Target
from ...sessions import FreshLoginRequired, Limit, TooFar, client_of
from ...web import notes
from ...web.request import Request
from .. import selection

TEMPLATE = "shopforum:admin/templates/confirm.jinja2"
# Seconds since the password was given, for a grave act.
FRESH = 300
# Characters. A selection with a longer URL stays in the form: browsers and proxies cut long URLs.
_LONGEST = 4000


@dataclass(frozen=True)
class Verb:
    """An act on a plan's sessions: the path of its form, the kind of its button, and what the act means. `quarantined`
    limits it to sessions in quarantine (True) or to others (False).
    """

    name: str
    path: str
    kind: str
    means: str
    quarantined: bool | None = None


END = Verb(
    "End",
    "/sessions/revoke",
    "danger",
    "Their next requests are refused, and their refresh tokens are revoked at the identity provider.",
)
QUARANTINE = Verb(
    "Quarantine",
    "/sessions/quarantine",
    "primary",
    "Nothing is served on them until the password is given again in that browser. The user goes on in a new session with "
    "cart and drafts; a thief with copied cookies does not.",
    quarantined=False,
)
RELEASE = Verb(
    "Release",
    "/sessions/release",
    "primary",
    "They go on as before, without the password.",
    quarantined=True,
)


class BeyondAuthority(HTTPForbidden):
    """The act reaches further than the admin may. The text is for people."""

    def __init__(self, why: str) -> None:
        super().__init__(why, result=Denied("beyond authority without %s", REVOKE_ALL))


def may_revoke_all(request: Request) -> bool:
    """Return whether the admin has the permission for whole sites."""
    return bool(request.has_permission(REVOKE_ALL))


def plan(request: Request, target: Target, verb: Verb) -> Plan:
    """Make the plan of an act. Raises BeyondAuthority and FreshLoginRequired where the admin may not carry it out."""
    found = plans.make(request.read_db, target, request.me.id, quarantined=verb.quarantined)
    with judged():
        found.check_reach(unlimited=may_revoke_all(request))
    if found.grave:
        need_fresh(request)
    return found


@contextmanager
def judged() -> Iterator[None]:
    """Turn the judgement that an act reaches too far into the console's 403."""
    try:
        yield
    except BeyondReach as error:
        raise BeyondAuthority(str(error)) from None
    except TooFar as error:
        raise BeyondAuthority(f"{error} Nothing was changed: ask an owner.") from None


@contextmanager
def within_authority(request: Request, act: Act) -> Iterator[Limit | None]:
    """Give the limit of this admin's acts. Raises BeyondAuthority for an act beyond it, redirects to the request for approval of
    one that takes a second owner, and raises HTTPTooManyRequests where the admin has asked for too many.
    """
    me = request.me
    # The password is older: a code has stood in for it.
    code = me.confirmed_ago <= FRESH < me.authenticated_ago
    asker = Asker(
        me.actor,
        client_of(request),
        may_revoke_all(request),
        user_id=me.user_id,
        own=me.user_id,
        names=tokens.actors(request.db, me.user_id),
        session_id=me.id,
        alone="a code of an authenticator" if code else "",
    )
    try:
        with (
            judged(),
            approval_requests.within(two_people(request), request.db, request.read_db, asker, act) as limit,
        ):
            yield limit
    except approval_requests.Waiting as waiting:
        raise notes.see_other(request, f"/approvals/{waiting.approval_id}?notice=approval_asked") from None
    except approval_requests.TooManyRequests as error:
        raise HTTPTooManyRequests(str(error), headers=[("Retry-After", str(LIFE))]) from None


def two_people(request: Request) -> TwoPeople:
    """Return whether acts take a second owner at this deployment."""
    return request.services.get(TwoPeople)


def need(request: Request, permission: str) -> None:
    """Raise HTTPForbidden, which the audit log records, where the admin lacks a permission."""
    allowed = request.has_permission(permission)
    if not allowed:
        raise HTTPForbidden(result=allowed)


def need_fresh(request: Request) -> None:
    """Raise FreshLoginRequired where the password, or a code in its stead, was given too long ago."""
    if request.me.confirmed_ago > FRESH:
        raise FreshLoginRequired


def asked_first(request: Request, target: Target, verb: Verb) -> HTTPSeeOther | None:
    """Redirect a form that names only a target to the page that asks first, by a URL that is safe to reload."""
    if request.POST.get("confirm") or request.POST.get("reason") or request.POST.get("text"):
        return None
    query = urlencode(target.fields(), doseq=True)
    return HTTPSeeOther(f"{verb.path}?{query}") if len(query) < _LONGEST else None


def confirmed(request: Request, target: Target, plan: Plan) -> bool:
    """Return whether the admin has seen the page that asks first. A single session that is not grave needs only a reason."""
    if request.POST.get("confirm"):
        return True
    return len(target.sessions) == 1 and bool(request.POST.get("reason")) and not plan.grave


def unchanged(request: Request, form: Any, plan: Plan) -> bool:
    """Return whether the sessions are those that were shown, or the admin has asked to include those that have come to match
    since. A form that names them one by one needs no digest.
    """
    if not plan.filter and "digest" not in request.POST:
        return True
    if request.POST.get("digest") == plan.digest:
        return True
    return bool(form.joined.data) and same_size(form, plan)


def same_size(form: Any, plan: Plan) -> bool:
    """Return whether the page has shown a plan that takes the same confirmation. An act that has become large is shown
    again.
    """
    shown = form.shown.data
    return shown is not None and (plan.others > LARGE) <= (shown > LARGE)


def want_number(form: Any, plan: Plan) -> None:
    """Require the number that the page has shown, typed out, where the act is large. Sign-ins meanwhile do not make it
    wrong.
    """
    shown = form.shown.data
    if plan.large:
        form.number.wanted = shown if shown is not None and shown > LARGE else plan.others


def page(request: Request, form: Any, plan: Plan, verb: Verb, status: int | None = None) -> dict[str, Any]:
    """Return the variables of the page that asks first, and set the response's status."""
    request.response.status_int = status or (422 if plan.problem else 200)
    return {
        "form": form,
        "plan": plan,
        "verb": verb,
        "changed": status == 409,
        "back": selection.back(plan.scope.sessions if plan.scope and not plan.scope.user_id else ()),
        "refusable": deny_rules.named(plan) if verb is END else {},
    }
