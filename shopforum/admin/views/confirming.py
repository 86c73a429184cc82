"""What the pages that ask before they act have in common: the plan, whether it was confirmed, and the page itself."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from pyramid.httpexceptions import HTTPForbidden, HTTPSeeOther
from pyramid.security import Denied

from ...core.permissions import REVOKE_ALL
from ...operations import deny_rules, plans
from ...operations.plans import Plan
from ...operations.targets import Target
from ...sessions import FreshLoginRequired, Limit, TooFar
from ...web.request import Request

TEMPLATE = "shopforum:admin/templates/confirm.jinja2"
# Seconds since the password, for whatever is grave.
FRESH = 300
# A selection longer than this stays in the form: browsers and proxies cut long addresses.
_LONGEST = 4000


@dataclass(frozen=True)
class Verb:
    """What can be done to a plan's sessions: where its form goes, what its button says and what it means."""

    name: str
    path: str
    kind: str
    means: str


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
    "Nothing more is served on them before the password was given again in that browser. Whoever knows it goes on "
    "in a new session, cart and drafts kept; a thief with copied cookies does not.",
)
RELEASE = Verb(
    "Release",
    "/sessions/release",
    "primary",
    "They go on as they were, without the password being asked for.",
)


def plan(request: Request, target: Target, verb: Verb) -> Plan:
    """The plan, for who may carry it out; see `weigh`. Raises FreshLoginRequired, HTTPForbidden."""
    found = plans.make(request.read_db, target, request.me.id, quarantined=_IN_QUARANTINE[verb.name])
    weigh(request, found)
    return found


def weigh(request: Request, plan: Plan) -> None:
    """A wide plan takes the permission for whole sites, a grave one a fresh password. Raises BeyondAuthority,
    FreshLoginRequired.
    """
    if plan.wide and not request.has_permission(REVOKE_ALL):
        reached = "console sessions of an owner" if plan.owners else f"{plan.people:,} people"
        raise BeyondAuthority(f"This reaches {reached}: it takes an owner. Ask one, or choose less.")
    if plan.grave:
        need_fresh(request)


@contextmanager
def within_authority(request: Request) -> Iterator[Limit | None]:
    """Gives the limit that an act of this admin has to be carried out with; raises BeyondAuthority for one that goes
    beyond it.
    """
    unlimited = bool(request.has_permission(REVOKE_ALL))
    try:
        yield plans.limit(unlimited=unlimited, own=request.me.user_id)
    except TooFar as error:
        raise BeyondAuthority(f"{error} Nothing was changed: ask an owner.") from None


class BeyondAuthority(HTTPForbidden):
    """What was asked for reaches further than the admin may. The text is for people."""

    def __init__(self, why: str) -> None:
        super().__init__(why, result=Denied(REVOKE_ALL))


_IN_QUARANTINE = {"End": None, "Quarantine": False, "Release": True}


def need(request: Request, permission: str) -> None:
    """Raise HTTPForbidden, which the trail then tells, where the admin has not got a permission."""
    allowed = request.has_permission(permission)
    if not allowed:
        raise HTTPForbidden(result=allowed)


def need_fresh(request: Request) -> None:
    """Raise FreshLoginRequired where the password was given too long ago."""
    if request.me.authenticated_ago > FRESH:
        raise FreshLoginRequired


def asked_first(request: Request, target: Target, verb: Verb) -> HTTPSeeOther | None:
    """Where a form leads that holds only what was chosen: to the page that asks, by an address safe to reload."""
    if request.POST.get("confirm") or request.POST.get("reason") or request.POST.get("text"):
        return None
    query = urlencode(target.fields(), doseq=True)
    return HTTPSeeOther(f"{verb.path}?{query}") if len(query) < _LONGEST else None


def confirmed(request: Request, target: Target, plan: Plan) -> bool:
    """Whether the page was seen that says what would happen; a single session needs only its reason, if it is not grave."""
    if request.POST.get("confirm"):
        return True
    return len(target.sessions) == 1 and bool(request.POST.get("reason")) and not plan.grave


def unchanged(request: Request, plan: Plan) -> bool:
    """Whether the sessions are those that were shown. Who names them one by one has no need of a list."""
    if not plan.filter and "digest" not in request.POST:
        return True
    return bool(request.POST.get("digest") == plan.digest)


def page(request: Request, form: Any, plan: Plan, verb: Verb, status: int | None = None) -> dict[str, Any]:
    """What the confirm page is drawn from."""
    request.response.status_int = status or (422 if plan.problem else 200)
    return {
        "form": form,
        "plan": plan,
        "verb": verb,
        "changed": status == 409,
        "refusable": deny_rules.named(plan) if verb is END else {},
    }
