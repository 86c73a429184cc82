"""`/sessions/revoke`: by GET what would be ended, safe to reload and to pass on; by POST the end of it."""

from typing import Any
from urllib.parse import urlencode

from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPSeeOther
from pyramid.request import Request

from ...sessions import client_of
from ...web import notes
from .. import forms, plans, standing, trail
from ..forms import RevokeForm
from ..plans import Plan
from . import REVOKE, REVOKE_ALL, confirming, everyone, rules
from .confirming import END


def includeme(config: Configurator) -> None:
    """The views."""
    for view, method in ((ask, "GET"), (revoke, "POST")):
        config.add_view(
            view,
            route_name="admin_revoke",
            request_method=method,
            permission=REVOKE,
            renderer=confirming.TEMPLATE,
        )


def ask(request: Request) -> Any:
    """What would end. With `block`, the form offers to refuse what matches from then on as well."""
    target = forms.target(request.typed or request.GET)
    if target.whole_site:
        return HTTPSeeOther("/revoke-everyone?" + urlencode({"site": target.site}))
    form = RevokeForm(request.typed, data={"block": bool(request.GET.get("block"))})
    return confirming.page(request, form, confirming.plan(request, target, END), END)


def revoke(request: Request) -> Any:
    """Carry the plan out and show the receipt; what was not confirmed, or has changed, is asked about first."""
    target = forms.target(request.POST)
    if target.whole_site:
        confirming.need(request, REVOKE_ALL)
        confirming.need_fresh(request)
        return everyone.submit(request)
    elsewhere = confirming.asked_first(request, target, END)
    if elsewhere:
        return elsewhere
    form, plan = RevokeForm(request.POST), confirming.plan(request, target, END)
    form.number.wanted = plan.others if plan.large else None
    if plan.problem or not confirming.confirmed(request, target):
        return confirming.page(request, form, plan, END)
    if plan.empty:
        # Who has sent the form twice has ended them with the first of the two.
        by = trail.ended_by(request.reading, target.sessions)
        return notes.see_other(request, f"{f'/revocations/{by}' if by else '/sessions'}?notice=already_ended")
    valid = form.validate()
    rule = _rule(request, form, plan)
    if not valid or form.block.errors or (plan.only_own and not form.include_own.data):
        return confirming.page(request, form, plan, END, 422)
    if not confirming.unchanged(request, plan):
        return confirming.page(request, form, plan, END, 409)
    return HTTPSeeOther(f"/revocations/{_carry_out(request, form, plan, rule)}")


def _rule(request: Request, form: RevokeForm, plan: Plan) -> Any:
    """The standing rule that was asked for beside the end, or None; what is wrong with it is noted on the form."""
    named = standing.named(plan)
    if not (form.block.data and named):
        return None
    return rules.checked(request, form.block, form.span.data, named)


def _carry_out(request: Request, form: RevokeForm, plan: Plan, rule: Any) -> Any:
    """End what the plan holds, without the admin's own session unless that was ticked. The revocation's id.

    The rule comes second, for the receipt's sake; whoever slips in between is refused by it at the next page.
    """
    me, client = request.identity, client_of(request)
    reason, spare = form.because(me), None if form.include_own.data else me.id
    revocation_id = plans.carry_out(request.sessions, plan, reason, client, spare=spare)
    if rule is not None:
        request.sessions.add_rule(rule, reason, client, revocation_id)
    return revocation_id
