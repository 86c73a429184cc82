"""`/rules`: what is refused for a while, making such a rule, and lifting one. Both ask first, and are weighed as the end of
the sessions that the rule refuses.
"""

from typing import Any

from pyramid.httpexceptions import HTTPNotFound
from pyramid.renderers import render_to_response
from pyramid.response import Response

from ...core.ids import parse_uuid
from ...core.permissions import OWNERS, REVOKE, REVOKE_ALL
from ...core.sites import ADMIN
from ...operations import deny_rules
from ...operations.deny_rules import Weight
from ...sessions import AuthorityUnavailable, Rule, ShutOut, client_of
from ...web import notes
from ...web.contributions import Notice
from ...web.request import Request
from ...web.site_config import SiteConfigurator
from ..forms import NoteForm, RuleForm, actor
from ..lists import page
from . import may_revoke
from .confirming import BeyondAuthority, need_fresh, within_authority

_TEMPLATE = "shopforum:admin/templates/rules.jinja2"
_CONFIRM = "shopforum:admin/templates/rule.jinja2"
_SHUT_OUT = "This would shut you out of the console, too. Choose a site, or a smaller network."


def includeme(config: SiteConfigurator) -> None:
    """The views and their notices."""
    config.add_notices(
        {
            "rule_added": Notice("success", "The rule is in force: what matches is refused from now on."),
            "rule_lifted": Notice("success", "The rule is lifted. Nothing is refused by it any more."),
            "rule_over": Notice("info", "That rule was over already. Nothing was changed."),
        }
    )
    config.add_view(rules, route_name="admin_rules", request_method="GET", renderer=_TEMPLATE)
    config.add_view(
        add, route_name="admin_rules", request_method="POST", permission=REVOKE, renderer=_TEMPLATE
    )
    for method in ("GET", "POST"):
        config.add_view(lift, route_name="admin_rule_lift", request_method=method, permission=REVOKE)


def rules(request: Request) -> dict[str, Any]:
    """Those in force and those that are over; the form is filled in from the address."""
    return _page(request, RuleForm(request.typed or request.GET if may_revoke(request) else None))


def add(request: Request) -> Any:
    """Put a rule into force. What it would refuse is shown first; what has changed since is shown again."""
    form = RuleForm(request.POST)
    found = checked(request, form.network, form.span.data, form.named) if form.validate() else None
    if found is None:
        request.response.status_int = 422
        return _page(request, form)
    rule, weight = found
    confirmed = bool(request.POST.get("confirm"))
    if not confirmed or not _number_typed(form, weight):
        return _ask(request, form, rule, weight, 422 if confirmed else 200)
    if request.POST.get("digest") != weight.plan.digest:
        return _ask(request, form, rule, weight, 409)
    me = request.me
    try:
        with within_authority(request) as limit:
            request.sessions.add_rule(
                rule, form.because(me), client_of(request), maker=me, reached=weight.plan.ids, limit=limit
            )
    except ShutOut:
        form.network.errors = [_SHUT_OUT]
        request.response.status_int = 422
        return _page(request, form)
    return notes.see_other(request, "/rules?notice=rule_added")


def lift(request: Request) -> Response:
    """End a rule before its time: by GET what it refuses, by POST the end of it. Lifting twice is harmless."""
    rule_id = parse_uuid(request.matchdict["id"])
    row = deny_rules.one(request.read_db, rule_id) if rule_id else None
    if row is None:
        raise HTTPNotFound
    if row["state"] != "in force":
        return notes.see_other(request, "/rules?notice=rule_over")
    rule = deny_rules.of_row(row)
    weight = _weighed(request, rule)
    form = NoteForm(request.POST if request.POST.get("confirm") else None)
    if not request.POST.get("confirm"):
        return _ask(request, form, rule, weight, 200, row)
    typed = _number_typed(form, weight)
    if not form.validate() or not typed:
        return _ask(request, form, rule, weight, 422, row)
    reason = form.because(request.me).admin
    lifted = request.sessions.lift_rule(row["id"], actor(request.me), client_of(request), reason)
    return notes.see_other(request, f"/rules?notice={'rule_lifted' if lifted else 'rule_over'}")


def checked(request: Request, field: Any, seconds: str, named: dict[str, Any]) -> tuple[Rule, Weight] | None:
    """The rule that a form asks for and its weight, or None, with what is wrong noted at `field`.

    Raises BeyondAuthority, FreshLoginRequired as the end of the same sessions would. A rule that would shut out the admin
    who makes it is none.
    """
    try:
        rule = deny_rules.make(seconds, **named)
    except ValueError as error:
        field.errors = [*field.errors, str(error)]
        return None
    weight = _weighed(request, rule)
    if rule.matches(request.me.user_id, ADMIN, client_of(request)):
        field.errors = [*field.errors, _SHUT_OUT]
        return None
    return rule, weight


def _weighed(request: Request, rule: Rule) -> Weight:
    """The rule's weight, for who may carry it. Raises BeyondAuthority, FreshLoginRequired."""
    weight = deny_rules.weigh(request.read_db, rule, request.me.id)
    if not request.has_permission(REVOKE_ALL):
        if weight.owners or _is_owner(request, rule):
            raise BeyondAuthority("This rule reaches an owner at the console: it takes an owner. Ask one.")
        if weight.wide:
            raise BeyondAuthority(
                f"This rule reaches {weight.plan.people:,} people who are signed in, or a part of the internet that nobody "
                "holds alone: it takes an owner. Ask one, or choose less."
            )
    if weight.grave:
        need_fresh(request)
    return weight


def _is_owner(request: Request, rule: Rule) -> bool:
    """Whether a rule keeps a user out of the console who is an owner there, as the identity provider says: the only owner
    may not have been here for a long time. Raises BeyondAuthority where it cannot be asked.
    """
    if rule.user_id is None or rule.site not in (None, ADMIN):
        return False
    try:
        roles = request.sessions.authority.roles(rule.user_id)
    except AuthorityUnavailable:
        raise BeyondAuthority(
            "FusionAuth cannot be asked just now whether this user is an owner of the console. Make the rule for the store "
            "or the forums alone, or ask an owner."
        ) from None
    return bool(OWNERS & {*(roles or ())})


def _number_typed(form: Any, weight: Weight) -> bool:
    """Whether the number of sessions was typed, where the rule reaches many; noted on the form."""
    form.number.wanted = weight.plan.others if weight.plan.large else None
    return bool(form.number.validate(form))


def _ask(request: Request, form: Any, rule: Rule, weight: Weight, status: int, row: Any = None) -> Response:
    """The page that asks first, for a rule to be made, or, where `row` is one, to be lifted."""
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
        "page": page(request, deny_rules.ended(), deny_rules.MADE_AT, deny_rules.RULE_ID, size=30),
        "may_revoke": may_revoke(request),
    }
