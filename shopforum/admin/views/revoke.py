"""`/sessions/revoke`: GET shows the sessions that would end, safe to reload and to share; POST ends them."""

from typing import Any
from urllib.parse import urlencode

from pyramid.httpexceptions import HTTPSeeOther

from ...core.permissions import REVOKE, REVOKE_ALL
from ...operations import approvals, deny_rules, plans, session_queries
from ...operations.approvals import Kind
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
    """Register the views and their notice."""
    config.add_notices(
        {
            "rule_refused": Notice(
                "error",
                "The sessions have ended. The rule was not added: it reaches further than you may, or a rule refuses you.",
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
    """Show the sessions that would end. With `block`, the form also offers to refuse what matches from then on."""
    target = forms.target(request.typed or request.GET)
    if target.whole_site:
        return HTTPSeeOther("/revoke-everyone?" + urlencode({"site": target.site}))
    form = RevokeForm(request.typed, data={"block": bool(request.GET.get("block"))})
    return confirming.page(request, form, confirming.plan(request, target, END), END)


def revoke(request: Request) -> Any:
    """Carry the plan out and show the receipt. A plan that was not confirmed, or has changed, is shown first."""
    target = forms.target(request.POST)
    if target.whole_site:
        confirming.need(request, REVOKE_ALL)
        confirming.need_fresh(request)
        return everyone.submit(request)
    elsewhere = confirming.asked_first(request, target, END)
    if elsewhere:
        return elsewhere
    form, plan = RevokeForm(request.POST), confirming.plan(request, target, END)
    confirming.want_number(form, plan)
    if plan.problem or not confirming.confirmed(request, target, plan):
        return confirming.page(request, form, plan, END)
    if plan.empty:
        # Of a form that was submitted twice, the first submission has ended them.
        by = session_queries.receipt_of(request.read_db, target.sessions)
        return notes.see_other(request, f"{f'/revocations/{by}' if by else '/sessions'}?notice=already_ended")
    valid = form.validate()
    rule = _rule(request, form, plan)
    if not valid or form.block.errors or (plan.only_own and not form.include_own.data):
        return confirming.page(request, form, plan, END, 422)
    if not confirming.unchanged(request, form, plan):
        return confirming.page(request, form, plan, END, 409)
    return notes.see_other(request, f"/revocations/{_carry_out(request, form, plan, rule)}")


def _rule(request: Request, form: RevokeForm, plan: Plan) -> Any:
    """Return the deny rule that the form asks for, with its weight, or None; errors are noted on the form.

    A rule that reaches many more sessions than the page has shown is refused: `/rules` shows them.
    """
    named = deny_rules.named(plan)
    found = rules.checked(request, form.block, form.span.data, named) if form.block.data and named else None
    if found is None:
        return None
    weight = found[1]
    if confirming.two_people(request).required and (plan.crowd or weight.crowd):
        form.block.errors = ["The rule takes a second owner's approval of its own. Add it under Rules."]
    if weight.plan.large and not set(weight.plan.ids) <= set(plan.ids):
        form.block.errors = [
            f"The rule would refuse {weight.plan.others:,} sessions, not only those shown here. Add it under Rules."
        ]
    return found


def _carry_out(request: Request, form: RevokeForm, plan: Plan, rule: Any) -> Any:
    """End the sessions of the plan, then add the rule, if any; return the revocation's id. The admin's own session stays
    unless its box was ticked.

    The rule names the revocation, so it comes second. A login between the two is refused at its next page.
    """
    me, client = request.me, client_of(request)
    reason, except_session = form.because(me), None if form.include_own.data else me.id
    act = approvals.ending(Kind.REVOKE, plan, reason, own=me.id, keep_own=except_session is not None)
    with confirming.within_authority(request, act) as limit:
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
            # A rule added a moment ago refuses the admin, or this one does since the form was checked.
            return f"{revocation_id}?notice=rule_refused"
    return revocation_id
