"""Deny rules: list, add and lift them."""

from typing import Any
from uuid import UUID

from pyramid.response import Response

from ...core.sites import ADMIN
from ...core.text import clean
from ...operations import approvals, deny_rules, json_documents
from ...operations.deny_rules import DenyRuleRow, Weight
from ...sessions import Rule, ShutOut, client_of
from ...sessions.deny_rules import Maker
from .. import responses
from ..idempotency import Outcome
from ..problems import Problem
from ..request import ApiRequest as Request
from .acting import SHUT_OUT, answer, judged, once, unlimited, within_scope
from .calls import Given, part_of, path_id, read_filter, read_reason


def list_rules(request: Request, given: Given) -> Response:
    """Return deny rules, newest first."""
    part = part_of(request, given, deny_rules.RULES)
    return responses.reply({"rules": [json_documents.rule(row) for row in part.rows], "next": part.older})


def add_rule(request: Request, given: Given) -> Response:
    """Put a deny rule into force; only once where the call has an Idempotency-Key."""
    body = given.body
    chosen = read_filter({name: body[name] for name in deny_rules.FIELDS if name in body}, "")
    try:
        rule = deny_rules.of_words(request.read_db, chosen, body["seconds"])
    except ValueError as error:
        raise Problem(422, str(error)) from None
    outcome = once(
        request, body, lambda: _add_rule(request, rule, body), lambda made: _rule_made(request, made.rule_id)
    )
    return answer(outcome)


def _add_rule(request: Request, rule: Rule, body: dict[str, Any]) -> Outcome:
    """Weigh a rule and put it into force; a dry run only weighs it."""
    weight = _weigh(request, rule)
    if body.get("dry_run"):
        return Outcome(200, json_documents.weight(weight))
    maker, reason = Maker(request.token.maker_id, ADMIN), read_reason(request, body["reason"])
    try:
        with within_scope(request, approvals.refusing(rule, weight, reason)) as limit:
            rule_id = request.sessions.add_rule(
                rule,
                reason,
                client_of(request),
                maker=maker,
                reached=weight.plan.ids,
                limit=limit,
            )
    except ShutOut:
        raise Problem(422, SHUT_OUT) from None
    return _rule_made(request, rule_id, weight)


def _weigh(request: Request, rule: Rule) -> Weight:
    """Weigh a rule. Raises Problem where the token may not add or lift it."""
    weight = deny_rules.weigh(request.read_db, rule, None)
    with judged(request):
        deny_rules.check_reach(request.sessions.authority, rule, weight, unlimited=unlimited(request))
    return weight


def _rule_made(request: Request, rule_id: UUID | None, weight: Weight | None = None) -> Outcome:
    """Return the response of a rule that was made, weighed again where its weight is not at hand."""
    row = _rule(request, rule_id)
    weight = weight or deny_rules.weigh(request.read_db, row.rule, None)
    return Outcome(201, json_documents.rule_made(row, weight))


def lift_rule(request: Request, given: Given) -> Response:
    """Lift a deny rule. One that is over stays as it is."""
    row = _rule(request, path_id(request))
    if row.state == deny_rules.IN_FORCE:
        _weigh(request, row.rule)
        note = clean(given.query.get("text", ""), 2000)
        request.sessions.lift_rule(row.id, request.token.actor, client_of(request), note)
    return Response(status=204)


def _rule(request: Request, rule_id: UUID | None) -> DenyRuleRow:
    row = deny_rules.one(request.read_db, rule_id) if rule_id else None
    if row is None:
        raise Problem(404, "There is no such rule.")
    return row
