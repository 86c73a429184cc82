"""`/sessions/revoke`: GET shows the sessions that would end, safe to reload and to share; POST ends them."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from pyramid.httpexceptions import HTTPSeeOther
from sqlalchemy import Connection

from ...core.permissions import REVOKE, REVOKE_ALL
from ...operations import approvals, deny_rules, plans, session_queries
from ...operations.approvals import Kind
from ...operations.plans import Plan
from ...sessions import ShutOut, TooFar, client_of
from ...sessions import deny_rules as session_rules
from ...sessions.deny_rules import Maker, NewRule
from ...web import notes
from ...web.request import Request
from ...web.site_config import SiteConfigurator
from .. import forms
from ..forms import RevokeForm
from . import confirming, everyone, rules
from .confirming import END

_NO_RULE = "Nothing was changed: the rule reaches further than you may, or a rule refuses you. End the sessions without it."


class _RuleRefused(Exception):
    """The rule beside the end may not be added. Nothing was changed."""


def includeme(config: SiteConfigurator) -> None:
    """Register the views."""
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
    try:
        return notes.see_other(request, f"/revocations/{_carry_out(request, form, plan, rule)}")
    except _RuleRefused:
        form.block.errors = [_NO_RULE]
        return confirming.page(request, form, plan, END, 422)


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
    """End the sessions of the plan and add the rule, if any, in one transaction; return the revocation's id. The admin's own session
    stays unless its box was ticked. Raises _RuleRefused where the rule may not be added: then nothing has ended, either.
    """
    me, client = request.me, client_of(request)
    reason, except_session = form.because(me), None if form.include_own.data else me.id
    act = approvals.ending(Kind.REVOKE, plan, reason, own=me.id, keep_own=except_session is not None)
    with confirming.within_authority(request, act) as limit:

        def refuse(connection: Connection, revocation_id: UUID | None) -> None:
            new = NewRule(rule[0], rule[1].plan.ids)
            maker = Maker(me.user_id, me.site)
            try:
                session_rules.add_within(connection, [new], reason, client, revocation_id, maker, limit=limit)
            except (ShutOut, TooFar) as error:
                # A rule added a moment ago refuses the admin, or this one reaches too far with what the admin has done within the hour.
                raise _RuleRefused from error

        return plans.carry_out(
            request.sessions,
            plan,
            reason,
            client,
            except_session=except_session,
            limit=limit,
            claim=refuse if rule is not None else None,
        )
