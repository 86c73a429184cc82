"""`/rules`: list, add and lift deny rules.

Adding and lifting ask first, and take the permissions that ending the same sessions takes.
"""

from typing import Any

from pyramid.httpexceptions import HTTPNotFound
from pyramid.renderers import render_to_response
from pyramid.response import Response

from ...core.permissions import REVOKE
from ...core.sites import ADMIN
from ...operations import approvals, deny_rules
from ...operations.deny_rules import DenyRuleRow, Weight
from ...sessions import Rule, ShutOut, client_of
from ...web import notes
from ...web.contributions import Notice
from ...web.request import Request
from ...web.site_config import SiteConfigurator
from ..forms import NoteForm, RuleForm, actor
from ..lists import page
from . import may_revoke
from .confirming import judged, may_revoke_all, need_fresh, same_size, want_number, within_authority

_TEMPLATE = "shopforum:admin/templates/rules.jinja2"
_CONFIRM = "shopforum:admin/templates/rule.jinja2"
_SHUT_OUT = "This rule would refuse you, too. Choose a site, or a smaller network."


def includeme(config: SiteConfigurator) -> None:
    """Register the views and their notices."""
    config.add_notices(
        {
            "rule_added": Notice(
                "success", "The rule is in force: it refuses logins and sessions that match from now on."
            ),
            "rule_lifted": Notice("success", "The rule is lifted: it refuses nothing any more."),
            "rule_over": Notice("info", "The rule was over already. Nothing was changed."),
        }
    )
    config.add_view(rules, route_name="admin_rules", request_method="GET", renderer=_TEMPLATE)
    config.add_view(
        add, route_name="admin_rules", request_method="POST", permission=REVOKE, renderer=_TEMPLATE
    )
    for method in ("GET", "POST"):
        config.add_view(lift, route_name="admin_rule_lift", request_method=method, permission=REVOKE)


def rules(request: Request) -> dict[str, Any]:
    """Show the form and the rules. The form is filled in from the URL."""
    return _page(request, RuleForm(request.typed or request.GET if may_revoke(request) else None))


def add(request: Request) -> Any:
    """Add a rule. The sessions that it would refuse are shown first, and again if they have changed since."""
    form = RuleForm(request.POST)
    found = checked(request, form.network, form.span.data, form.named) if form.validate() else None
    if found is None:
        request.response.status_int = 422
        return _page(request, form)
    rule, weight = found
    confirmed = bool(request.POST.get("confirm"))
    if not confirmed or not _number_typed(form, weight):
        return _ask(request, form, rule, weight, 422 if confirmed else 200)
    # A rule refuses those who sign in later in any case, so those who have signed in since the page was shown change nothing.
    if not same_size(form, weight.plan):
        return _ask(request, form, rule, weight, 409)
    me, reason = request.me, form.because(request.me)
    try:
        with within_authority(request, approvals.refusing(rule, weight, reason)) as limit:
            request.sessions.add_rule(
                rule, reason, client_of(request), maker=me, reached=weight.plan.ids, limit=limit
            )
    except ShutOut:
        form.network.errors = [_SHUT_OUT]
        request.response.status_int = 422
        return _page(request, form)
    return notes.see_other(request, "/rules?notice=rule_added")


def lift(request: Request) -> Response:
    """Lift a rule. GET shows the sessions that it refuses, POST lifts it. Lifting twice is harmless."""
    row = deny_rules.one(request.read_db, request.matched_id)
    if row is None:
        raise HTTPNotFound
    if row.state != deny_rules.IN_FORCE:
        return notes.see_other(request, "/rules?notice=rule_over")
    weight = _weighed(request, row.rule)
    form = NoteForm(request.POST if request.POST.get("confirm") else None)
    if not request.POST.get("confirm"):
        return _ask(request, form, row.rule, weight, 200, row)
    typed = _number_typed(form, weight)
    if not form.validate() or not typed:
        return _ask(request, form, row.rule, weight, 422, row)
    reason = form.because(request.me).admin
    lifted = request.sessions.lift_rule(row.id, actor(request.me), client_of(request), reason)
    return notes.see_other(request, f"/rules?notice={'rule_lifted' if lifted else 'rule_over'}")


def checked(request: Request, field: Any, seconds: str, named: dict[str, Any]) -> tuple[Rule, Weight] | None:
    """Return the rule that a form asks for, with its weight; None with an error at `field` where it cannot be made.

    Raises BeyondAuthority and FreshLoginRequired as ending the same sessions does. A rule that would refuse the admin who
    makes it is an error.
    """
    try:
        rule = deny_rules.make(float(seconds) if seconds in deny_rules.SPANS else 0, **named)
    except ValueError as error:
        field.errors = [*field.errors, str(error)]
        return None
    weight = _weighed(request, rule)
    if rule.matches(request.me.user_id, ADMIN, client_of(request)):
        field.errors = [*field.errors, _SHUT_OUT]
        return None
    return rule, weight


def _weighed(request: Request, rule: Rule) -> Weight:
    """Weigh a rule. Raises BeyondAuthority and FreshLoginRequired where the admin may not make or lift it."""
    weight = deny_rules.weigh(request.read_db, rule, request.me.id)
    with judged():
        deny_rules.check_reach(request.sessions.authority, rule, weight, unlimited=may_revoke_all(request))
    if weight.grave:
        need_fresh(request)
    return weight


def _number_typed(form: Any, weight: Weight) -> bool:
    """Check that the number of sessions was typed, where the rule reaches many; an error is noted on the form."""
    want_number(form, weight.plan)
    return bool(form.number.validate(form))


def _ask(
    request: Request, form: Any, rule: Rule, weight: Weight, status: int, row: DenyRuleRow | None = None
) -> Response:
    """Return the page that asks before a rule is added, or before `row` is lifted."""
    values = {"form": form, "rule": rule, "plan": weight.plan, "row": row, "changed": status == 409}
    response = render_to_response(_CONFIRM, values, request=request)
    response.status_int = status
    return response


def _page(request: Request, form: RuleForm) -> dict[str, Any]:
    db = request.read_db
    return {
        "form": form,
        "in_force": deny_rules.in_force(db),
        "most": deny_rules.MOST,
        "page": page(request, deny_rules.ENDED, size=30),
        "may_revoke": may_revoke(request),
    }
