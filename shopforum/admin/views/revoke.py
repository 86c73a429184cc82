"""`/sessions/revoke`: by GET what would be ended, safe to reload and to pass on; by POST the end of it."""

from typing import Any
from urllib.parse import urlencode

from pyramid.httpexceptions import HTTPSeeOther

from ...core.permissions import REVOKE, REVOKE_ALL
from ...operations import audit_queries, deny_rules, plans
from ...operations.plans import Plan
from ...sessions import ShutOut, TooFar, client_of
from ...web import notes
from ...web.contributions import Notice
from ...web.request import Request
from ...web.site_config import SiteConfigurator
from .. import forms
from ..forms import RevokeForm
from . import confirming, everyone, rules
from .confirming import END


def includeme(config: SiteConfigurator) -> None:
    """The views and their notice."""
    config.add_notices(
        {
            "rule_refused": Notice(
                "error",
                "The sessions have ended. The rule was not made: a rule refuses you, or it reaches further than you may.",
            ),
        }
    )
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
    if plan.problem or not confirming.confirmed(request, target, plan):
        return confirming.page(request, form, plan, END)
    if plan.empty:
        # Who has sent the form twice has ended them with the first of the two.
        by = audit_queries.ended_by(request.read_db, target.sessions)
        return notes.see_other(request, f"{f'/revocations/{by}' if by else '/sessions'}?notice=already_ended")
    valid = form.validate()
    rule = _rule(request, form, plan)
    if not valid or form.block.errors or (plan.only_own and not form.include_own.data):
        return confirming.page(request, form, plan, END, 422)
    if not confirming.unchanged(request, plan):
        return confirming.page(request, form, plan, END, 409)
    return notes.see_other(request, f"/revocations/{_carry_out(request, form, plan, rule)}")


def _rule(request: Request, form: RevokeForm, plan: Plan) -> Any:
    """The standing rule that was asked for beside the end, or None; what is wrong with it is noted on the form. One that
    reaches many more sessions than the page has shown is to be made where they are shown.
    """
    named = deny_rules.named(plan)
    found = rules.checked(request, form.block, form.span.data, named) if form.block.data and named else None
    if found is None:
        return None
    weight = found[1]
    if weight.plan.large and not set(weight.plan.ids) <= set(plan.ids):
        form.block.errors = [
            f"This refuses {weight.plan.others:,} sessions, others than those shown here. Add the rule under Rules."
        ]
    return found


def _carry_out(request: Request, form: RevokeForm, plan: Plan, rule: Any) -> Any:
    """End what the plan holds, without the admin's own session unless that was ticked. `rule` is one with its weight, or None.
    The revocation's id.

    The rule comes second, for the receipt's sake; whoever slips in between is refused by it at the next page.
    """
    me, client = request.me, client_of(request)
    reason, except_session = form.because(me), None if form.include_own.data else me.id
    with confirming.within_authority(request) as limit:
        revocation_id = plans.carry_out(
            request.sessions, plan, reason, client, except_session=except_session, limit=limit
        )
        try:
            if rule is not None:
                refused, reached = rule[0], rule[1].plan.ids
                request.sessions.add_rule(
                    refused, reason, client, revocation_id, maker=me, reached=reached, limit=limit
                )
        except (ShutOut, TooFar):
            # By a rule of a moment ago, or by this one since the form was checked.
            return f"{revocation_id}?notice=rule_refused"
    return revocation_id
