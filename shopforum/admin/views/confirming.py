"""What the pages that ask before they act have in common: the plan, whether it was confirmed, and the page itself."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from pyramid.httpexceptions import HTTPForbidden, HTTPSeeOther
from pyramid.request import Request

from ...sessions import FreshLoginRequired
from .. import plans, standing
from ..forms import Target
from ..plans import Plan
from . import REVOKE_ALL

TEMPLATE = "shopforum:admin/templates/confirm.jinja2"
# Seconds since the password, for whatever is large.
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
    """The plan, for who may carry it out: a large one takes a fresh password, a wide one the permission for sites.

    Raises FreshLoginRequired, HTTPForbidden.
    """
    found = plans.make(request.reading, target, request.identity.id, quarantined=_IN_QUARANTINE[verb.name])
    if found.wide:
        need(request, REVOKE_ALL)
    if found.large:
        need_fresh(request)
    return found


_IN_QUARANTINE = {"End": None, "Quarantine": False, "Release": True}


def need(request: Request, permission: str) -> None:
    """Raise HTTPForbidden, which the trail then tells, where the admin has not got a permission."""
    allowed = request.has_permission(permission)
    if not allowed:
        raise HTTPForbidden(result=allowed)


def need_fresh(request: Request) -> None:
    """Raise FreshLoginRequired where the password was given too long ago."""
    if request.identity.authenticated_ago > FRESH:
        raise FreshLoginRequired


def asked_first(request: Request, target: Target, verb: Verb) -> HTTPSeeOther | None:
    """Where a form leads that holds only what was chosen: to the page that asks, by an address safe to reload."""
    if confirmed(request, target) or request.POST.get("reason") or request.POST.get("text"):
        return None
    query = urlencode(target.fields(), doseq=True)
    return HTTPSeeOther(f"{verb.path}?{query}") if len(query) < _LONGEST else None


def confirmed(request: Request, target: Target) -> bool:
    """Whether the page was seen that says what would happen; a single session needs only its reason."""
    if request.POST.get("confirm"):
        return True
    return len(target.sessions) == 1 and bool(request.POST.get("reason"))


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
        "refusable": standing.named(plan) if verb is END else {},
    }
