"""`/rules`: what is refused for a while, making such a rule, and lifting one."""

from typing import Any

from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPNotFound, HTTPSeeOther
from pyramid.request import Request

from ...sessions import client_of
from ...sessions.rules import Rule
from ...sessions.tokens import as_uuid
from ...web import notes
from ...web.templating import Notice
from .. import standing
from ..forms import RuleForm, actor
from ..reading import page
from . import REVOKE, REVOKE_ALL, may_revoke
from .confirming import need

_TEMPLATE = "shopforum:admin/templates/rules.jinja2"


def includeme(config: Configurator) -> None:
    """The views and their notices."""
    config.registry.notices["rule_added"] = Notice(
        "success", "The rule is in force: what matches is refused from now on."
    )
    config.registry.notices["rule_lifted"] = Notice(
        "success", "The rule is lifted. Nothing is refused by it any more."
    )
    config.registry.notices["rule_over"] = Notice("info", "That rule was over already. Nothing was changed.")
    config.add_view(rules, route_name="admin_rules", request_method="GET", renderer=_TEMPLATE)
    config.add_view(
        add, route_name="admin_rules", request_method="POST", permission=REVOKE, renderer=_TEMPLATE
    )
    config.add_view(lift, route_name="admin_rule_lift", request_method="POST", permission=REVOKE)


def rules(request: Request) -> dict[str, Any]:
    """Those in force and those that are over; the form is filled in from the address."""
    return _page(request, RuleForm(request.typed or request.GET if may_revoke(request) else None))


def add(request: Request) -> Any:
    """Put a rule into force."""
    form = RuleForm(request.POST)
    valid = form.validate()
    rule = checked(request, form.network, form.span.data, form.named) if valid else None
    if rule is None:
        request.response.status_int = 422
        return _page(request, form)
    request.sessions.add_rule(rule, form.because(request.identity), client_of(request))
    return notes.see_other(request, "/rules?notice=rule_added")


def lift(request: Request) -> HTTPSeeOther:
    """End a rule before its time. Lifting twice is harmless."""
    rule_id = as_uuid(request.matchdict["id"])
    if rule_id is None or standing.one(request.reading, rule_id) is None:
        raise HTTPNotFound
    lifted = request.sessions.lift_rule(rule_id, actor(request.identity), client_of(request))
    return notes.see_other(request, f"/rules?notice={'rule_lifted' if lifted else 'rule_over'}")


def checked(request: Request, field: Any, seconds: str, named: dict[str, Any]) -> Rule | None:
    """The rule that a form asks for, or None, with what is wrong noted at `field`.

    What refuses people whoever they are takes the permission for whole sites: raises HTTPForbidden without it. A rule
    that would shut out the admin who makes it is none.
    """
    try:
        rule = standing.make(seconds, **named)
    except ValueError as error:
        field.errors = [*field.errors, str(error)]
        return None
    if standing.wide(rule):
        need(request, REVOKE_ALL)
    if rule.matches(request.identity.user_id, "admin", client_of(request)):
        field.errors = [
            *field.errors,
            "This would shut you out of the console, too. Choose a site, or a smaller network.",
        ]
        return None
    return rule


def _page(request: Request, form: RuleForm) -> dict[str, Any]:
    db = request.reading
    return {
        "form": form,
        "in_force": standing.in_force(db),
        "page": page(request, standing.ended(), standing.MADE_AT, standing.RULE_ID, size=30),
        "may_revoke": may_revoke(request),
    }
