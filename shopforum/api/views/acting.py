"""Carry out acts: within the reach of the token, with the approval they take, and only once."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from pyramid.response import Response

from ...api_tokens import tokens
from ...operations import approval_requests, approvals, plans
from ...operations.approval_requests import Asker, Waiting
from ...operations.approvals import Act, Kind
from ...operations.audit_queries import Made
from ...operations.limits import BeyondReach
from ...sessions import Limit, Reason, TooFar, client_of
from .. import responses
from ..idempotency import Key, Outcome
from ..problems import Problem
from ..request import ApiRequest as Request
from ..security_policy import refused
from .approvals import waiting_response

EVERYONE = "everyone:revoke"

SHUT_OUT = (
    "This rule, or another one, would refuse this token's own calls. Choose a site, or a smaller network."
)


def check_scope(request: Request, plan: plans.Plan) -> None:
    """Raise HTTPForbidden where the token lacks the scope that the plan's reach takes."""
    request.require(EVERYONE if plan.wide else "sessions:revoke")


def carry_out(request: Request, plan: plans.Plan, reason: Reason) -> UUID:
    """End the sessions of a plan. Raises Problem where the token's acts of an hour reach further than the token may."""
    with within_scope(request, approvals.ending(Kind.REVOKE, plan, reason)) as limit:
        return plans.carry_out(request.sessions, plan, reason, client_of(request), limit=limit)


@contextmanager
def within_scope(request: Request, act: Act) -> Iterator[Limit | None]:
    """Give the limit of this token's acts. Raises Problem as `judged` does, and Waiting for an act that takes a second owner: one
    who has not made the token.
    """
    token = request.token
    names = tokens.actors(request.db, token.maker_id) if token.maker_id else frozenset()
    asker = Asker(
        token.actor,
        client_of(request),
        unlimited(request),
        user_id=token.maker_id,
        names=names,
        token_id=token.id,
    )
    rules = request.services.two_people
    try:
        with (
            judged(request),
            approval_requests.within(rules, request.db, request.read_db, asker, act) as limit,
        ):
            yield limit
    except approval_requests.TooManyRequests as error:
        raise Problem(429, str(error), headers={"Retry-After": str(approvals.LIFE)}) from None


def unlimited(request: Request) -> bool:
    """Return whether the token may reach everyone, so that no limit holds for it."""
    return bool(request.has_permission(EVERYONE))


@contextmanager
def judged(request: Request) -> Iterator[None]:
    """Raise Problem, which the audit log records, for an act beyond the reach of this token."""
    try:
        yield
    except (TooFar, BeyondReach) as error:
        refused(request, "reach", request.identity, missing=EVERYONE)
        detail = f"{error} The token lacks the scope {EVERYONE}."
        raise Problem(403, detail, missing_scope=EVERYONE) from None


def once(
    request: Request, body: dict[str, Any], act: Callable[[], Outcome], receipt: Callable[[Made], Outcome]
) -> Outcome:
    """Do an act; only once where the call has an Idempotency-Key and is no dry run."""

    def act_or_ask() -> Outcome:
        try:
            return act()
        except Waiting as waiting:
            return waiting_response(request, waiting)

    key = request.headers.get("Idempotency-Key")
    if key is None or body.get("dry_run"):
        return act_or_ask()
    return Key(request.db, request.token, request.id, key, body).once(act_or_ask, receipt)


def answer(outcome: Outcome, collection: str = "") -> Response:
    """Return the response of an outcome, with the address of what was made where the `collection` has one for each."""
    headers = {"Idempotent_Replayed": "true"} if outcome.replayed else {}
    if outcome.status == 202:
        headers["Location"] = f"/api/v1/approvals/{outcome.body['id']}"
    if outcome.status == 201 and collection:
        headers["Location"] = f"/api/v1/{collection}/{outcome.body['id']}"
    return responses.reply(outcome.body, outcome.status, **headers)
