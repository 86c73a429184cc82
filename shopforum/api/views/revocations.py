"""Revocations: end sessions, and show the receipts."""

from typing import Any
from uuid import UUID

from pyramid.response import Response

from ...core.ids import parse_uuid
from ...operations import approvals, json_documents, plans, revocation_queries, session_queries, user_queries
from ...operations.approval_requests import Waiting
from ...operations.rows import Receipt
from ...operations.targets import Target
from ...sessions import client_of
from .. import responses
from ..idempotency import Outcome
from ..problems import Problem
from ..request import ApiRequest as Request
from .acting import EVERYONE, answer, carry_out, check_scope, once, within_scope
from .approvals import waiting_response
from .calls import Given, linked, part_of, path_id, read_filter, read_reason


def revoke(request: Request, given: Given) -> Response:
    """End the sessions of a scope; only once where the call has an Idempotency-Key."""
    target = _target(given.body["scope"])
    if target.everyone or target.whole_site:
        request.require(EVERYONE)
    outcome = once(
        request,
        given.body,
        lambda: _revoke(request, target, given.body),
        lambda made: _receipt(request, made.revocation_id),
    )
    return answer(outcome, "revocations")


def _revoke(request: Request, target: Target, body: dict[str, Any]) -> Outcome:
    """Make the plan, compare it with the expected count, and carry it out. The sessions of a site or of everyone are counted
    only where the call asks for a count.
    """
    expected = body.get("expected_count")
    counted = bool(body.get("dry_run")) or expected is not None
    plan = plans.make(request.read_db, target, None, counted=counted)
    if plan.scope is None:
        raise Problem(422, plan.problem, errors=[{"field": "scope", "detail": plan.problem}])
    check_scope(request, plan)
    if expected is not None and not (plan.exact and expected == plan.matched):
        found = f"{'' if plan.exact else 'At least '}{plan.matched:,}"
        detail = f"{found} sessions match now, not {expected:,}."
        raise Problem("count-changed", detail, matched=plan.matched, exact=plan.exact)
    if body.get("dry_run"):
        return Outcome(200, json_documents.dry_run(plan.matched, exact=plan.exact))
    return _receipt(request, carry_out(request, plan, read_reason(request, body["reason"])))


def _target(scope: dict[str, Any]) -> Target:
    """Return the target of a scope. Raises Problem for a filter with errors."""
    if "everyone" in scope:
        return Target(everyone=True)
    if "session" in scope or "sessions" in scope:
        ids = [scope["session"]] if "session" in scope else scope["sessions"]
        return Target(sessions=tuple(dict.fromkeys(map(UUID, ids))))
    if "ip" in scope:
        return Target(filter=read_filter({"ip": scope["ip"]}, "scope.").query())
    if "filter" in scope:
        return Target(filter=read_filter(scope["filter"], "scope.filter.").query())
    return Target(user_id=UUID(scope["user"]) if "user" in scope else None, site=scope.get("site"))


def _receipt(request: Request, revocation_id: UUID | None) -> Outcome:
    row = revocation_queries.receipt(request.read_db, revocation_id) if revocation_id else None
    if row is None:
        raise Problem(404, "There is no such revocation.")
    return Outcome(201, json_documents.receipt(row))


def get_revocation(request: Request, given: Given) -> Response:
    """Return a receipt as it stands now."""
    return responses.reply(json_documents.revocation(_revocation(request)))


def list_revoked(request: Request, given: Given) -> Response:
    """Return the sessions that a revocation has ended, newest sign-in first."""
    row = _revocation(request)
    part = part_of(request, given, session_queries.ended_by(row.id))
    total = {"count": row.matched, "exact": row.exact}
    rows = [json_documents.session(session) for session in part.rows]
    return linked(
        request, given, responses.reply({"sessions": rows, "next": part.older, "total": total}), part.older
    )


def _revocation(request: Request) -> Receipt:
    row = revocation_queries.receipt(request.read_db, path_id(request))
    if row is None:
        raise Problem(404, "There is no such revocation.")
    return row


def revoke_user(request: Request, given: Given) -> Response:
    """End all sessions of a user whom the sites know; of all users who share the address: of all, or of none."""
    subject, db = given.body["sub_id"], request.read_db
    if subject["format"] == "email":
        users = user_queries.of_email(db, subject["email"])
    else:
        user_id = _user_id(request, subject)
        users = [user_id] if user_id and user_queries.seen(db, user_id) else []
    if not users:
        raise Problem(404, "There is no such user.")
    reason = read_reason(request, {"code": "incident", "text": "global token revocation"})
    found = [plans.make(db, Target(user_id=user_id), None) for user_id in users]
    for plan in found:
        check_scope(request, plan)
    try:
        with within_scope(request, approvals.ending_users(found, reason)) as limit:
            plans.carry_out_all(request.sessions, found, reason, client_of(request), limit=limit)
    except Waiting as waiting:
        return answer(waiting_response(request, waiting))
    return Response(status=204)


def _user_id(request: Request, subject: dict[str, str]) -> UUID | None:
    """Return the user's id, or None for a subject of another issuer."""
    if subject["format"] == "opaque":
        return UUID(subject["id"])
    return parse_uuid(subject["sub"]) if subject["iss"].rstrip("/") == request.services.issuer else None
