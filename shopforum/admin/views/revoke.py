"""POST `/sessions/revoke`: what would be ended, and once that was confirmed, the end of it."""

from typing import Any

from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPForbidden, HTTPSeeOther
from pyramid.request import Request

from ...sessions import FreshLoginRequired, client_of
from .. import forms, plans
from ..forms import RevokeForm, Target
from ..plans import Plan
from . import REVOKE, REVOKE_ALL, everyone


def includeme(config: Configurator) -> None:
    """The view."""
    config.add_view(
        revoke,
        route_name="admin_revoke",
        request_method="POST",
        permission=REVOKE,
        renderer="shopforum:admin/templates/confirm.jinja2",
    )


def revoke(request: Request) -> Any:
    """Show the plan; with `confirm`, or for one session with its reason, carry it out and show the receipt."""
    target = forms.target(request)
    if target.whole_site:
        return _whole_site(request)
    form = RevokeForm(request.POST)
    plan = plans.make(request.reading, target, request.identity.id)
    if plan.problem:
        return _page(request, form, plan, 422)
    if not _confirmed(request, target):
        return _page(request, form, plan)
    if plan.scope and plan.scope.sessions and not plan.others and not plan.own:
        return HTTPSeeOther("/sessions?notice=already_ended")
    if not form.validate() or (plan.only_own and not form.include_own.data):
        return _page(request, form, plan, 422)
    if request.POST.get("expected_count", str(plan.others)) != str(plan.others):
        return _page(request, form, plan, 409)
    return HTTPSeeOther(f"/revocations/{carry_out(request, form, plan)}")


def carry_out(request: Request, form: RevokeForm, plan: Plan) -> Any:
    """End what the plan holds, without the admin's own session unless that was ticked. The revocation's id."""
    me = request.identity
    spare = None if form.include_own.data else me.id
    return request.sessions.revoke(plan.without(spare), form.because(me), client_of(request), spare=spare)


def _confirmed(request: Request, target: Target) -> bool:
    if request.POST.get("confirm"):
        return True
    return len(target.sessions) == 1 and bool(request.POST.get("reason"))


def _page(request: Request, form: RevokeForm, plan: Plan, status: int = 200) -> dict[str, Any]:
    request.response.status_int = status
    return {"form": form, "plan": plan, "changed": status == 409}


def _whole_site(request: Request) -> Any:
    """All of a site is asked for like everyone: by an owner, with a fresh password and a typed word."""
    allowed = request.has_permission(REVOKE_ALL)
    if not allowed:
        raise HTTPForbidden(result=allowed)
    if request.identity.authenticated_ago > everyone.FRESH:
        raise FreshLoginRequired
    return everyone.submit(request)
